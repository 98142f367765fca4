"""One run of a built simulator in a folder that holds its stimulus."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.methods.kaleidoscope.simulator.build import Binary
from engine.methods.kaleidoscope.simulator.process import Limits, ToolError, execute, tail

STIMULUS, RESULTS, LOG = "stimulus.txt", "results.txt", "simulator.log"


@dataclass(frozen=True)
class Ran:
    """What a run took: cycles after loading, seconds of wall clock."""

    cycles: int
    seconds: float

    @property
    def cycles_per_second(self) -> float:
        return self.cycles / self.seconds


def run(
    binary: Binary,
    folder: Path,
    *,
    limits: Limits | None = None,
    on_progress: Callable[[tuple[int, ...]], None] = lambda told: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Ran:
    """Run until the bench ends. `on_progress` gets what a line of progress tells: the cycle and the
    verdicts so far, and whatever else that bench counts.

    The bench reads `stimulus.txt` and writes `results.txt`, both in `folder`, where the log lies
    too. Raises ToolError, with the log's last lines, where it fails, goes over a limit, or ends
    without a word about its last cycle; and Stopped.
    """
    last: list[int] = []

    def heard(line: str) -> None:
        first, *words = line.split() or [""]
        if first == "progress" and len(words) >= 2 and all(word.isdigit() for word in words):
            told = tuple(map(int, words))
            last[:] = told[:1]
            on_progress(told)

    log = folder / LOG
    log.write_text(
        f"{binary.backend.kind} {binary.backend.version}\nrtl sha256 {binary.rtl_hash}\n"
    )
    began = time.monotonic()
    execute(
        binary.command,
        folder=folder,
        log=log,
        limits=limits or Limits(),
        should_stop=should_stop,
        on_line=heard,
    )
    if not last:
        raise ToolError("the simulator ended without a result", tail(log))
    return Ran(last[0], time.monotonic() - began)
