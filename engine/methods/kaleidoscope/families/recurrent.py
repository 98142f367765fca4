"""Recurrent networks over words of 32 bytes: of one long payload, or of the first packets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from engine.methods.kaleidoscope.families.base import Family
from engine.methods.kaleidoscope.integer import WORD
from engine.methods.kaleidoscope.lowering import Builder, Placed, Zeros
from engine.methods.kaleidoscope.quantise import TABLE_STEP, Affine, Lanes, Signal


class RNN(Family):
    """h = tanh(W x + U h + b) over four words of the first payload; H = 32."""

    title = "RNN"
    inputs = 128
    HIDDEN: ClassVar[int] = 32

    def __init__(self, classes: Sequence[str], *, dropout: float = 0.1, **about: Any):
        super().__init__(classes, **about)
        self.cell = Affine("cell", WORD + self.HIDDEN, self.HIDDEN, "tanh")
        self.logits = Affine("logits", self.HIDDEN, len(self.classes), "none", raw=True)

    def outcome(self, encoded: Tensor, payload: Signal) -> Signal:
        h = _zeros(payload, self.HIDDEN)
        for t, x in enumerate(_words(payload)):
            h = self.tap(f"cell.{t}", self.cell(x, h))
        return self.tap("logits", self.logits(h))

    def lower(self, builder: Builder) -> None:
        h: Placed | Zeros = Zeros(self.HIDDEN, TABLE_STEP)
        for t, x in enumerate(_placed_words(builder)):
            h = builder.affine(self.cell, x, h, name=f"cell.{t}")
        builder.affine(self.logits, h)


class GRU(Family):
    """Gated recurrent unit (Cho and others 2014) over 32 bytes of each of eight packets; H = 32.

    r, z = σ(W (x, h)); n = tanh(V (x, r·h)); h = n - z·n + z·h.
    """

    title = "GRU"
    inputs, reads, core = 256, "history", "hpe"
    HIDDEN: ClassVar[int] = 32

    def __init__(self, classes: Sequence[str], *, dropout: float = 0.1, **about: Any):
        super().__init__(classes, **about)
        size = self.HIDDEN
        self.gates = Affine("gates", WORD + size, 2 * size, "sigmoid")
        self.candidate = Affine("candidate", WORD + size, size, "tanh")
        self.times = Lanes("times", "mul", 7)
        self.less, self.plus = Lanes("less", "sub"), Lanes("plus", "add")
        self.logits = Affine("logits", size, len(self.classes), "none", raw=True)

    def outcome(self, encoded: Tensor, payload: Signal) -> Signal:
        h = _zeros(payload, self.HIDDEN)
        for t, x in enumerate(_words(payload)):
            r, z = _halves(self.tap(f"gates.{t}", self.gates(x, h)))
            n = self.tap(f"candidate.{t}", self.candidate(x, self.times(r, h)))
            h = self.plus(self.less(n, self.times(z, n)), self.times(z, h))
            h = self.tap(f"h.{t}", h)
        return self.tap("logits", self.logits(h))

    def lower(self, builder: Builder) -> None:
        size, h = self.HIDDEN, None
        for t, x in enumerate(_placed_words(builder)):
            before = h or Zeros(size, TABLE_STEP)
            gates = builder.affine(self.gates, x, before, name=f"gates.{t}")
            r, z = gates.part(0, size), gates.part(size, size)
            kept = builder.lanes(self.times, r, h, name=f"kept.{t}") if h else before
            n = builder.affine(self.candidate, x, kept, name=f"candidate.{t}")
            replaced = builder.lanes(self.times, z, n, name=f"replaced.{t}")
            fresh = builder.lanes(self.less, n, replaced, name=f"fresh.{t}" if h else f"h.{t}")
            if h:
                old = builder.lanes(self.times, z, h, name=f"old.{t}")
                fresh = builder.lanes(self.plus, fresh, old, name=f"h.{t}")
            h = fresh
        builder.affine(self.logits, h)


def _words(payload: Signal) -> list[Signal]:
    return [Signal(word, payload.step) for word in payload.values.split(WORD, dim=1)]


def _placed_words(builder: Builder) -> list[Placed]:
    return [builder.payload.part(at, WORD) for at in range(0, builder.inputs, WORD)]


def _zeros(payload: Signal, size: int) -> Signal:
    """Of a hidden state: in integer mode it has the step of the tables."""
    integer = payload.step != 1.0
    return Signal(
        payload.values.new_zeros(len(payload.values), size), TABLE_STEP if integer else 1.0
    )


def _halves(signal: Signal) -> tuple[Signal, Signal]:
    one, two = signal.values.chunk(2, dim=1)
    return Signal(one, signal.step), Signal(two, signal.step)
