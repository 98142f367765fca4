"""How good the networks are: each fold's scores, their means, and what was taken for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.methods.kaleidoscope import metrics
from engine.methods.kaleidoscope.case import Case
from engine.methods.kaleidoscope.work import FLOAT, PTQ, QAT, scores

FOREST = "random_forest"
TITLES = {
    FLOAT: "real numbers",
    PTQ: "int8, rounded after training",
    QAT: "int8, trained with its rounding",
    FOREST: "Random forest",
}


@dataclass(frozen=True, eq=False)
class Judgement:
    """Of the models FLOAT, PTQ, QAT and perhaps FOREST. `answers` are of the folds in turn: model
    -> (all tested,); `int8` is the deployed one of PTQ and QAT."""

    case: Case
    folds: dict[str, list[dict[str, float]]]
    answers: dict[str, np.ndarray]
    labels: np.ndarray
    int8: str

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(self.folds)

    def mean(self, model: str) -> dict[str, float]:
        keys = self.folds[model][0]
        return {key: float(np.mean([one[key] for one in self.folds[model]])) for key in keys}

    def reach(self, model: str, key: str) -> tuple[float, float]:
        """The lowest and the highest fold."""
        values = [one[key] for one in self.folds[model]]
        return min(values), max(values)

    def per_class(self, model: str) -> np.ndarray:
        return metrics.per_class(self.labels, self.answers[model], classes=self.classes)

    def confusion(self, model: str) -> np.ndarray:
        return metrics.confusion(self.labels, self.answers[model], classes=self.classes)

    @property
    def classes(self) -> int:
        return len(self.case.samples.classes)


def judge(case: Case, finished: dict[str, Any], *, name: str, params: Any) -> Judgement:
    """Over all folds of the case; `finished` has the units of `work`."""
    folds: dict[str, list[dict[str, float]]] = {}
    given: dict[str, list[np.ndarray]] = {}
    for part in case.parts:
        made = finished[f"fold.{part.name}.{name}"]
        found = {key: (made["answers"][key], made["thresholds"].get(key)) for key in
                 (FLOAT, PTQ, QAT)}  # fmt: skip
        if FOREST in params.baselines:
            found[FOREST] = (finished[f"fold.{part.name}.{FOREST}"], None)
        for key, (answers, threshold) in found.items():
            folds.setdefault(key, []).append(scores(case, part, answers, threshold))
            given.setdefault(key, []).append(_classes(case, answers, threshold))
    return Judgement(
        case=case,
        folds=folds,
        answers={key: np.concatenate(parts) for key, parts in given.items()},
        labels=np.concatenate([case.samples.labels[part.test] for part in case.parts]),
        int8=params.quantisation,
    )


def _classes(case: Case, answers: np.ndarray, threshold: float | None) -> np.ndarray:
    if not case.detects:
        return answers
    return (answers > (0.5 if threshold is None else threshold)).astype(np.int64)
