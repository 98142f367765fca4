"""Convolutions along the payload: strided over bytes, or over embedded bytes (Kim 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from engine.methods.kaleidoscope.families.base import Family
from engine.methods.kaleidoscope.lowering import Builder, Placed
from engine.methods.kaleidoscope.quantise import Affine, Embedding, Signal


class CNN(Family):
    """64 bytes → 8 channels (8 wide, stride 4) → 16 channels (3 wide, stride 2) → C."""

    title = "CNN-64"
    inputs = 64

    def __init__(self, classes: Sequence[str], *, dropout: float = 0.1, **about: Any):
        super().__init__(classes, **about)
        self.conv1 = Affine("conv1", 8, 8)
        self.conv2 = Affine("conv2", 24, 16, dropout=dropout)
        self.strides = (4, 16)  # bytes
        self.starts = (range(0, 57, 4), range(0, 97, 16))  # 15 positions, 7 positions
        self.logits = Affine("logits", 112, len(self.classes), "none", raw=True)

    def outcome(self, encoded: Tensor, payload: Signal) -> Signal:
        x = self.tap("conv1", _flat(self.conv1(_windows(payload, 8, self.strides[0]))))
        x = self.tap("conv2", _flat(self.conv2(_windows(x, 24, self.strides[1]))))
        return self.tap("logits", self.logits(x))

    def lower(self, builder: Builder) -> None:
        x = builder.banded(self.conv1, [builder.payload], [(self.starts[0], 8)])
        x = builder.banded(self.conv2, [x], [(self.starts[1], 24)])
        builder.affine(self.logits, x)


class TextCNN(Family):
    """Embedded bytes, kernels of 3, 4 and 5 bytes of 16 channels each, the largest of each → C.

    Two positions fill the 32 lanes; their maximum over the payload runs lane by lane, and at its
    end over the two halves of the word.
    """

    title = "TextCNN"
    inputs, core, encoding = 64, "hpe", "centred"
    SIZE: ClassVar[int] = 8
    KERNELS: ClassVar[tuple[int, ...]] = (3, 4, 5)
    CHANNELS: ClassVar[int] = 16

    def __init__(self, classes: Sequence[str], *, dropout: float = 0.1, **about: Any):
        super().__init__(classes, **about)
        self.embedding = Embedding("embedding", self.SIZE)
        self.kernels = torch.nn.ModuleList(
            Affine(f"conv{k}", k * self.SIZE, self.CHANNELS) for k in self.KERNELS
        )
        self.dropout = torch.nn.Dropout(dropout)
        joined = len(self.KERNELS) * self.CHANNELS
        self.logits = Affine("logits", joined, len(self.classes), "none", raw=True)

    def outcome(self, encoded: Tensor, payload: Signal) -> Signal:
        x = self.tap("embedding", self.embedding(encoded))
        found = []
        for kernel in self.kernels:
            y = kernel(_windows(x, kernel.weight.shape[1], self.SIZE))
            largest = Signal(y.values.amax(dim=1), y.step)
            found.append(self.tap(f"{kernel.name}.largest", largest))
        kept = [Signal(self.dropout(one.values), one.step) for one in found]
        return self.tap("logits", self.logits(*kept))

    def lower(self, builder: Builder) -> None:
        x = builder.gather(self.embedding, builder.payload)
        found = [self._largest(builder, kernel, x) for kernel in self.kernels]
        builder.affine(self.logits, *found)

    def _largest(self, builder: Builder, kernel: Affine, x: Placed) -> Placed:
        width = kernel.weight.shape[1]
        last = (x.width - width) // self.SIZE  # position; an odd one out is taken twice
        firsts = [*range(0, last, 2), *([last - 1] if last % 2 == 0 else [])]
        running = self._both(builder, kernel, x, firsts[0])
        for first in firsts[1:]:
            y = self._both(builder, kernel, x, first)
            name = f"{kernel.name}.{first}.max"
            running = builder.largest(running, y, name=name, target=running.view)
        turned = builder.rotated(running, self.CHANNELS, name=f"{kernel.name}.turned")
        whole = builder.largest(running, turned, name=f"{kernel.name}.largest")
        return whole.part(0, self.CHANNELS)

    def _both(self, builder: Builder, kernel: Affine, x: Placed, first: int) -> Placed:
        """A word: the channels at a position, and at the next."""
        width = kernel.weight.shape[1]
        source = x.part(first * self.SIZE, width + self.SIZE)
        window = ((0, self.SIZE), width)
        return builder.banded(kernel, [source], [window], name=f"{kernel.name}.{first}")


def _windows(signal: Signal, width: int, stride: int) -> Signal:
    """(n, L) -> (n, positions, width)."""
    return Signal(signal.values.unfold(1, width, stride), signal.step)


def _flat(signal: Signal) -> Signal:
    return Signal(signal.values.flatten(1), signal.step)
