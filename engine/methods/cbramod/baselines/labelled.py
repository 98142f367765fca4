"""What a baseline is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from engine.core.errors import UserError
from engine.methods.cbramod import metrics


@dataclass(frozen=True)
class Labelled:
    """Windows of one part of a split: x (n, C, T) float32 in µV, y (n,) classes from 0.

    `classes` is how many the whole set has, also where a part lacks one.
    """

    x: np.ndarray
    y: np.ndarray
    sfreq: float  # Hz
    classes: int

    @property
    def weights(self) -> np.ndarray:
        """(K,) of a class in a loss, that makes all alike: n / (K nₖ), 0 where it is not there."""
        counts = np.bincount(self.y, minlength=self.classes)
        there = counts > 0
        return np.where(there, len(self.y) / (there.sum() * np.maximum(counts, 1)), 0.0)


class Trained(Protocol):
    settings: Mapping[str, Any]  # as validation chose them

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """(n, C, T) µV -> (n, K) float64, each row a distribution."""


def require_two_classes(train: Labelled) -> None:
    if len(np.unique(train.y)) < 2:
        raise UserError("split", "the training windows have one class only; expected two or more")


def spread_out(some: np.ndarray, *, there: np.ndarray, classes: int) -> np.ndarray:
    """(n, K) of probabilities (n, k) of the classes `there` (k,); 0 for what training never saw."""
    whole = np.zeros((len(some), classes))
    whole[:, there] = some
    return whole


def verdict(probabilities: np.ndarray, part: Labelled) -> tuple[float, float]:
    """What validation chooses by, more is better: balanced accuracy, of equals the log-likelihood.

    Not the likelihood first: on other people a network's grows worse from the first epochs on, by
    ever surer mistakes, while its answers still improve. Each class has the same weight in either.
    """
    right = metrics.balanced_accuracy(part.y, metrics.answered(probabilities))
    named = np.maximum(probabilities[np.arange(len(part.y)), part.y], np.finfo(np.float32).tiny)
    weights = part.weights[part.y]
    return right, float((weights * np.log(named)).sum() / weights.sum())
