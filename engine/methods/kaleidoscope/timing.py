"""Cycles of a program, by the timing contract of isa.py: exact, since nothing depends on data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.methods.kaleidoscope.isa import (
    CLASSES,
    DEPENDENT,
    FIRST_ISSUE,
    GATHER_READ,
    MAX_GAP,
    QUARTER,
    Instruction,
    Op,
    verdict_latency,
)

Quarters = dict[tuple[int, int], int]  # (word, quarter): first cycle in which a reader may issue


def issue_cycles(program: Sequence[Instruction]) -> list[int]:
    """The cycle of each issue, counted from acceptance, in a core that no other context uses."""
    cycles, cycle = [], FIRST_ISSUE - 1
    for instruction in program:
        cycle += 1 + instruction.gap
        cycles.append(cycle)
    return cycles


def latency(program: Sequence[Instruction], *, lanes: int) -> int:
    """Cycles from acceptance of a job to its verdict."""
    return issue_cycles(program)[-1] + verdict_latency(lanes)


def settle(program: Sequence[Instruction], *, words: int, lanes: int) -> list[Instruction]:
    """The same instructions in the same order, each with the least gap that the contract allows.

    A gap that an instruction already has is the least it gets. `words` is the number of payload
    words. Raises ValueError where a gap does not fit its field:
    then a NOP belongs before that instruction.
    """
    readable, gathers = _payload(words), set[int]()
    settled, cycle = [], FIRST_ISSUE - 1
    for pc, instruction in enumerate(program):
        least = cycle + 1 + instruction.gap
        least = max(least, _earliest(instruction, readable, lanes=lanes, pc=pc))
        while _clashes(instruction, least, gathers):
            least += 1
        gap = least - cycle - 1
        if gap > MAX_GAP:
            raise ValueError(f"instruction {pc}: a gap of {gap}, the largest is {MAX_GAP}")
        cycle = least
        settled.append(replace(instruction, gap=gap))
        _issue(instruction, cycle, readable, gathers)
    return settled


def check(program: Sequence[Instruction], *, words: int, lanes: int) -> None:
    """Raise ValueError where a program breaks the contract, naming the instruction."""
    if not program or not program[-1].end or any(i.end for i in program[:-1]):
        raise ValueError("a program has one instruction with `end`, its last")
    readable, gathers = _payload(words), set[int]()
    for pc, (instruction, cycle) in enumerate(zip(program, issue_cycles(program), strict=True)):
        least = _earliest(instruction, readable, lanes=lanes, pc=pc)
        if cycle < least:
            raise ValueError(f"instruction {pc} issues in cycle {cycle}, expected {least} or later")
        if _clashes(instruction, cycle, gathers):
            raise ValueError(f"instruction {pc} issues {GATHER_READ} cycles after a GAT")
        _issue(instruction, cycle, readable, gathers)


def _payload(words: int) -> Quarters:
    return {(word, quarter): word for word in range(words) for quarter in range(4)}


def _earliest(instruction: Instruction, readable: Quarters, *, lanes: int, pc: int) -> int:
    _require_lanes(instruction, lanes=lanes, pc=pc)
    earliest = 0
    for word, mask in instruction.reads(lanes).items():
        for quarter in range(4):
            if mask >> quarter & 1:
                if (word, quarter) not in readable:
                    low = quarter * QUARTER
                    raise ValueError(
                        f"instruction {pc} reads bytes {low}..{low + QUARTER - 1} of word {word}, "
                        "which neither the payload nor an earlier instruction wrote"
                    )
                earliest = max(earliest, readable[word, quarter])
    return earliest


def _require_lanes(instruction: Instruction, *, lanes: int, pc: int) -> None:
    """What only some numbers of lanes allow."""
    i = instruction
    if i.out and (i.n >= lanes or lanes * (i.dst + 1) > CLASSES):
        raise ValueError(f"instruction {pc}: logits of lane {i.n}, tile {i.dst}: there are none")
    if i.op is Op.LDW and not i.column and i.n >= lanes:
        raise ValueError(f"instruction {pc}: row {i.n} of a dynamic tile of {lanes}")
    if i.op is Op.LDW and i.column and lanes == QUARTER and i.mask not in (1, 2, 4, 8):
        raise ValueError(f"instruction {pc}: a column of 8 comes from one quarter")


def _clashes(instruction: Instruction, cycle: int, gathers: set[int]) -> bool:
    """Whether a gather takes the weight memory in the cycle in which this one wants it."""
    wants = instruction.op is Op.MVM and not instruction.dynamic
    return wants and cycle - GATHER_READ in gathers


def _issue(instruction: Instruction, cycle: int, readable: Quarters, gathers: set[int]) -> None:
    if instruction.op is Op.GAT:
        gathers.add(cycle)
    for quarter in range(4):
        if instruction.writes >> quarter & 1:
            readable[instruction.dst, quarter] = cycle + DEPENDENT
