"""Copies of the frozen weights, to put each back bit by bit after it carried noise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryFile

import torch
from torch import Tensor


class InMemory:
    """As much memory again as the weights take, on their device."""

    def __init__(self, weights: Sequence[Tensor]):
        self._copies = [weight.clone() for weight in weights]

    def put_back(self, index: int, weight: Tensor) -> None:
        weight.copy_(self._copies[index])


class InFile:
    """A nameless file in `folder`, gone with this object: it takes no memory of the process. For
    weights in main memory, of which any number of perturbations may share one."""

    def __init__(self, weights: Sequence[Tensor], folder: Path):
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 (lives as long as this object)
        for weight in weights:
            self._file.write(_bytes(weight.contiguous()))
        self._file.flush()
        self._starts = list(accumulate((weight.nbytes for weight in weights), initial=0))

    def put_back(self, index: int, weight: Tensor) -> None:
        direct = weight.is_contiguous()
        target = weight if direct else torch.empty(weight.shape, dtype=weight.dtype)
        found = os.preadv(self._file.fileno(), [_bytes(target)], self._starts[index])
        if found != weight.nbytes:
            raise OSError(f"the copy of weight {index} has {found} of {weight.nbytes} bytes")
        if not direct:
            weight.copy_(target)


Copies = InMemory | InFile


def kept(weights: Sequence[Tensor], folder: Path) -> Copies | None:
    """A file of weights in main memory. None of those on an accelerator, which draws noise quicker
    than a file comes to it; W is then back but for a last bit or so."""
    if any(weight.device.type != "cpu" for weight in weights):
        return None
    return InFile([weight.detach() for weight in weights], folder)


def _bytes(weight: Tensor) -> memoryview:
    return weight.view(torch.uint8).numpy().data  # numpy has no bfloat16
