"""Who does what in each cycle: issue events become spans of issue, gap and idle, core by core."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.methods.kaleidoscope.deployed import Coprocessor
from engine.methods.kaleidoscope.replay import Machine

KINDS = ("issue", "gap", "idle")

Span = tuple[int, int, str, int | None, int | None]  # cycle, cycles, kind, pc, job


def names(machine: Machine) -> list[str]:
    """Of all cores, as metrics are called by them."""
    groups = (("fpe", machine.fpe), ("hpe", machine.hpe))
    return [f"{kind}{number}" for kind, count in groups for number in range(count)]


def spans(coprocessor: Coprocessor, saturated: dict[str, Any]) -> list[dict[str, Any]]:
    """[{"name", "spans"}] of the cores that run the main network, over the trial's window."""
    low, high = saturated["window"]
    machine = coprocessor.machine
    first = 0 if coprocessor.mouse else machine.fpe
    found = []
    for number in range(coprocessor.cores):
        events, jobs = (
            {name: column[part["core"] == first + number] for name, column in part.items()}
            for part in (saturated["events"], saturated["jobs"])
        )
        kind = "FPE" if coprocessor.mouse else "HPE"
        found.append({"name": f"{kind} {number}", "spans": _of_core(events, jobs, low, high)})
    return found


def _of_core(
    events: dict[str, np.ndarray], jobs: dict[str, np.ndarray], low: int, high: int
) -> list[Span]:
    """`jobs` are those of the core: packet, start (accepted) and done."""
    order = np.argsort(jobs["start"], kind="stable")
    starts, dones, packets = (jobs[name][order] for name in ("start", "done", "packet"))
    issued = dict(
        zip(
            events["cycle"][events["issue"] > 0].tolist(),
            events["pc"][events["issue"] > 0].tolist(),
            strict=True,
        )
    )
    kinds: list[Span] = []
    for cycle in range(low, high):
        at = int(np.searchsorted(starts, cycle, side="right")) - 1
        job = int(packets[at]) if at >= 0 and cycle < dones[at] else None
        if cycle in issued:
            kinds.append((cycle, 1, "issue", issued[cycle], job))
        elif job is None:
            kinds.append((cycle, 1, "idle", None, None))
        else:
            kinds.append((cycle, 1, "gap", None, job))
    return _joined(kinds)


def _joined(cycles: list[Span]) -> list[Span]:
    """Cycles of a gap, or idle ones, that follow each other are one span."""
    found: list[Span] = []
    for cycle, length, kind, pc, job in cycles:
        if found and kind != "issue" and found[-1][2:] == (kind, pc, job):
            before = found[-1]
            found[-1] = (before[0], before[1] + length, kind, pc, job)
        else:
            found.append((cycle, length, kind, pc, job))
    return found
