"""What a trial runs on: simulated RTL, or the cycle model where no simulator is.

Both take packets or jobs and give the same records (results.py), so that whatever reads them does
not know which it was; the back end's badge does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.core import cache
from engine.core.errors import UserError
from engine.methods.kaleidoscope import replay
from engine.methods.kaleidoscope.deployed import Coprocessor
from engine.methods.kaleidoscope.results import Moment, Results
from engine.methods.kaleidoscope.simulator.build import Binary, build
from engine.methods.kaleidoscope.simulator.process import Limits
from engine.methods.kaleidoscope.simulator.tools import Backend, find
from engine.methods.kaleidoscope.stimulus import Jobs, Packets, Settings, Watch

FOLDER = "kaleidoscope"  # of the cache
LIMITS = Limits(seconds=1800.0)
SHORT, FULL = 0, 3  # levels of the C++ compiler: for runs of a few hundred cycles, and for others

Progress = Callable[[Moment], None]


def ignored(moment: Moment) -> None:
    return


def never() -> bool:
    return False


class Rig(Protocol):
    """Runs traffic through a co-processor; seconds are of wall clock."""

    coprocessor: Coprocessor

    def run(
        self,
        traffic: Packets | Jobs,
        *,
        settings: Settings,
        watch: Watch = ...,
        on_progress: Progress = ...,
    ) -> tuple[Results, float]: ...


@dataclass(frozen=True)
class RtlRig:
    """A built simulator; raises Stopped when `should_stop` says so."""

    coprocessor: Coprocessor
    binary: Binary
    keep: Path | None = None  # where a run's files stay, else they are removed
    should_stop: Callable[[], bool] = never

    def run(
        self,
        traffic: Packets | Jobs,
        *,
        settings: Settings,
        watch: Watch = Watch(),  # noqa: B008 - frozen
        on_progress: Progress = ignored,
    ) -> tuple[Results, float]:
        with tempfile.TemporaryDirectory(prefix="rtl-") as folder:
            found, ran = replay.run(
                self.binary,
                self.coprocessor.machine,
                self.keep or Path(folder),
                settings=settings,
                images=self.coprocessor.images,
                traffic=traffic,
                watch=watch,
                limits=LIMITS,
                on_progress=on_progress,
                should_stop=self.should_stop,
            )
        return found, ran.seconds


def choose(wanted: str) -> Backend:
    """The back end of that kind, or the first there is. Raises UserError where there is none."""
    found = find()
    if wanted == "auto":
        return found[0]
    for backend in found:
        if backend.kind == wanted:
            return backend
    raise UserError(
        "backend", f"{wanted} is not installed here (or, for verilator, no C++ compiler is); "
        f"expected one of {', '.join(one.kind for one in found)}, or auto"
    )  # fmt: skip


def require(backend: Backend, *, contexts: int) -> None:
    """The queueing model does not know how contexts take turns."""
    if backend.kind == "model" and contexts != 1:
        raise UserError("contexts", f"expected 1, since this is the cycle {backend.badge}")


def built(
    backend: Backend,
    coprocessor: Coprocessor,
    *,
    trace: bool = False,
    should_stop: Callable[[], bool] = never,
) -> Binary:
    """The machine's simulator, from the cache or built now."""
    return build(
        backend,
        coprocessor.machine.design(),
        cache=cache.folder(FOLDER),
        trace=trace,
        optimise=SHORT if trace else FULL,
        should_stop=should_stop,
    )
