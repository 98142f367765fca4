"""Cycles of a program, by the timing contract of isa.py: exact, since nothing depends on data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.methods.kaleidoscope.isa import (
    DEPENDENT,
    FIRST_ISSUE,
    MAX_GAP,
    QUARTER,
    Instruction,
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

    `words` is the number of payload words. Raises ValueError where a gap does not fit its field:
    then a NOP belongs before that instruction.
    """
    readable = _payload(words)
    settled, cycle = [], FIRST_ISSUE - 1
    for pc, instruction in enumerate(program):
        least = _earliest(instruction, readable, lanes=lanes, pc=pc)
        gap = max(0, least - cycle - 1)
        if gap > MAX_GAP:
            raise ValueError(f"instruction {pc}: a gap of {gap}, the largest is {MAX_GAP}")
        cycle += 1 + gap
        settled.append(replace(instruction, gap=gap))
        _write(instruction, readable, cycle)
    return settled


def check(program: Sequence[Instruction], *, words: int, lanes: int) -> None:
    """Raise ValueError where a program breaks the contract, naming the instruction."""
    if not program or not program[-1].end or any(i.end for i in program[:-1]):
        raise ValueError("a program has one instruction with `end`, its last")
    readable = _payload(words)
    for pc, (instruction, cycle) in enumerate(zip(program, issue_cycles(program), strict=True)):
        least = _earliest(instruction, readable, lanes=lanes, pc=pc)
        if cycle < least:
            raise ValueError(f"instruction {pc} issues in cycle {cycle}, expected {least} or later")
        _write(instruction, readable, cycle)


def _payload(words: int) -> Quarters:
    return {(word, quarter): word for word in range(words) for quarter in range(4)}


def _earliest(instruction: Instruction, readable: Quarters, *, lanes: int, pc: int) -> int:
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


def _write(instruction: Instruction, readable: Quarters, cycle: int) -> None:
    for quarter in range(4):
        if instruction.writes >> quarter & 1:
            readable[instruction.dst, quarter] = cycle + DEPENDENT
