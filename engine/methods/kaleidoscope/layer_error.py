"""What rounding costs, layer by layer: the same weights as real numbers and as integers."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch

from engine.methods.kaleidoscope.arithmetic import HIGHEST, LOWEST
from engine.methods.kaleidoscope.families.base import Family


@dataclass(frozen=True)
class LayerError:
    """In the layer's real values, over all samples and outputs."""

    name: str
    largest: float
    mean: float  # of the absolute error
    snr_db: float | None  # 10 log10 of signal over error power; None where there is no error
    clipped: float | None  # share of values at 127 or -128; None of raw logits


def layer_errors(family: Family, data: np.ndarray) -> list[LayerError]:
    """Of a settled family over bytes (n, inputs), in the order in which its layers run. Errors of
    a layer include what came from the layers before it."""
    bytes_ = torch.from_numpy(data.copy())
    exact = copy.deepcopy(family).as_integers(False).layers(bytes_)
    rounded = copy.deepcopy(family).as_integers().layers(bytes_)
    found = []
    for name, signal in exact.items():
        real, whole = signal.values.numpy(), rounded[name].values.numpy()
        error = np.abs(real - whole * rounded[name].step)
        power = float((error**2).sum())
        snr = 10 * math.log10(max(float((real**2).sum()), 1e-300) / power) if power else None
        clipped = None if name == "logits" else float(np.isin(whole, (LOWEST, HIGHEST)).mean())
        found.append(LayerError(name, float(error.max()), float(error.mean()), snr, clipped))
    return found
