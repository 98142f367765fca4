"""When a core takes jobs, issues instructions and gives verdicts: cycles of a queue of jobs.

A model, not RTL, and exact: contexts share the issue slot, the job accepted first goes first
(rtl/kal_core.v). Values are machine.py's; they never change a cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.methods.kaleidoscope.image import Image
from engine.methods.kaleidoscope.isa import FIRST_ISSUE, GATHER_READ, Op, verdict_latency


@dataclass(frozen=True)
class Timeline:
    """Of each job: cycle of acceptance, of the verdict. Issues: (cycle, context, pc), in order."""

    accepted: list[int]
    verdict: list[int]
    issues: list[tuple[int, int, int]]


@dataclass
class _Running:
    job: int
    model: int
    pc: int
    ready: int  # earliest cycle of the next issue, as far as its own program goes
    done: int = 1 << 60  # cycle of the verdict


def timeline(
    image: Image, at: Sequence[int], *, contexts: int, models: Sequence[int] | None = None
) -> Timeline:
    """Jobs are offered in order from cycle `at[k]` on; job k is of `models[k]`, or of model 0."""
    models = models or [0] * len(at)
    programs = [image.instructions(model) for model in range(len(image.entries))]
    running: list[_Running | None] = [None] * contexts
    accepted: list[int] = []
    verdicts = [0] * len(at)
    issues: list[tuple[int, int, int]] = []
    gathers: set[int] = set()
    port_free = cycle = 0  # port_free: the payload of the last job is through
    while len(accepted) < len(at) or any(running):
        for context, job in enumerate(running):
            if job and job.done <= cycle:
                running[context] = None
        k = len(accepted)
        if k < len(at) and at[k] <= cycle and port_free <= cycle and None in running:
            entry = image.entries[models[k]]
            gap = programs[models[k]][0].gap
            running[running.index(None)] = _Running(
                k, models[k], entry.pc, cycle + FIRST_ISSUE + gap
            )
            accepted.append(cycle)
            port_free = cycle + entry.words
        ready = [
            (job.job, context, job)
            for context, job in enumerate(running)
            if job and job.ready <= cycle and not _held(image, programs, job, cycle, gathers)
        ]
        if ready:
            _, context, job = min(ready, key=lambda r: r[0])
            issues.append((cycle, context, job.pc))
            program = programs[job.model]
            place = job.pc - image.entries[job.model].pc
            if program[place].op is Op.GAT:
                gathers.add(cycle)
            job.pc += 1
            if program[place].end:
                job.ready, job.done = 1 << 60, cycle + verdict_latency(image.lanes)
                verdicts[job.job] = job.done
            else:
                job.ready = cycle + 1 + program[place + 1].gap
        cycle += 1
    return Timeline(accepted, verdicts, issues)


def _held(image: Image, programs: list, job: _Running, cycle: int, gathers: set[int]) -> bool:
    """A gather has the weight memory in this cycle."""
    instruction = programs[job.model][job.pc - image.entries[job.model].pc]
    wants = instruction.op is Op.MVM and not instruction.dynamic
    return wants and cycle - GATHER_READ in gathers
