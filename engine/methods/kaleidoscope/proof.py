"""What must hold of an integer network before it is compiled; a refusal names the layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.core.errors import UserError
from engine.methods.kaleidoscope import arithmetic
from engine.methods.kaleidoscope.integer import (
    CLASSES,
    PAYLOAD,
    TABLES,
    WORD,
    Dense,
    Elementwise,
    Gather,
    Logits,
    Lookup,
    Matrix,
    Network,
    Product,
    Rotate,
    Score,
    Step,
    View,
)

QUARTER = 8  # bytes that one tile of the smaller core writes


def prove(network: Network) -> dict[str, int]:
    """The largest magnitude that each layer's accumulator can reach, over all inputs, by name.

    An input is taken as any int8, -128 included, so the bound holds for partial sums in any order.
    Raises UserError where it exceeds 2^31 - 1, or where the network is not well formed.
    """
    _check(network)
    bounds = {step.name: bound for step in network.steps if (bound := _bound(step)) is not None}
    for name, bound in bounds.items():
        if bound > arithmetic.ACCUMULATOR:
            raise UserError(
                name, f"its accumulator can reach {bound:,}; expected at most 2^31 - 1, so smaller "
                "weights or a smaller bias"
            )  # fmt: skip
    return bounds


def _bound(step: Step) -> int | None:
    match step:
        case Dense() | Logits():
            weights = np.abs(step.weight.astype(np.int64)).sum(axis=1)
            return int((weights * 128 + np.abs(step.bias.astype(np.int64))).max())
        case Product():
            return step.a.columns * 128 * 128
        case Score():
            return step.a.length * 255
    return None


def _check(network: Network) -> None:
    def expect(holds: bool, where: str, expected: str) -> None:
        if not holds:
            raise UserError(where, f"expected {expected}")

    name = network.name
    expect(network.encoding in arithmetic.ENCODINGS, name, "a known encoding of bytes")
    fits = network.buffers.get(PAYLOAD, 0) >= network.inputs > 0
    expect(fits, name, f"a buffer {PAYLOAD!r} that holds the input")
    expect(len(network.tables) <= TABLES, name, f"at most {TABLES} tables")
    for table in network.tables.values():
        expect(table.dtype == np.int8 and table.shape == (256,), name, "tables of 256 int8")
    names = [step.name for step in network.steps]
    expect(len(set(names)) == len(names), name, "a name of its own for each step")
    ends = [isinstance(step, Logits | Score) for step in network.steps]
    expect(ends.count(True) == 1 and ends[-1], name, "one outcome, as the last step")
    for step in network.steps:
        for view in _views(step):
            size = view.length if isinstance(view, View) else view.rows * WORD
            room = network.buffers.get(view.buffer, 0) - view.offset
            inside = view.offset >= 0 and 0 < size <= room
            expect(inside, step.name, f"bytes inside the buffer {view.buffer!r}")
        for expected, holds in _rules(network, step):
            expect(holds, step.name, expected)


def _views(step: Step) -> tuple[View | Matrix, ...]:
    match step:
        case Dense():
            return (*step.sources, step.target)
        case Logits():
            return step.sources
        case Elementwise() | Product():
            return (step.a, step.b, step.target)
        case Score():
            return (step.a, step.b)
    return (step.source, step.target)


def _rules(network: Network, step: Step) -> Iterator[tuple[str, bool]]:
    """What a step expects, and whether it is so."""
    match step:
        case Dense() | Logits():
            width = sum(view.length for view in step.sources)
            rows = step.target.length if isinstance(step, Dense) else len(network.classes)
            weights = step.weight.dtype == np.int8 and step.weight.shape == (rows, width)
            yield f"int8 weights of {rows} × {width}", weights
            biases = step.bias.dtype == np.int32 and step.bias.shape == (rows,)
            yield f"{rows} int32 biases", biases
    match step:
        case Dense() | Product():
            yield "a multiplier of 1 to 32767", step.multiplier in arithmetic.MULTIPLIERS
            yield "a shift of 1 to 31", step.shift in arithmetic.SHIFTS
    match step:
        case Dense():
            yield "a table of the network", step.table is None or step.table in network.tables
            yield "a target at a multiple of 8 bytes", step.target.offset % QUARTER == 0
        case Logits():
            yield f"1 to {CLASSES} classes", 1 <= rows <= CLASSES
        case Elementwise():
            views = (step.a, step.b, step.target)
            yield "views of whole words, alike in length", _words(*views)
            yield "a shift of 0 to 15", step.shift in arithmetic.LANE_SHIFTS
        case Lookup():
            yield "views of whole words, alike in length", _words(step.source, step.target)
            yield "a table of the network", step.table in network.tables
        case Rotate():
            one = step.source.length == WORD and _words(step.source, step.target)
            yield "one word", one
            yield "0 to 31 bytes to rotate by", 0 <= step.count < WORD
        case Gather():
            table = step.table
            sound = table.dtype == np.int8 and table.ndim == 2 and len(table) == 256
            yield (
                "an int8 table of 256 rows of 8, 16 or 32",
                sound and table.shape[1] in (8, 16, 32),
            )
            filled = step.target.length == step.source.length * table.shape[1]
            yield "a target for one row per byte", filled and step.target.offset % WORD == 0
        case Product():
            a, b, out = step.a, step.b, step.target
            inner, columns = (b.columns, b.rows) if step.transposed else (b.rows, b.columns)
            alike = a.columns == inner and (out.rows, out.columns) == (a.rows, columns)
            yield "matrices (T, D), (D, S) and (T, S), b (S, D) if transposed", alike
            narrow = all(0 < m.columns <= WORD and m.offset % WORD == 0 for m in (a, b, out))
            yield "rows of 1 to 32 bytes, each in a word", narrow
        case Score():
            yield "views of whole words, alike in length", _words(step.a, step.b)
            yield "a threshold of 0 to 2^31 - 1", 0 <= step.threshold <= arithmetic.ACCUMULATOR


def _words(*views: View) -> bool:
    whole = all(view.offset % WORD == 0 and view.length % WORD == 0 for view in views)
    return whole and len({view.length for view in views}) == 1
