"""Where a job goes on: the newest checkpoint that can be read, and nothing said after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core import checkpoint as checkpoints
from engine.core import emit
from engine.core.job import CHECKPOINTS, EVENTS, RESULT

KEEP = 2  # newest checkpoints; the best one is kept beside them


@dataclass(frozen=True)
class Point:
    """`n` of the checkpoint and what it stored; n is 0 where the job starts anew."""

    n: int = 0
    stored: dict[str, Any] | None = None
    unreadable: tuple[str, ...] = field(default=())


def rewind(folder: Path, *, resume_at: int | None = None) -> Point:
    """Find the point, and remove every event, checkpoint and result that is newer.

    A checkpoint whose own event was never written is passed over: nobody heard of it. A
    directory rebuilt from stored files has no events, and then the files alone decide.
    `resume_at` is the supervisor's word on the last checkpoint that it has kept.
    """
    log = folder / EVENTS
    bound = resume_at
    if bound is None and log.exists():
        bound = emit.last_number(log)
    point = _newest(folder / CHECKPOINTS, bound)
    for n, path in checkpoints.numbered(folder / CHECKPOINTS).items():
        if n > point.n:
            path.unlink()
    (folder / RESULT).unlink(missing_ok=True)
    emit.truncate(log, n=point.n)
    return point


def prune(folder: Path, *, best: int | None) -> None:
    """Keep the two newest checkpoints and the best one."""
    for n, path in list(checkpoints.numbered(folder).items())[:-KEEP]:
        if n != best:
            path.unlink()


def _newest(folder: Path, bound: int | None) -> Point:
    unreadable = []
    for n, path in reversed(checkpoints.numbered(folder).items()):
        if bound is not None and n > bound:
            continue
        try:
            return Point(n, checkpoints.load(path), tuple(unreadable))
        except Exception as fault:  # noqa: BLE001 - whatever is wrong with it, an older one serves
            unreadable.append(f"{path.name}: {fault}")
    return Point(0, None, tuple(unreadable))
