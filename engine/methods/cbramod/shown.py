"""Signals and numbers as an answer shows them: small enough to be sent, and rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.signal import resample_poly
from torch import Tensor

from engine.methods.cbramod.windows import RATE, SCALE

SHOWN = 120_000  # samples of an answer
APART = 0.5  # s; loud moments that are closer are one


def microvolts(x: Tensor) -> np.ndarray:
    """(C, T) of the first window (1, C, S, P)."""
    return x[0].flatten(1).numpy() * SCALE


def thinned(signal: np.ndarray) -> tuple[np.ndarray, float]:
    """(C, T) µV of no more than SHOWN samples, low-passed where some are left out; and its rate."""
    channels, samples = signal.shape
    step = -(-samples // max(1, SHOWN // channels))
    if step > 1:
        signal = resample_poly(signal.astype(float), 1, step, axis=1, padtype="line")
    return rounded(signal, 1), RATE / step


def loud_spans(signal: np.ndarray, limit: float, start: float) -> list[list[float]]:
    """[from, to] in seconds where a channel reaches `limit` µV; the signal begins at `start`."""
    if not limit:
        return []
    loud = np.flatnonzero((np.abs(signal) >= limit).any(axis=0))
    spans = np.split(loud, np.flatnonzero(np.diff(loud) > APART * RATE) + 1) if len(loud) else []
    ends = [(start + one[0] / RATE, start + (one[-1] + 1) / RATE) for one in spans]
    return rounded(ends, 3).tolist()


def rounded(values: Any, digits: int) -> np.ndarray:
    return np.round(np.asarray(values, np.float64), digits)
