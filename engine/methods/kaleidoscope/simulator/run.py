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
    on_progress: Callable[[int, int], None] = lambda cycles, done: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Ran:
    """Run until the bench ends. `on_progress` gets the cycle and the verdicts so far.

    The bench reads `stimulus.txt` and writes `results.txt`, both in `folder`, where the log lies
    too. Raises ToolError, with the log's last lines, where it fails, goes over a limit, or ends
    without a word about its last cycle; and Stopped.
    """
    last: list[int] = []

    def heard(line: str) -> None:
        words = line.split()
        if len(words) == 3 and words[0] == "progress" and words[1].isdigit() and words[2].isdigit():
            last[:] = [int(words[1])]
            on_progress(int(words[1]), int(words[2]))

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
        raise ToolError(f"the simulator ended without a result\n{tail(log)}")
    return Ran(last[0], time.monotonic() - began)
