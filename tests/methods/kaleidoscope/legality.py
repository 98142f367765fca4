"""The timing contract of isa.py, walked cycle by cycle; shares no code with the compiler."""

from __future__ import annotations

from collections.abc import Sequence

from engine.methods.kaleidoscope.isa import (
    DEPENDENT,
    FIRST_ISSUE,
    GATHER_READ,
    Fn,
    Instruction,
    Op,
)


def issued(program: Sequence[Instruction]) -> list[int]:
    """The cycle of each instruction, from the gaps alone."""
    cycles = [FIRST_ISSUE + program[0].gap]
    for instruction in program[1:]:
        cycles.append(cycles[-1] + 1 + instruction.gap)
    return cycles


def assert_legal(program: Sequence[Instruction], *, words: int, lanes: int) -> None:
    written = {(word, quarter): word - DEPENDENT for word in range(words) for quarter in range(4)}
    open_sums: set[object] = set()  # accumulators, and "score"
    gathers: set[int] = set()
    loaded, logits, ended = False, 0, False
    for i, cycle in zip(program, issued(program), strict=True):
        where = f"{i} in cycle {cycle}"
        assert not ended, where
        for place in _read(i, lanes):
            assert cycle - written.get(place, 10**6) >= DEPENDENT, where
        match i.op:
            case Op.MVM | Op.SCORE:
                total: object = i.acc if i.op is Op.MVM else "score"
                assert (total in open_sums) != i.first, where
                open_sums.add(total)
                if i.last:
                    open_sums.discard(total)
            case Op.LDW:
                loaded = loaded or i.first
                assert loaded, where
            case Op.GAT:
                gathers.add(cycle)
        if i.op is Op.MVM:
            assert loaded or not i.dynamic, where
            assert i.dynamic or cycle - GATHER_READ not in gathers, where
            if i.out:
                assert i.last, where
                assert 8 * i.dst == logits, where
                assert i.n < lanes, where
                logits += i.n + 1
        if i.op in (Op.EW, Op.ALIGN, Op.GAT) or (i.op is Op.MVM and i.last and not i.out):
            assert i.mask, where
            written |= {(i.dst, quarter): cycle for quarter in range(4) if i.mask >> quarter & 1}
        ended = i.end
    assert ended
    assert not open_sums


def _read(i: Instruction, lanes: int) -> set[tuple[int, int]]:
    """(word, quarter) that it reads."""
    everything = range(4)
    match i.op:
        case Op.GAT:
            return {(i.a, i.n // 8)}
        case Op.SCORE:
            return {(w, q) for w in (i.a, i.b) for q in everything if i.mask >> q & 1}
        case Op.LDW if i.column and lanes == 8:
            return {(i.a, q) for q in everything if i.mask >> q & 1}
        case Op.ALIGN:
            return {(w, q) for w in (i.a, i.b) for q in everything}
        case Op.EW if i.fn is not Fn.COPY:
            return {(w, q) for w in (i.a, i.b) for q in everything}
    return {(i.a, q) for q in everything}
