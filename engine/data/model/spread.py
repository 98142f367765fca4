"""How the numbers of a tensor spread, block by block: a tensor may be as large as memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 1 << 18  # numbers at a time: in double precision they stay in the cache


@dataclass(frozen=True)
class Spread:
    """Of the finite numbers; `broken` counts the others."""

    norm: float
    mean: float
    std: float
    broken: int


@torch.no_grad()
def measure(tensor: Tensor) -> Spread:
    count, total, square, broken = 0, 0.0, 0.0, 0
    for part in tensor.reshape(-1).split(BLOCK):
        values = part.double()
        squares = values.dot(values).item()
        if not math.isfinite(squares):
            values = values[values.isfinite()]
            squares = values.dot(values).item()
        broken += len(part) - len(values)
        count += len(values)
        total += values.sum().item()
        square += squares
    mean = total / count if count else 0.0
    variance = max(square / count - mean * mean, 0.0) if count else 0.0
    return Spread(math.sqrt(square), mean, math.sqrt(variance), broken)
