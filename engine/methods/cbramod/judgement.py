"""Who won: every test window once, all folds together, for each model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.methods.cbramod import intervals
from engine.methods.cbramod.goal import Goal, settled

if TYPE_CHECKING:
    from engine.methods.cbramod import metrics
    from engine.methods.cbramod.split import Part
    from engine.methods.cbramod.windows import Windows

Found = dict[str, Any]
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
    """`models` are keys of TITLES, the job's own first; the rest is by those. The goal's key
    judges: it is what intervals, leads and the winner are of."""

    goal: Goal
    models: tuple[str, ...]
    tested: np.ndarray  # (m,) places of windows, fold by fold
    fold: np.ndarray  # (m,) the name of each one's
    y: np.ndarray  # (m,)
    subjects: np.ndarray  # (m,)
    answers: dict[str, np.ndarray]  # (m, …) as the goal has them
    scores: dict[str, metrics.Found]  # of all test windows; what ranks them, of folds (see within)
    interval: dict[str, tuple[float, float] | None]  # over subjects
    folds: dict[str, dict[str, metrics.Found]]  # by the fold's name
    validation: dict[str, float | None]  # mean over folds; None where one of them has no value

    @property
    def values(self) -> dict[str, float | None]:
        """By what each model is judged."""
        return {model: self.scores[model][self.goal.key] for model in self.models}

    @property
    def winner(self) -> str | None:
        """The model of the highest value; None where two have it, or none has one."""
        known = {model: value for model, value in self.values.items() if value is not None}
        top = max(known.values(), default=0.0)
        best = [model for model, value in known.items() if math.isclose(value, top, rel_tol=1e-9)]
        return best[0] if len(best) == 1 else None

    @property
    def rival(self) -> str | None:
        """The best of the others, which the job's own model is compared with."""
        known = {model: self.values[model] for model in self.models[1:]}
        known = {model: value for model, value in known.items() if value is not None}
        return max(known, key=known.__getitem__) if known else None

    def title(self, model: str) -> str:
        return self.goal.titles.get(model, TITLES[model])

    def lead(self, over: str) -> intervals.Difference:
        """Of the first model, fold by fold."""
        ours, theirs = self._pairs(self.models[0]), self._pairs(over)
        return intervals.paired(ours, theirs)

    def of_subjects(self) -> list[tuple[str, int, dict[str, float]]]:
        """(subject, windows, what judges each model on one subject)."""
        key, _ = self.goal.of_subject
        found = []
        for name in np.unique(self.subjects):
            here = self.subjects == name
            values = {
                model: self.goal.scores(self.y[here], self.answers[model][here])[key]
                for model in self.models
            }
            found.append((str(name), int(here.sum()), values))
        return found

    def confusion(self, model: str) -> np.ndarray | None:
        """(K, K); None where the goal has no classes."""
        return self.goal.confusion(self.y, self.answers[model])

    def _pairs(self, model: str) -> dict[tuple[str, int], float | None]:
        return {(fold, 0): found[self.goal.key] for fold, found in self.folds[model].items()}


def judge(
    windows: Windows,
    parts: Sequence[Part],
    models: Sequence[str],
    finished: Mapping[str, Found],
) -> Judgement:
    def unit(part: Part, model: str) -> Found:
        return finished[f"fold.{part.name}.{model}"]

    goal = settled(len(windows.classes))
    tested = np.concatenate([part.test for part in parts])
    y, subjects = windows.y[tested], windows.subject[tested]
    answers = {
        model: np.concatenate([unit(part, model)["test"] for part in parts]) for model in models
    }
    folds = {
        model: {
            part.name: goal.scores(windows.y[part.test], unit(part, model)["test"])
            for part in parts
        }
        for model in models
    }
    return Judgement(
        goal=goal,
        models=tuple(models),
        tested=tested,
        fold=np.repeat([part.name for part in parts], [len(part.test) for part in parts]),
        y=y,
        subjects=subjects,
        answers=answers,
        scores={
            model: goal.scores(y, answers[model])
            | {key: within(folds[model].values(), key) for key in goal.ranks}
            for model in models
        },
        interval={
            model: intervals.over_subjects(
                goal.value, y, answers[model], subjects, within=goal.within
            )
            for model in models
        },
        folds=folds,
        validation={
            model: mean([unit(part, model)["val"][goal.key] for part in parts]) for model in models
        },
    )


def within(folds: Iterable[metrics.Found], key: str) -> float | None:
    """The mean over the folds in which it is defined. Each fold has a network of its own, and what
    ranks windows would rank the networks too, if all folds were put together: an answer that is the
    same for a whole fold has .5 here, or no r, and may have anything there (Forman and Scholz
    2010)."""
    known = [found[key] for found in folds if found[key] is not None]
    return mean(known) if known else None


def mean(values: list[float | None]) -> float | None:
    return None if None in values else float(np.mean(values))
