"""An autoencoder of normal payloads: what it cannot rebuild is anomalous."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from engine.methods.kaleidoscope import arithmetic
from engine.methods.kaleidoscope.families.base import Family
from engine.methods.kaleidoscope.lowering import Builder
from engine.methods.kaleidoscope.quantise import Affine, Range, Signal

SIZES = (32, 8, 32)
FALSE_ALARMS = 0.99  # the quantile of normal scores


class Autoencoder(Family):
    """64 → 32 → 8 → 32 → 64; the score is the sum of absolute differences to the input."""

    title = "autoencoder"
    inputs = 64

    def __init__(self, classes: Sequence[str] = (), **about: Any):
        super().__init__((), **about)
        widths = (self.inputs, *SIZES)
        self.layers_in = [
            Affine(f"hidden{place + 1}", before, after)
            for place, (before, after) in enumerate(zip(widths, SIZES, strict=False))
        ]
        for layer in self.layers_in:
            self.add_module(layer.name, layer)
        same = Range(arithmetic.encoded_scale(self.encoded_as))
        self.rebuilt = Affine("rebuilt", SIZES[-1], self.inputs, "none", out=same)
        self.threshold = 0  # in steps of the encoded bytes

    def outcome(self, encoded: Tensor, payload: Signal) -> Signal:
        x = payload
        for layer in self.layers_in:
            x = self.tap(layer.name, layer(x))
        return self.tap("rebuilt", self.rebuilt(x))

    @torch.no_grad()
    def scores(self, data: Tensor) -> Tensor:
        """(n,) the sum of differences, in steps of the encoded bytes; whole in integer mode."""
        step = arithmetic.encoded_scale(self.encoded_as)
        return (self(data) - self.reals(data)).abs().sum(dim=1) / step

    def choose_threshold(self, normal: Tensor) -> None:
        """Above it lies one in a hundred of normal samples, of those that it was trained on."""
        self.threshold = math.floor(float(torch.quantile(self.scores(normal), FALSE_ALARMS)))

    def lower(self, builder: Builder) -> None:
        x = builder.payload
        for layer in self.layers_in:
            x = builder.affine(layer, x)
        rebuilt = builder.affine(self.rebuilt, x)
        builder.score("score", builder.payload, rebuilt, threshold=self.threshold)
