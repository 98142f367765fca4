"""Layers that run as real numbers or as the co-processor's integers, with gradients through both.

In integer mode a signal holds whole numbers and the real value of one step; each layer computes
what its integer step computes, in the same order. In float64 that is exact (an accumulator times
its multiplier has 46 bits), so such a forward equals the golden model bit for bit; in float32 it is
the fake quantisation of training, where rounding passes gradients straight through (brief, 1.3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.methods.kaleidoscope import arithmetic

Activation = Literal["none", "relu", "tanh", "sigmoid"]
TABLES = {"tanh": (torch.tanh, 1 / 32), "sigmoid": (torch.sigmoid, 1 / 16)}  # step of their input
TABLE_STEP = 1 / 128  # of their output
QUANTILE, MOMENTUM = 0.999, 0.95
TOP = arithmetic.HIGHEST


@dataclass(frozen=True)
class Signal:
    """Values (n, …): reals with step 1.0, or whole numbers of `step` each."""

    values: Tensor
    step: float = 1.0


@dataclass(frozen=True)
class Integers:
    """A layer's whole numbers: weight (M, K), bias (M,) or (P, M), in steps of its accumulator."""

    weight: Tensor
    bias: Tensor
    step: float


class Range(nn.Module):
    """How large an activation becomes: the moving mean of its 99.9 percentile, or fixed."""

    top: Tensor

    def __init__(self, step: float | None = None):
        super().__init__()
        self.fixed, self.observing = step is not None, False
        self.register_buffer("top", torch.tensor(0.0 if step is None else step * TOP).double())

    @property
    def step(self) -> float:
        return max(float(self.top), 1e-6) / TOP

    @torch.no_grad()
    def observe(self, reals: Tensor) -> None:
        if self.fixed or not self.observing:
            return
        sizes = reals.detach().abs().flatten()
        rank = max(1, math.ceil(QUANTILE * sizes.numel()))
        found = float(sizes.kthvalue(rank).values)
        before = float(self.top)
        self.top.fill_(found if before == 0 else MOMENTUM * before + (1 - MOMENTUM) * found)


class Layer(nn.Module):
    """What can be switched between real numbers and integers."""

    def __init__(self, name: str):
        super().__init__()
        self.name, self.integer = name, False


class Affine(Layer):
    """activation(weight · sources + bias) over the last dimension; sources are concatenated.

    Without a range its outcome stays an accumulator: these are the logits. `places` gives each of
    the positions that share the weights a bias of its own.
    """

    def __init__(
        self,
        name: str,
        inputs: int,
        outputs: int,
        activation: Activation = "relu",
        *,
        out: Range | None = None,
        raw: bool = False,
        places: int | None = None,
        dropout: float = 0.0,
    ):
        super().__init__(name)
        linear = nn.Linear(inputs, outputs)
        self.weight, self.activation, self.dropout = linear.weight, activation, dropout
        bias = linear.bias.detach().clone()
        self.bias = nn.Parameter(bias if places is None else bias.repeat(places, 1))
        self.out = None if raw else out or Range(_input_step(activation))

    def forward(self, *sources: Signal) -> Signal:
        x = torch.cat([source.values for source in sources], dim=-1)
        if not self.integer:
            y = F.linear(x, self.weight) + self.bias
            if self.out is None:
                return Signal(y)
            y = _activated(y, self.activation)
            self._observe(y)
            return Signal(F.dropout(y, self.dropout, self.training))
        whole = self.integers(*((s.step, s.values.shape[-1]) for s in sources))
        acc = F.linear(x, whole.weight) + whole.bias
        if self.out is None:
            return Signal(acc, whole.step)
        self._observe(acc * whole.step)
        multiplier, shift = self.requantisation(whole.step)
        lowest = 0 if self.activation == "relu" else arithmetic.LOWEST
        y = rounded(acc * (multiplier / 2**shift), lowest)
        if self.activation in TABLES:
            return Signal(_looked_up(y, self.activation), TABLE_STEP)
        return Signal(F.dropout(y, self.dropout, self.training), self.out.step)

    def integers(self, *sources: tuple[float, int]) -> Integers:
        """Of sources given by (step, width): one step for the whole matrix, symmetric. The steps of
        the sources are taken into the columns, so that sources of different steps can be summed."""
        columns = torch.cat([self.weight.new_full((width,), step) for step, width in sources])
        scaled = self.weight * columns
        step = max(float(scaled.detach().abs().max()), 1e-12) / TOP
        return Integers(straight(scaled / step), straight(self.bias / step), step)

    def requantisation(self, step: float) -> tuple[int, int]:
        return best_multiplier(step / self.out.step)

    @property
    def out_step(self) -> float:
        return TABLE_STEP if self.activation in TABLES else self.out.step

    def _observe(self, reals: Tensor) -> None:
        """Of a table the input's range is fixed: 128 steps reach where the function is flat."""
        if self.activation not in TABLES:
            self.out.observe(reals.relu() if self.activation == "relu" else reals)


class Embedding(Layer):
    """A row of E numbers for each value of a byte, the same at every position."""

    def __init__(self, name: str, size: int, *, dropout: float = 0.0):
        super().__init__(name)
        self.weight = nn.Parameter(torch.randn(256, size) * 0.3)
        self.dropout = dropout

    def forward(self, encoded: Tensor) -> Signal:
        """Encoded bytes (n, L), whole numbers -> (n, L · E)."""
        rows, step = self.integers() if self.integer else (self.weight, 1.0)
        flat = F.embedding(encoded.long() + 128, rows).flatten(1)
        return Signal(F.dropout(flat, self.dropout, self.training), step)

    def integers(self) -> tuple[Tensor, float]:
        """(256, E) whole numbers, and their step."""
        step = max(float(self.weight.detach().abs().max()), 1e-12) / TOP
        return straight(self.weight / step), step


class Multiply(Layer):
    """gain · a · b of activations, requantised: a (n, T, D), b (n, D, S), or (n, S, D) if
    transposed."""

    def __init__(self, name: str, *, transposed: bool, gain: float):
        super().__init__(name)
        self.transposed, self.gain, self.out = transposed, gain, Range()

    def forward(self, a: Signal, b: Signal) -> Signal:
        acc = a.values @ (b.values.transpose(1, 2) if self.transposed else b.values)
        step = a.step * b.step
        if not self.integer or self.out.observing:
            reals = acc * (step * self.gain)
            self.out.observe(reals)
        if not self.integer:
            return Signal(reals)
        multiplier, shift = self.requantisation(step)
        y = rounded(acc * (multiplier / 2**shift), arithmetic.LOWEST)
        return Signal(y, self.out.step)

    def requantisation(self, step: float) -> tuple[int, int]:
        return best_multiplier(step * self.gain / self.out.step)


class Lanes(Layer):
    """add, sub or mul of two signals, lane by lane."""

    def __init__(self, name: str, kind: Literal["add", "sub", "mul"], shift: int = 0):
        super().__init__(name)
        self.kind, self.shift = kind, shift

    def forward(self, a: Signal, b: Signal) -> Signal:
        x, y = a.values, b.values
        found = x * y if self.kind == "mul" else x + y if self.kind == "add" else x - y
        if not self.integer:
            return Signal(found)
        return Signal(rounded(found / 2**self.shift, arithmetic.LOWEST), self.step(a.step, b.step))

    def step(self, a: float, b: float) -> float:
        """Of the outcome; signals that are added or subtracted have the same."""
        if self.kind != "mul" and a != b:
            raise ValueError(f"{self.name}: steps {a} and {b} cannot be added")
        return (a * b if self.kind == "mul" else a) * 2**self.shift


def best_multiplier(ratio: float) -> tuple[int, int]:
    """(m, s), 1 <= m <= 32767 and 1 <= s <= 31, with m / 2^s nearest to the ratio."""
    _, exponent = math.frexp(ratio)
    shift = min(max(15 - exponent, 1), 31)
    multiplier = round(ratio * 2**shift)
    if multiplier > 32767 and shift > 1:
        shift, multiplier = shift - 1, round(ratio * 2 ** (shift - 1))
    return min(max(multiplier, 1), 32767), shift


def straight(values: Tensor) -> Tensor:
    """Rounded; the gradient passes as if it were not."""
    return values + (torch.round(values) - values).detach()


def rounded(values: Tensor, lowest: int) -> Tensor:
    """Clipped and rounded half up; the gradient passes where nothing is clipped."""
    kept = values.clamp(lowest, TOP)
    return kept + (torch.floor(kept + 0.5) - kept).detach()


def table(activation: str) -> np.ndarray:
    """int8 (256,): the table of tanh or sigmoid."""
    function, step = TABLES[activation]
    numbers = lambda x: function(torch.from_numpy(x)).numpy()  # noqa: E731 - the same function
    return arithmetic.make_table(numbers, scale_in=step, scale_out=TABLE_STEP)


def _looked_up(y: Tensor, activation: str) -> Tensor:
    function, step = TABLES[activation]
    smooth = (function(y * step) / TABLE_STEP).clamp(-128, TOP)
    found = torch.from_numpy(table(activation)).to(y.dtype)[y.detach().long() + 128]
    return smooth + (found - smooth).detach()


def _activated(y: Tensor, activation: str) -> Tensor:
    if activation == "relu":
        return y.relu()
    return TABLES[activation][0](y) if activation in TABLES else y


def _input_step(activation: str) -> float | None:
    return TABLES[activation][1] if activation in TABLES else None
