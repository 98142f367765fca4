"""Linear models of log band powers: five numbers per channel, no time course, no phase.

Welch's spectrum of 1 s Hann segments, half overlapping; mean power of a band; natural logarithm;
standardised by the training windows. Classes: logistic regression, L2, classes weighted to be alike
(brief, bar 11). Numbers: ridge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from engine.methods.cbramod.baselines.labelled import Labelled, require_two_labels, spread_out
from engine.methods.cbramod.spectra import BANDS, BATCH, LEAST, density, inside

STRENGTH = 0.05  # C of the brief
GRID = (STRENGTH, 0.002, 0.01, 0.25)  # what validation chooses from; the first of equals
RIDGES = (100.0, 1.0, 10.0, 1000.0, 10_000.0)  # alpha, likewise


class BandPower:
    """Of classes, by their regression."""

    def __init__(self, model: Pipeline, *, sfreq: float, classes: int, strength: float):
        self.model, self.sfreq, self.classes = model, sfreq, classes
        self.settings: Mapping[str, Any] = {"C": strength}

    def answers(self, x: np.ndarray) -> np.ndarray:
        found = self.model.predict_proba(log_powers(x, sfreq=self.sfreq))
        return spread_out(found, there=self.model.classes_, classes=self.classes)


class RidgePower:
    """Of numbers."""

    def __init__(self, model: Pipeline, *, sfreq: float, strength: float):
        self.model, self.sfreq = model, sfreq
        self.settings: Mapping[str, Any] = {"alpha": strength}

    def answers(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict(log_powers(x, sfreq=self.sfreq))


def fit(
    train: Labelled, val: Labelled | None, *, strengths: tuple[float, ...] | None = None
) -> BandPower | RidgePower:
    """Validation chooses C, or of numbers alpha; without validation it is the first of them."""
    require_two_labels(train)
    features = log_powers(train.x, sfreq=train.sfreq)
    of = _of_classes if train.classes else _of_numbers
    grid = strengths or (GRID if train.classes else RIDGES)
    tried = [of(features, train, strength) for strength in (grid if val is not None else grid[:1])]
    if val is None:
        return tried[0]
    return max(tried, key=lambda one: val.goal.verdict(val.y, one.answers(val.x)))


def _of_classes(features: np.ndarray, train: Labelled, strength: float) -> BandPower:
    regression = LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)
    model = make_pipeline(StandardScaler(), regression).fit(features, train.y)
    return BandPower(model, sfreq=train.sfreq, classes=train.classes, strength=strength)


def _of_numbers(features: np.ndarray, train: Labelled, strength: float) -> RidgePower:
    model = make_pipeline(StandardScaler(), Ridge(alpha=strength)).fit(features, train.y)
    return RidgePower(model, sfreq=train.sfreq, strength=strength)


def log_powers(x: np.ndarray, *, sfreq: float) -> np.ndarray:
    """(n, C, T) µV -> (n, C · 5) ln of µV²/Hz, the bands of a channel side by side."""
    parts = [_log_powers(x[at : at + BATCH], sfreq) for at in range(0, len(x), BATCH)]
    return np.concatenate(parts) if parts else np.zeros((0, x.shape[1] * len(BANDS)))


def _log_powers(x: np.ndarray, sfreq: float) -> np.ndarray:
    frequencies, power = density(x, sfreq)  # (n, C, F)
    bands = np.stack([power[..., band].mean(axis=-1) for band in inside(frequencies)], axis=-1)
    return np.log(np.maximum(bands, LEAST)).reshape(len(x), -1)
