"""Power spectra of windows, in µV²/Hz, and the five bands that the whole method speaks of."""

from __future__ import annotations

import numpy as np
from scipy.signal import welch

BANDS = {
    "delta": (1, 4),
    "theta": (4, 8),
    "alpha": (8, 13),
    "beta": (13, 30),
    "gamma": (30, 45),
}  # Hz, without the upper end
LEAST = 1e-12  # µV²/Hz: a flat channel has a logarithm too
BATCH = 256  # windows at a time: spectra take as much memory as their windows


def density(x: np.ndarray, sfreq: float) -> tuple[np.ndarray, np.ndarray]:
    """Hz (F,) and µV²/Hz (…, F) of (…, T) µV: Welch's, 1 s Hann segments, half overlapping."""
    return welch(x, sfreq, window="hann", nperseg=min(round(sfreq), x.shape[-1]))


def inside(hz: np.ndarray) -> np.ndarray:
    """(B, F) which frequencies a band has."""
    low, high = np.array(list(BANDS.values())).T[..., None]
    return (hz >= low) & (hz < high)


def mean_density(
    x: np.ndarray, sfreq: float, group: np.ndarray, groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """Hz (F,) and the mean spectrum (groups, C, F) of the windows (n, C, T) of each group (n,)."""
    total, hz = None, np.empty(0)
    for at in range(0, len(x), BATCH):
        hz, power = density(x[at : at + BATCH], sfreq)
        member = np.eye(groups)[group[at : at + BATCH]]
        part = np.einsum("ng,ncf->gcf", member, power)
        total = part if total is None else total + part
    count = np.bincount(group, minlength=groups)[:, None, None]
    return hz, total / np.maximum(count, 1)


def decibel(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, LEAST))


def band_powers(hz: np.ndarray, power: np.ndarray) -> np.ndarray:
    """µV² in each band, (…, B) of (…, F) µV²/Hz."""
    return power @ inside(hz).T.astype(float) * (hz[1] - hz[0])
