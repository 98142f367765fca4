"""Who won: every test window once, all folds together, for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.methods.cbramod import intervals, metrics

if TYPE_CHECKING:
    from engine.methods.cbramod.split import Part
    from engine.methods.cbramod.windows import Windows

Found = dict[str, Any]
KEY = "balanced_accuracy"
TITLES = {
    "pretrained": "CBraMod, pre-trained",
    "scratch": "CBraMod from scratch",
    "majority": "Majority",
    "band_power": "Band power",
    "csp": "CSP + LDA",
    "eegnet": "EEGNet",
    "shallow": "ShallowConvNet",
}


@dataclass(frozen=True, eq=False)
class Judgement:
    """`models` are keys of TITLES, the job's own first; the rest is by those."""

    models: tuple[str, ...]
    tested: np.ndarray  # (m,) places of windows, fold by fold
    y: np.ndarray  # (m,)
    subjects: np.ndarray  # (m,)
    answers: dict[str, np.ndarray]  # (m, K) probabilities
    scores: dict[str, metrics.Found]  # of all test windows
    interval: dict[str, tuple[float, float] | None]  # of the balanced accuracy, over subjects
    folds: dict[str, dict[str, metrics.Found]]  # by the fold's name
    validation: dict[str, float]  # mean balanced accuracy

    @property
    def winner(self) -> str | None:
        """The model of the highest balanced accuracy; None where two have it."""
        value = {model: self.scores[model][KEY] or 0.0 for model in self.models}
        best = [model for model in self.models if value[model] == max(value.values())]
        return best[0] if len(best) == 1 else None

    def lead(self, over: str) -> intervals.Difference:
        """Of the first model, fold by fold."""
        ours, theirs = self._pairs(self.models[0]), self._pairs(over)
        return intervals.paired(ours, theirs)

    def of_subjects(self) -> list[tuple[str, int, dict[str, float]]]:
        """(subject, windows, balanced accuracy of each model)."""
        found = []
        for name in np.unique(self.subjects):
            here = self.subjects == name
            values = {model: balanced(self.y[here], self.answers[model][here])
                      for model in self.models}  # fmt: skip
            found.append((str(name), int(here.sum()), values))
        return found

    def confusion(self, model: str) -> np.ndarray:
        answers = self.answers[model]
        return metrics.confusion(self.y, metrics.answered(answers), classes=answers.shape[1])

    def _pairs(self, model: str) -> dict[tuple[str, int], float | None]:
        return {(fold, 0): found[KEY] for fold, found in self.folds[model].items()}


def judge(
    windows: Windows,
    parts: Sequence[Part],
    models: Sequence[str],
    finished: Mapping[str, Found],
) -> Judgement:
    def unit(part: Part, model: str) -> Found:
        return finished[f"fold.{part.name}.{model}"]

    tested = np.concatenate([part.test for part in parts])
    y, subjects = windows.y[tested], windows.subject[tested]
    answers = {
        model: np.concatenate([unit(part, model)["test"] for part in parts]) for model in models
    }
    return Judgement(
        models=tuple(models),
        tested=tested,
        y=y,
        subjects=subjects,
        answers=answers,
        scores={model: metrics.classification(y, answers[model]) for model in models},
        interval={
            model: intervals.over_subjects(balanced, y, answers[model], subjects)
            for model in models
        },
        folds={
            model: {
                part.name: metrics.classification(windows.y[part.test], unit(part, model)["test"])
                for part in parts
            }
            for model in models
        },
        validation={
            model: float(np.mean([unit(part, model)["val"][KEY] for part in parts]))
            for model in models
        },
    )


def balanced(y: np.ndarray, probabilities: np.ndarray) -> float:
    return metrics.balanced_accuracy(y, metrics.answered(probabilities))
