"""From trained layers to the steps of an integer network.

A convolution, and any layer that is applied to several positions, becomes one dense step whose
matrix is a band: the compiler skips its tiles of zeros and keeps equal tiles once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from engine.methods.kaleidoscope import quantise
from engine.methods.kaleidoscope.integer import (
    PAYLOAD,
    WORD,
    Dense,
    Elementwise,
    Gather,
    Lanes,
    Logits,
    Matrix,
    Network,
    Product,
    Rotate,
    Score,
    Step,
    View,
)
from engine.methods.kaleidoscope.proof import prove


@dataclass(frozen=True)
class Placed:
    """Where an activation lies, and the real value of one step of it."""

    view: View
    step: float

    @property
    def width(self) -> int:
        return self.view.length

    def part(self, offset: int, length: int) -> Placed:
        return Placed(View(self.view.buffer, self.view.offset + offset, length), self.step)


@dataclass(frozen=True)
class Zeros:
    """An activation that is known to be zero: it takes part in the scaling, and in no step."""

    width: int
    step: float


class Builder:
    """Collects buffers and steps; `network` closes it and proves that it fits its accumulators."""

    def __init__(self, name: str, *, inputs: int, encoding: str, payload_step: float):
        self.name, self.inputs, self.encoding = name, inputs, encoding
        self.buffers = {PAYLOAD: _words(inputs) * WORD}
        self.steps: list[Step] = []
        self.tables: dict[str, np.ndarray] = {}
        self.payload = Placed(View(PAYLOAD, 0, inputs), payload_step)

    def buffer(self, name: str, size: int) -> View:
        self.buffers[name] = _words(size) * WORD
        return View(name, 0, size)

    def affine(
        self,
        layer: quantise.Affine,
        *sources: Placed | Zeros,
        name: str | None = None,
        target: View | None = None,
    ) -> Placed:
        """One position."""
        starts = [((0,), source.width) for source in sources]
        return self.banded(layer, sources, starts, name=name, target=target)

    def banded(
        self,
        layer: quantise.Affine,
        sources: Sequence[Placed | Zeros],
        windows: Sequence[tuple[Sequence[int], int]],
        *,
        name: str | None = None,
        target: View | None = None,
    ) -> Placed:
        """Of each source the first bytes of its windows, one per position, and their width."""
        widths = [(source.step, width) for source, (_, width) in zip(sources, windows, strict=True)]
        whole = layer.integers(*widths)
        weight, parts, column = _int8(whole.weight), [], 0
        for source, (starts, width) in zip(sources, windows, strict=True):
            if isinstance(source, Placed):
                block = weight[:, column : column + width]
                parts.append(band(block, starts, source.width))
            column += width
        places = len(windows[0][0])
        bias = _whole(whole.bias).astype(np.int32)
        bias = np.tile(bias, places) if bias.ndim == 1 else bias.reshape(-1)
        name, views = name or layer.name, tuple(s.view for s in sources if isinstance(s, Placed))
        matrix = np.concatenate(parts, axis=1)
        if layer.out is None:
            self.steps.append(Logits(name, views, matrix, bias))
            return Placed(View(PAYLOAD, 0, 0), whole.step)
        target = target or self.buffer(name, len(matrix))
        multiplier, shift = layer.requantisation(whole.step)
        table = layer.activation if layer.activation in quantise.TABLES else None
        if table:
            self.tables[table] = quantise.table(table)
        relu = layer.activation == "relu"
        self.steps.append(Dense(name, views, target, matrix, bias, multiplier, shift, relu, table))
        return Placed(target, layer.out_step)

    def gather(self, layer: quantise.Embedding, source: Placed) -> Placed:
        rows, step = layer.integers()
        table = _int8(rows)
        target = self.buffer(layer.name, source.width * table.shape[1])
        self.steps.append(Gather(layer.name, source.view, target, table))
        return Placed(target, step)

    def lanes(self, layer: quantise.Lanes, a: Placed, b: Placed, *, name: str) -> Placed:
        return self._lanes(name, layer.kind, a, b, layer.shift, layer.step(a.step, b.step))

    def largest(self, a: Placed, b: Placed, *, name: str, target: View | None = None) -> Placed:
        return self._lanes(name, "max", a, b, 0, a.step, target)

    def rotated(self, source: Placed, count: int, *, name: str) -> Placed:
        target = self.buffer(name, WORD)
        self.steps.append(Rotate(name, source.view, target, count))
        return Placed(target, source.step)

    def product(
        self, layer: quantise.Multiply, a: Placed, b: Placed, *, inner: int, columns: int
    ) -> Placed:
        """a (T, inner) · b, whose outcome is (T, columns); each row lies in a word of its own."""
        rows = a.width // WORD
        inside = (columns, inner) if layer.transposed else (inner, columns)
        left = Matrix(a.view.buffer, a.view.offset, rows, inner)
        right = Matrix(b.view.buffer, b.view.offset, *inside)
        target = self.buffer(layer.name, rows * WORD)
        out = Matrix(target.buffer, 0, rows, columns)
        multiplier, shift = layer.requantisation(a.step * b.step)
        self.steps.append(
            Product(layer.name, left, right, out, multiplier, shift, transposed=layer.transposed)
        )
        return Placed(target, layer.out.step)

    def score(self, name: str, a: Placed, b: Placed, *, threshold: int) -> None:
        self.steps.append(Score(name, a.view, b.view, threshold))

    def network(self, *, classes: Sequence[str] = (), meta: Mapping[str, Any]) -> Network:
        found = Network(
            self.name,
            self.inputs,
            self.encoding,
            self.buffers,
            tuple(self.steps),
            self.tables,
            tuple(classes),
            meta,
        )
        prove(found)
        return found

    def _lanes(
        self,
        name: str,
        kind: Lanes,
        a: Placed,
        b: Placed,
        shift: int,
        step: float,
        target: View | None = None,
    ) -> Placed:
        target = target or self.buffer(name, a.width)
        self.steps.append(Elementwise(name, kind, a.view, b.view, target, shift))
        return Placed(target, step)


def band(block: np.ndarray, starts: Sequence[int], width: int) -> np.ndarray:
    """int8 (M, K) applied at each start: (positions · M, width), zero outside its windows."""
    rows, columns = block.shape
    matrix = np.zeros((len(starts) * rows, width), np.int8)
    for place, start in enumerate(starts):
        matrix[place * rows : (place + 1) * rows, start : start + columns] = block
    return matrix


def _words(size: int) -> int:
    return -(-size // WORD)


def _whole(values: Tensor) -> np.ndarray:
    return values.detach().round().numpy().astype(np.int64)


def _int8(values: Tensor) -> np.ndarray:
    return _whole(values).astype(np.int8)
