"""Attempts at whole jobs in this process, which can be stopped between any two steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.core import registry, resume
from engine.core.control import Control
from engine.core.emit import Emitter
from engine.core.job import EVENTS, Request
from engine.core.method import resolve
from engine.core.run import Run


class StopsAt(Run):
    """A run that is asked to stop at its k-th step, as a drained worker asks it."""

    stop_at = 0

    def checkpoint_due(self) -> bool:
        self.stop_at -= 1
        if self.stop_at == 0:
            self._control.ending = "stopped"
        return super().checkpoint_due()


def attempt(
    folder: Path,
    slug: str,
    given: Mapping[str, Path],
    params: dict[str, Any],
    *,
    seed: int = 0,
    stop_at: int = 0,
) -> dict[str, float | None]:
    """The summary of a job in this folder; a second attempt there goes on with it."""
    method = registry.method(slug)
    request = Request(method, method.params(**params), given, seed, "cpu", 1)
    folder.mkdir(exist_ok=True)
    request.write(folder)
    point = resume.rewind(folder)
    emitter = Emitter(folder / EVENTS, n=point.n)
    run = StopsAt(
        request,
        folder,
        device="cpu",
        emitter=emitter,
        control=Control(),
        point=point,
        checkpoint_every=3600.0,
    )
    run.stop_at = stop_at
    try:
        return run.finish(resolve(method.entry)(run))
    finally:
        emitter.close()
