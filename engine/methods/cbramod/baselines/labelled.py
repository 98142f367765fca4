"""What a baseline is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from engine.core.errors import UserError
from engine.methods.cbramod.goal import Goal, learnt


@dataclass(frozen=True)
class Labelled:
    """Windows of one part of a split: x (n, C, T) float32 in µV, y (n,) classes from 0, or numbers.

    `classes` is how many the whole set has, also where a part lacks one; none: y are numbers.
    """

    x: np.ndarray
    y: np.ndarray
    sfreq: float  # Hz
    classes: int

    @cached_property
    def goal(self) -> Goal:
        return learnt(self.y, self.classes)


class Trained(Protocol):
    settings: Mapping[str, Any]  # as validation chose them

    def answers(self, x: np.ndarray) -> np.ndarray:
        """(n, C, T) µV -> (n, K) float64, each row a distribution, or (n,) numbers."""


def require_two_labels(train: Labelled) -> None:
    if len(np.unique(train.y)) < 2:
        raise UserError(
            "split", f"the training windows have one {train.goal.name} only; expected two or more"
        )


def spread_out(some: np.ndarray, *, there: np.ndarray, classes: int) -> np.ndarray:
    """(n, K) of probabilities (n, k) of the classes `there` (k,); 0 for what training never saw."""
    whole = np.zeros((len(some), classes))
    whole[:, there] = some
    return whole
