"""Multilayer perceptrons of the first payload bytes (the released RTL runs 32 → 64 → 32 → C)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from engine.methods.kaleidoscope.families.base import Family
from engine.methods.kaleidoscope.integer import View
from engine.methods.kaleidoscope.lowering import Builder
from engine.methods.kaleidoscope.quantise import Affine, Embedding, Signal

HIDDEN = (64, 32)
GAIN = 3  # of the first weights: bytes of text differ little once they are scaled to [0, 1)


class MLP(Family):
    """bytes → 64 → 32 → C."""

    title = "MLP-32"
    inputs = 32

    def __init__(self, classes: Sequence[str], *, dropout: float = 0.1, **about: Any):
        super().__init__(classes, **about)
        first, second = HIDDEN
        self.hidden1 = Affine("hidden1", self.inputs, first, dropout=dropout)
        with torch.no_grad():
            self.hidden1.weight *= GAIN
        self.hidden2 = Affine("hidden2", first, second, dropout=dropout)
        self.logits = Affine("logits", second, len(self.classes), "none", raw=True)

    def outcome(self, encoded: Tensor, payload: Signal) -> Signal:
        x = self.tap("hidden1", self.hidden1(payload))
        x = self.tap("hidden2", self.hidden2(x))
        return self.tap("logits", self.logits(x))

    def lower(self, builder: Builder) -> None:
        x = builder.affine(self.hidden1, builder.payload)
        x = builder.affine(self.hidden2, x)
        builder.affine(self.logits, x)


class MLP64(MLP):
    title = "MLP-64"
    inputs = 64


class TwoPath(Family):
    """Payload, and four lengths and four gaps between packets, each through a layer of its own."""

    title = "two-path MLP"
    inputs, reads = 64, "paths"
    PAYLOAD, FEATURES = 32, 8

    def __init__(self, classes: Sequence[str], *, dropout: float = 0.1, **about: Any):
        super().__init__(classes, **about)
        self.bytes = Affine("bytes", self.PAYLOAD, 48, dropout=dropout)
        self.packets = Affine("packets", self.FEATURES, 16, dropout=dropout)
        self.joined = Affine("joined", 64, 32, dropout=dropout)
        self.logits = Affine("logits", 32, len(self.classes), "none", raw=True)

    def outcome(self, encoded: Tensor, payload: Signal) -> Signal:
        first, second = self.PAYLOAD, self.PAYLOAD + self.FEATURES
        one = self.tap("bytes", self.bytes(_part(payload, 0, first)))
        two = self.tap("packets", self.packets(_part(payload, first, second)))
        x = self.tap("joined", self.joined(one, two))
        return self.tap("logits", self.logits(x))

    def lower(self, builder: Builder) -> None:
        both = builder.buffer("paths", 64)
        one = builder.affine(
            self.bytes, builder.payload.part(0, self.PAYLOAD), target=_slice(both, 0, 48)
        )
        two = builder.affine(
            self.packets,
            builder.payload.part(self.PAYLOAD, self.FEATURES),
            target=_slice(both, 48, 16),
        )
        builder.affine(self.logits, builder.affine(self.joined, one, two))


class EmbeddingMLP(Family):
    """A learnt row of eight numbers for each byte value, then 256 → 64 → C.

    Splits on single byte values, which a forest has and sums of scaled bytes have not, become
    linear. Bytes are taken whole (`centred`): half of them would share rows.
    """

    title = "embedding MLP"
    inputs, encoding = 32, "centred"
    SIZE: ClassVar[int] = 8

    def __init__(self, classes: Sequence[str], *, dropout: float = 0.2, **about: Any):
        super().__init__(classes, **about)
        self.embedding = Embedding("embedding", self.SIZE, dropout=dropout)
        self.hidden = Affine("hidden", self.inputs * self.SIZE, 64, dropout=dropout)
        self.logits = Affine("logits", 64, len(self.classes), "none", raw=True)

    def outcome(self, encoded: Tensor, payload: Signal) -> Signal:
        x = self.tap("embedding", self.embedding(encoded))
        x = self.tap("hidden", self.hidden(x))
        return self.tap("logits", self.logits(x))

    def lower(self, builder: Builder) -> None:
        x = builder.gather(self.embedding, builder.payload)
        builder.affine(self.logits, builder.affine(self.hidden, x))


def _part(signal: Signal, start: int, stop: int) -> Signal:
    return Signal(signal.values[:, start:stop], signal.step)


def _slice(view: View, offset: int, length: int) -> View:
    return View(view.buffer, view.offset + offset, length)
