"""Logistic regression on log band powers: five numbers per channel, no time course, no phase.

Welch's spectrum of 1 s Hann segments, half overlapping; mean power of a band; natural logarithm;
standardised by the training windows; L2, classes weighted to be alike (brief, bar 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from engine.methods.cbramod.baselines.labelled import (
    Labelled,
    require_two_classes,
    spread_out,
    verdict,
)
from engine.methods.cbramod.spectra import BANDS, BATCH, LEAST, density, inside

STRENGTH = 0.05  # C of the brief
GRID = (STRENGTH, 0.002, 0.01, 0.25)  # what validation chooses from; the first of equals


class BandPower:
    def __init__(self, model: Pipeline, *, sfreq: float, classes: int, strength: float):
        self.model, self.sfreq, self.classes = model, sfreq, classes
        self.settings: Mapping[str, Any] = {"C": strength}

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        found = self.model.predict_proba(log_powers(x, sfreq=self.sfreq))
        return spread_out(found, there=self.model.classes_, classes=self.classes)


def fit(train: Labelled, val: Labelled | None, *, strengths: tuple[float, ...] = GRID) -> BandPower:
    """Validation chooses C of `strengths`; without validation it is the first of them."""
    require_two_classes(train)
    features = log_powers(train.x, sfreq=train.sfreq)
    tried = []
    for strength in strengths if val is not None else strengths[:1]:
        regression = LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)
        model = make_pipeline(StandardScaler(), regression).fit(features, train.y)
        tried.append(BandPower(model, sfreq=train.sfreq, classes=train.classes, strength=strength))
    if val is None:
        return tried[0]
    return max(tried, key=lambda one: verdict(one.probabilities(val.x), val))


def log_powers(x: np.ndarray, *, sfreq: float) -> np.ndarray:
    """(n, C, T) µV -> (n, C · 5) ln of µV²/Hz, the bands of a channel side by side."""
    parts = [_log_powers(x[at : at + BATCH], sfreq) for at in range(0, len(x), BATCH)]
    return np.concatenate(parts) if parts else np.zeros((0, x.shape[1] * len(BANDS)))


def _log_powers(x: np.ndarray, sfreq: float) -> np.ndarray:
    frequencies, power = density(x, sfreq)  # (n, C, F)
    bands = np.stack([power[..., band].mean(axis=-1) for band in inside(frequencies)], axis=-1)
    return np.log(np.maximum(bands, LEAST)).reshape(len(x), -1)
