"""One block of attention over the first eight packets.

Softmax needs a division, which the core has not: scores are kept positive by a ReLU and divided by
the number of tokens, a power of two (brief, section 1.4). The ReLU is taken of queries and keys, as
in linear attention, and not of their product: that product dies in training (ours).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from engine.methods.kaleidoscope.families.base import Family
from engine.methods.kaleidoscope.integer import WORD
from engine.methods.kaleidoscope.lowering import Builder, Placed
from engine.methods.kaleidoscope.quantise import Affine, Multiply, Signal


class Attention(Family):
    """x = relu(W p + position); a = q kᵀ/√32 of relu'd q, k; y = a v / 8; relu(U (y, x)) → C."""

    title = "attention"
    inputs, reads, core = 256, "history", "hpe"
    TOKENS: ClassVar[int] = 8

    def __init__(self, classes: Sequence[str], *, dropout: float = 0.1, **about: Any):
        super().__init__(classes, **about)
        self.token = Affine("token", WORD, WORD, places=self.TOKENS)
        self.query = Affine("query", WORD, WORD)
        self.key = Affine("key", WORD, WORD)
        self.value = Affine("value", WORD, WORD, "none")
        self.scores = Multiply("scores", transposed=True, gain=WORD**-0.5)
        self.mixed = Multiply("mixed", transposed=False, gain=1 / self.TOKENS)
        self.joined = Affine("joined", 2 * WORD, WORD, dropout=dropout)
        self.logits = Affine("logits", self.TOKENS * WORD, len(self.classes), "none", raw=True)

    def outcome(self, encoded: Tensor, payload: Signal) -> Signal:
        packets = payload.values.unflatten(1, (self.TOKENS, WORD))
        x = self.tap("token", self.token(Signal(packets, payload.step)))
        q = self.tap("query", self.query(x))
        k = self.tap("key", self.key(x))
        v = self.tap("value", self.value(x))
        a = self.tap("scores", self.scores(q, k))
        y = self.tap("mixed", self.mixed(a, v))
        z = self.tap("joined", self.joined(y, x))
        return self.tap("logits", self.logits(Signal(z.values.flatten(1), z.step)))

    def lower(self, builder: Builder) -> None:
        x = self._each(builder, self.token, builder.payload)
        q, k, v = (self._each(builder, one, x) for one in (self.query, self.key, self.value))
        a = builder.product(self.scores, q, k, inner=WORD, columns=self.TOKENS)
        y = builder.product(self.mixed, a, v, inner=self.TOKENS, columns=WORD)
        builder.affine(self.logits, self._each(builder, self.joined, y, x))

    def _each(self, builder: Builder, layer: Affine, *sources: Placed) -> Placed:
        """A layer applied to every token."""
        starts = range(0, self.TOKENS * WORD, WORD)
        return builder.banded(layer, sources, [(starts, WORD)] * len(sources))
