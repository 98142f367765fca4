"""Fewer points that draw the same line: of each bucket its first, last, least and greatest.

A curve drawn from them touches the same pixels as the whole curve while a bucket is no wider
than a pixel. Spikes stay; points that are not finite have no extreme, and stay only at the
edge of a bucket.
"""

from __future__ import annotations

import numpy as np

PER_BUCKET = 4  # points that a bucket may leave


def choose(values: np.ndarray, at_most: int) -> np.ndarray:
    """Sorted positions of at most `at_most` points; the first and last are always kept."""
    total = len(values)
    if at_most < 2:
        raise ValueError(f"{at_most} points: a curve has at least its two ends")
    if total <= at_most:
        return np.arange(total)
    if at_most < PER_BUCKET:
        return np.array([0, total - 1])
    width = -(-total // (at_most // PER_BUCKET))
    starts = np.arange(0, total, width)
    ends = np.minimum(starts + width, total) - 1
    finite = np.isfinite(values)
    least = _extreme(np.where(finite, values, np.inf), width, fill=np.inf)
    most = _extreme(-np.where(finite, values, -np.inf), width, fill=np.inf)
    kept = np.zeros(total, bool)
    for positions in (starts, ends, starts + least, starts + most):
        kept[positions] = True
    return np.flatnonzero(kept)


def _extreme(values: np.ndarray, width: int, *, fill: float) -> np.ndarray:
    """Offset in each bucket of its least value; 0 in a bucket without a finite one."""
    short = -len(values) % width
    padded = np.concatenate((values, np.full(short, fill))) if short else values
    return padded.reshape(-1, width).argmin(axis=1)
