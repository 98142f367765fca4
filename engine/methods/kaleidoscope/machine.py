"""The core in NumPy, instruction by instruction: the golden model of every program.

It is a model, not RTL: values are computed from the definitions of isa.py, cycles from its timing
contract. Integers are exact (int64) and checked against the widths of the hardware.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.methods.kaleidoscope import timing
from engine.methods.kaleidoscope.image import Image
from engine.methods.kaleidoscope.isa import (
    ACCUMULATORS,
    CLASSES,
    QUARTER,
    WORD,
    WORDS,
    WRITE,
    Fn,
    Instruction,
    Op,
    verdict_latency,
)

INT32 = np.iinfo(np.int32)
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Write:
    """A word as an instruction left it: cycle after acceptance, quarters, values (n, 32)."""

    pc: int
    cycle: int
    word: int
    mask: int
    data: NDArray[np.int8]


@dataclass(frozen=True)
class Outcome:
    """Of n payloads. logits int32 (n, 32), 0 beyond the classes; klass (n,), score int32 (n,) (the
    largest logit, or the sum), anomaly bool (n,); activations int8 (n, 64, 32) after the run, and
    known bool (64, 4): quarters that the payload or the program wrote. cycles: from acceptance to
    the verdict, the same for every payload."""

    logits: NDArray[np.int32]
    klass: NDArray[np.int64]
    score: NDArray[np.int32]
    anomaly: NDArray[np.bool_]
    activations: NDArray[np.int8]
    known: NDArray[np.bool_]
    cycles: int
    writes: list[Write] = field(default_factory=list)


@dataclass
class _State:
    activations: Ints  # (n, 64, 32)
    accumulators: Ints  # (n, 4, lanes)
    dynamic: Ints  # (n, lanes, 32)
    sums: Ints  # (n,)
    logits: Ints  # (n, 32)
    shown: Ints  # classes whose logits are out
    score: Ints


def run(image: Image, payload: NDArray[np.int8], *, model: int = 0) -> Outcome:
    """payload int8 (n, words, 32). Raises ValueError for a program that breaks the contract, and
    OverflowError where an accumulator leaves int32."""
    entry = image.entries[model]
    program = image.instructions(model)
    n, words, _ = payload.shape
    if words != entry.words:
        raise ValueError(f"payload of {words} words, {entry.name} takes {entry.words}")
    timing.check(program, words=words, lanes=image.lanes)
    state = _State(
        activations=np.zeros((n, WORDS, WORD), np.int64),
        accumulators=np.zeros((n, ACCUMULATORS, image.lanes), np.int64),
        dynamic=np.zeros((n, image.lanes, WORD), np.int64),
        sums=np.zeros(n, np.int64),
        logits=np.zeros((n, CLASSES), np.int64),
        shown=np.zeros(0, np.int64),
        score=np.zeros(n, np.int64),
    )
    state.activations[:, :words] = payload
    known = np.zeros((WORDS, 4), bool)
    known[:words] = True
    writes = []
    cycles = timing.issue_cycles(program)
    for pc, (instruction, cycle) in enumerate(zip(program, cycles, strict=True), entry.pc):
        word = _step(instruction, image, state)
        if word is not None and instruction.writes:
            chosen = _quarters(instruction.mask)
            known[instruction.dst, chosen[::QUARTER] // QUARTER] = True
            state.activations[:, instruction.dst, chosen] = word[:, chosen]
            data = state.activations[:, instruction.dst].astype(np.int8)
            writes.append(Write(pc, cycle + WRITE, instruction.dst, instruction.mask, data))
    of_logits = program[-1].out
    shown = state.logits[:, state.shown]
    klass = shown.argmax(1) if of_logits else np.zeros(n, np.int64)  # the first of the largest
    score = shown.max(1) if of_logits else state.score
    return Outcome(
        logits=state.logits.astype(np.int32),
        klass=klass,
        score=score.astype(np.int32),
        anomaly=np.zeros(n, bool) if of_logits else score > entry.threshold,
        activations=state.activations.astype(np.int8),
        known=known,
        cycles=cycles[-1] + verdict_latency(image.lanes),
        writes=writes,
    )


def requantise(acc: Ints, multiplier: int, shift: int, *, relu: bool) -> Ints:
    """y = clip((acc·m + 2^(s-1)) >> s, lo, 127), rounding half up."""
    scaled = acc * multiplier + (1 << shift - 1) >> shift
    return np.clip(scaled, 0 if relu else -128, 127)


def elementwise(fn: Fn, a: Ints, b: Ints, shift: int, *, relu: bool = False) -> Ints:
    """sat8((a ∘ b + r) >> shift)."""
    operations = {
        Fn.COPY: lambda: a,
        Fn.ADD: lambda: a + b,
        Fn.SUB: lambda: a - b,
        Fn.MUL: lambda: a * b,
        Fn.MAX: lambda: np.maximum(a, b),
        Fn.ABSDIFF: lambda: np.abs(a - b),
    }
    rounded = operations[fn]() + (1 << shift >> 1) >> shift
    return np.clip(rounded, 0 if relu else -128, 127)


def _step(i: Instruction, image: Image, state: _State) -> Ints | None:
    """The word that the instruction computes, (n, 32); None for none."""
    a, b = state.activations[:, i.a], state.activations[:, i.b]
    if i.op is Op.MVM:
        return _mvm(i, image, state, a)
    if i.op is Op.EW:
        return _looked_up(i, image, elementwise(i.fn, a, b, i.shift, relu=i.relu))
    if i.op is Op.ALIGN:
        window = np.concatenate([a, b], 1)[:, i.n : i.n + WORD]
        return _looked_up(i, image, elementwise(Fn.COPY, window, window, 0, relu=i.relu))
    if i.op is Op.GAT:
        row, lane = np.divmod(a[:, i.n] + 128, image.lanes)
        return image.weights[i.w + row, lane].astype(np.int64)
    if i.op is Op.LDW:
        _load(i, state, a)
    elif i.op is Op.SCORE:
        chosen = _quarters(i.mask)
        state.sums = np.abs(a - b)[:, chosen].sum(1) + (0 if i.first else state.sums)
        if i.last:
            state.score = state.sums
    return None


def _mvm(i: Instruction, image: Image, state: _State, x: Ints) -> Ints | None:
    tile = state.dynamic if i.dynamic else image.weights[i.w].astype(np.int64)
    start = image.bias[i.row].astype(np.int64) if i.first else state.accumulators[:, i.acc]
    acc = start + (tile @ x[:, :, None])[:, :, 0]  # (n, lanes)
    if acc.size and not INT32.min <= acc.min() <= acc.max() <= INT32.max:
        raise OverflowError(f"accumulator {i.acc} leaves int32 at bias row {i.row}")
    state.accumulators[:, i.acc] = acc
    if not i.last:
        return None
    if i.out:
        state.logits, classes = (
            (0 if i.dst == 0 else 1) * state.logits,
            8 * i.dst + np.arange(i.n + 1),
        )
        state.logits[:, classes] = acc[:, : i.n + 1]
        state.shown = classes if i.dst == 0 else np.append(state.shown, classes)
        return None
    scale = int(image.multiplier[i.row]), int(image.shift[i.row])
    y = _looked_up(i, image, requantise(acc, *scale, relu=i.relu))
    return np.tile(y, WORD // image.lanes)


def _load(i: Instruction, state: _State, a: Ints) -> None:
    lanes = state.dynamic.shape[1]
    if i.first:
        state.dynamic = np.zeros_like(state.dynamic)
    if i.column:
        low = QUARTER * (i.mask.bit_length() - 1) if lanes == QUARTER else 0
        state.dynamic[:, :, i.n] = a[:, low : low + lanes]
    else:
        state.dynamic[:, i.n] = a


def _looked_up(i: Instruction, image: Image, y: Ints) -> Ints:
    return image.tables[i.table - 1].astype(np.int64)[y + 128] if i.table else y


def _quarters(mask: int) -> NDArray[np.int64]:
    """Bytes of a word that the mask names."""
    return np.flatnonzero(np.repeat([mask >> q & 1 for q in range(4)], QUARTER))
