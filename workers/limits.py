"""What an attempt may use, watched from outside: time, silence, memory, disk.

The engine limits itself too; this is for what its own limits do not see, a group of processes
above all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from engine.core.units import duration, size
from workers.folders import size_of

LOOK_EVERY = 1.0  # seconds between two looks at memory
DISK_EVERY = 5.0  # walking a directory costs more
HELLO_WITHIN = 60.0  # seconds for an engine to greet
OPEN_FILES = 4096


@dataclass(frozen=True)
class Broken:
    """A limit that was met. `harmful`: what goes on would harm others, so it ends at once."""

    why: str
    harmful: bool = False


class Watch:
    """Looks at a group of processes and says which limit it has broken."""

    def __init__(self, pgid: int, folder: Path, *, limits: Mapping[str, Any]):
        self.pgid = pgid
        self.folder = folder
        self.limits = limits
        self.began = self.heard = time.monotonic()
        self.greeted = False
        self.peak_memory = 0
        self._look_at = self._disk_at = 0.0

    def hear(self) -> None:
        """Something came from the child."""
        self.heard = time.monotonic()

    def broken(self, now: float) -> Broken | None:
        """The first broken limit."""
        if not self.greeted and now - self.began > HELLO_WITHIN:
            return Broken(f"the engine did not greet within {HELLO_WITHIN:g} seconds", harmful=True)
        seconds, silence = self.limits.get("seconds"), self.limits.get("silence")
        if seconds and now - self.began > seconds:
            return Broken(f"the time limit of {duration(seconds)} was reached")
        if silence and now - self.heard > silence:
            return Broken(f"nothing was heard for {duration(silence)}, which is the limit")
        return self._memory(now) or self._disk(now)

    def _memory(self, now: float) -> Broken | None:
        if now < self._look_at:
            return None
        self._look_at = now + LOOK_EVERY
        used = group_memory(self.pgid)
        self.peak_memory = max(self.peak_memory, used)
        limit = self.limits.get("memory")
        if limit and used > limit:
            why = f"the job used {size(used)} of memory; its limit is {size(limit)}"
            return Broken(why, harmful=True)
        return None

    def _disk(self, now: float) -> Broken | None:
        limit = self.limits.get("disk")
        if not limit or now < self._disk_at:
            return None
        self._disk_at = now + DISK_EVERY
        used = size_of(self.folder)
        if used > limit:
            why = f"the job's directory holds {size(used)}; its limit is {size(limit)}"
            return Broken(why, harmful=True)
        return None


def group_memory(pgid: int) -> int:
    """Resident bytes of all that a child of ours has started: of its session, which keeps those
    whose parent has ended, and of its descendants, which may have left the session."""
    found = {pid for pid in psutil.pids() if _session(pid) == pgid}
    with suppress(psutil.NoSuchProcess):
        found.update(process.pid for process in psutil.Process(pgid).children(recursive=True))
    return sum(map(_resident, found))


def _session(pid: int) -> int | None:
    with suppress(ProcessLookupError):  # it has ended since it was listed
        return os.getsid(pid)
    return None


def _resident(pid: int) -> int:
    with suppress(psutil.Error):  # as above
        return psutil.Process(pid).memory_info().rss
    return 0


def for_engine(limits: Mapping[str, Any], *, every: float, gpu: bool) -> dict[str, Any]:
    """The limits that the engine sets for itself before it loads anything heavy."""
    asked: dict[str, Any] = {"open_files": OPEN_FILES, "checkpoint_every": every}
    if limits.get("disk"):
        asked["file"] = int(limits["disk"])
    if limits.get("memory") and not gpu:  # a GPU's driver maps more than it uses
        asked["memory"] = int(limits["memory"])
    return asked
