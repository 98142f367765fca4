"""An integer network: named int8 buffers, steps over them, and one outcome.

It is what training ends with, what the compiler turns into a program, and what the simulated
hardware has to equal bit for bit: `golden` runs it in int64. Buffers begin at a word of 32 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from engine.methods.kaleidoscope import arithmetic

WORD = 32  # bytes
PAYLOAD = "payload"  # the buffer of the encoded input
TABLES = 4  # of 256 rows that a core holds
CLASSES = 32  # at most

Lanes = Literal["add", "sub", "mul", "max", "absdiff"]


@dataclass(frozen=True)
class View:
    """Some bytes of a buffer."""

    buffer: str
    offset: int
    length: int


@dataclass(frozen=True)
class Matrix:
    """Rows of a buffer, one in each word: (rows, columns) with at most 32 columns."""

    buffer: str
    offset: int
    rows: int
    columns: int


@dataclass(frozen=True, eq=False)
class Dense:
    """target = table(requantise(weight · concatenated sources + bias)).

    weight int8 (M, K), bias int32 (M,). Rows of zeros pad; the compiler skips tiles of zeros.
    """

    name: str
    sources: tuple[View, ...]
    target: View
    weight: np.ndarray
    bias: np.ndarray
    multiplier: int
    shift: int
    relu: bool = False
    table: str | None = None


@dataclass(frozen=True, eq=False)
class Logits:
    """The outcome of a classifier: weight · sources + bias, raw int32; the first largest wins."""

    name: str
    sources: tuple[View, ...]
    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Elementwise:
    """Lane by lane over whole words."""

    name: str
    kind: Lanes
    a: View
    b: View
    target: View
    shift: int = 0


@dataclass(frozen=True)
class Lookup:
    """Each byte v of the source becomes row v + 128 of the table; whole words."""

    name: str
    source: View
    target: View
    table: str


@dataclass(frozen=True)
class Rotate:
    """One word, rotated: byte i of the target is byte (i + count) mod 32 of the source."""

    name: str
    source: View
    target: View
    count: int


@dataclass(frozen=True, eq=False)
class Gather:
    """Embedding: byte v of the source becomes row v + 128 of table int8 (256, E), side by side."""

    name: str
    source: View
    target: View
    table: np.ndarray


@dataclass(frozen=True)
class Product:
    """target (T, S) = requantise(a (T, D) · b (D, S)); `transposed`, b is (S, D) and its transpose
    is taken. b becomes a tile of weights, of which its rows are columns, or rows if transposed."""

    name: str
    a: Matrix
    b: Matrix
    target: Matrix
    multiplier: int
    shift: int
    relu: bool = False
    transposed: bool = False


@dataclass(frozen=True)
class Score:
    """The outcome of an autoencoder: the sum of |a - b|, int32; above the threshold: an anomaly."""

    name: str
    a: View
    b: View
    threshold: int


Step = Dense | Logits | Elementwise | Lookup | Rotate | Gather | Product | Score


@dataclass(frozen=True, eq=False)
class Network:
    """`inputs` payload bytes arrive in the buffer `payload`, encoded; the last step is the outcome.

    buffers: name -> bytes; tables: name -> int8 (256,); classes: names in the order of the logits,
    empty for an autoencoder; meta: plain values that describe where the network came from.
    """

    name: str
    inputs: int
    encoding: str
    buffers: Mapping[str, int]
    steps: tuple[Step, ...]
    tables: Mapping[str, np.ndarray] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> Logits | Score:
        last = self.steps[-1]
        if not isinstance(last, Logits | Score):
            raise TypeError(f"{last.name}: the last step is no outcome")
        return last


@dataclass(frozen=True, eq=False)
class Trace:
    """What a batch of n inputs left: of each step what it wrote, int8 (n, bytes), and the outcome
    int32, logits (n, classes) or scores (n,)."""

    payload: np.ndarray
    written: tuple[np.ndarray, ...]
    outcome: np.ndarray

    @property
    def answers(self) -> np.ndarray:
        """(n,) the class with the largest logit, the lowest index among equals."""
        return self.outcome.argmax(axis=1)


def golden(network: Network, payload: np.ndarray) -> Trace:
    """Run the network over payload bytes, uint8 (n, inputs)."""
    if payload.shape[1:] != (network.inputs,):
        raise ValueError(f"expected {network.inputs} bytes per row, got {payload.shape}")
    encoded = arithmetic.encode(payload, network.encoding)
    memory = _blank(network, encoded)
    written = []
    for step in network.steps[:-1]:
        written.append(_run(network, step, memory))
        _write(memory, step.target, written[-1])
    return Trace(encoded, tuple(written), _outcome(network.outcome, memory))


def memory_after(network: Network, trace: Trace, step: int) -> dict[str, np.ndarray]:
    """Every buffer, int8 (n, bytes), after that many steps; bytes nobody wrote are zero."""
    memory = _blank(network, trace.payload)
    for place in range(step):
        _write(memory, network.steps[place].target, trace.written[place])
    return memory


def read(memory: Mapping[str, np.ndarray], *views: View) -> np.ndarray:
    """The bytes of views, concatenated: int8 (n, bytes)."""
    parts = [memory[v.buffer][:, v.offset : v.offset + v.length] for v in views]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def read_rows(memory: Mapping[str, np.ndarray], matrix: Matrix) -> np.ndarray:
    """int8 (n, rows, columns)."""
    flat = memory[matrix.buffer][:, matrix.offset : matrix.offset + matrix.rows * WORD]
    return flat.reshape(len(flat), matrix.rows, WORD)[:, :, : matrix.columns]


def _blank(network: Network, encoded: np.ndarray) -> dict[str, np.ndarray]:
    memory = {
        name: np.zeros((len(encoded), size), np.int8) for name, size in network.buffers.items()
    }
    memory[PAYLOAD][:, : network.inputs] = encoded
    return memory


def _write(memory: dict[str, np.ndarray], target: View | Matrix, values: np.ndarray) -> None:
    if isinstance(target, View):
        memory[target.buffer][:, target.offset : target.offset + target.length] = values
    else:
        rows = values.reshape(len(values), target.rows, target.columns)
        read_rows(memory, target)[:] = rows


def _accumulate(step: Dense | Logits, memory: Mapping[str, np.ndarray]) -> np.ndarray:
    x = read(memory, *step.sources).astype(np.int64)
    acc = x @ step.weight.astype(np.int64).T + step.bias.astype(np.int64)
    arithmetic.require_accumulator(acc)
    return acc


def _run(network: Network, step: Step, memory: Mapping[str, np.ndarray]) -> np.ndarray:
    match step:
        case Dense():
            acc = _accumulate(step, memory)
            y = arithmetic.requantise(acc, step.multiplier, step.shift, relu=step.relu)
            return y if step.table is None else arithmetic.lookup(y, network.tables[step.table])
        case Elementwise():
            a, b = read(memory, step.a), read(memory, step.b)
            return arithmetic.elementwise(step.kind, a, b, step.shift)
        case Lookup():
            return arithmetic.lookup(read(memory, step.source), network.tables[step.table])
        case Rotate():
            return np.roll(read(memory, step.source), -step.count, axis=1)
        case Gather():
            rows = arithmetic.lookup(read(memory, step.source), step.table)
            return rows.reshape(len(rows), -1)
        case Product():
            a, b = read_rows(memory, step.a), read_rows(memory, step.b)
            b = b.transpose(0, 2, 1) if step.transposed else b
            acc = a.astype(np.int64) @ b.astype(np.int64)
            y = arithmetic.requantise(acc, step.multiplier, step.shift, relu=step.relu)
            return y.reshape(len(y), -1)
    raise TypeError(f"{step.name}: only the last step is an outcome")


def _outcome(step: Logits | Score, memory: Mapping[str, np.ndarray]) -> np.ndarray:
    if isinstance(step, Logits):
        return _accumulate(step, memory).astype(np.int32)
    a, b = read(memory, step.a).astype(np.int64), read(memory, step.b).astype(np.int64)
    return np.abs(a - b).sum(axis=1).astype(np.int32)
