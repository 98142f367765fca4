"""Small synthetic sets of windows."""

from __future__ import annotations

import numpy as np
import torch

from engine.methods.cbramod.baselines import Labelled

RATE = 200.0


def alphas(
    seed: int,
    count: int = 160,
    *,
    channels: int = 4,
    times: int = 400,
    classes: int = 2,
    shuffled: bool = False,
) -> Labelled:
    """Noise, and a 10 Hz rhythm of any phase over half of the channels, stronger by the class."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(count) % classes)
    seconds, phase = np.arange(times) / RATE, rng.uniform(0, 2 * np.pi, (count, 1))
    rhythm = (5 + 15 * y[:, None]) * np.sin(2 * np.pi * 10 * seconds + phase)  # µV
    x = rng.normal(scale=10, size=(count, channels, times))
    x[:, : (channels + 1) // 2] += rhythm[:, None]
    return Labelled(x.astype(np.float32), rng.permutation(y) if shuffled else y, RATE, classes)


def noise(count: int, channels: int, times: int, *, classes: int = 2) -> Labelled:
    rng = np.random.default_rng(9)
    x = rng.normal(scale=10, size=(count, channels, times)).astype(np.float32)
    return Labelled(x, np.arange(count) % classes, RATE, classes)


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
