"""The shares of the classes in training, whatever the window: anything has to be better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.methods.cbramod.baselines.labelled import Labelled


class Majority:
    settings: Mapping[str, Any] = {}

    def __init__(self, shares: np.ndarray):
        self.shares = shares

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        return np.tile(self.shares, (len(x), 1))


def fit(train: Labelled, val: Labelled | None) -> Majority:
    return Majority(np.bincount(train.y, minlength=train.classes) / len(train.y))
