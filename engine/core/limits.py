"""Supervision: the variable TENFOLD_SUPERVISED, and the limits that it asks for.

It holds JSON, `{"events": descriptor, "limits": {...}, "resume_at": n}`, and is set by a
supervisor alone. This module imports nothing heavy: limits are in force before the first
library that could be made to break them is loaded.
"""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import signal
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from engine.core.errors import UserError
from engine.core.units import duration, size

VARIABLE = "TENFOLD_SUPERVISED"
CHECKPOINT_EVERY = 10.0  # seconds
ORPHAN_GRACE = 2.0  # seconds between losing the supervisor and leaving without a checkpoint


class CpuLimit(Exception):
    """The CPU time that the supervisor allowed is used up."""


@dataclass(frozen=True)
class Limits:
    """What a supervised process may use; None is no limit. Sizes in bytes, times in seconds."""

    memory: int | None = None
    cpu: int | None = None
    file: int | None = None
    open_files: int | None = None
    checkpoint_every: float = CHECKPOINT_EVERY
    orphan_grace: float = ORPHAN_GRACE

    def apply(self) -> None:
        """Set what the operating system can enforce. A core dump would hold a user's data."""
        _lower(resource.RLIMIT_CORE, 0)
        # RLIMIT_AS would be useless: torch reserves far more address space than it uses.
        _lower(resource.RLIMIT_DATA, self.memory)
        _lower(resource.RLIMIT_FSIZE, self.file)
        _lower(resource.RLIMIT_NOFILE, self.open_files)
        if self.cpu is not None:
            signal.signal(signal.SIGXCPU, _cpu_used_up)
            _lower(resource.RLIMIT_CPU, self.cpu, spare=5)  # seconds to say so

    def explain(self, error: BaseException) -> str | None:
        """The sentence for an error that a limit caused; None where no limit did."""
        text, number = str(error).lower(), _number(error)
        if isinstance(error, CpuLimit):
            return f"the job used up its limit of {duration(self.cpu)} of CPU time"
        if number == errno.EFBIG:
            return f"a file grew past the limit of {size(self.file)}"
        if number in (errno.ENOSPC, errno.EDQUOT):
            return f"the disk is full: {error}"
        if number == errno.EMFILE:
            return f"more than {self.open_files} files were open, which is the limit"
        if "out of memory" in text and "cuda" in text:
            return f"the GPU ran out of memory: {error}"
        no_memory = number == errno.ENOMEM or isinstance(error, MemoryError)
        if no_memory or "can't allocate memory" in text:
            limit = (
                "this machine has" if self.memory is None else f"the limit of {size(self.memory)}"
            )
            return f"the job needed more memory than {limit}"
        return None


@dataclass(frozen=True)
class Supervision:
    """How this process is watched over. `events` is None for a job typed by a person."""

    events: int | None = None
    limits: Limits = Limits()
    resume_at: int | None = None  # resume from no checkpoint above this n: the rest was lost

    @property
    def present(self) -> bool:
        return self.events is not None

    @classmethod
    def take(cls, environ: dict[str, str] | os._Environ[str] = os.environ) -> Supervision:
        """Read the variable and remove it: what this process starts is not supervised so."""
        text = environ.pop(VARIABLE, None)
        if text is None:
            return cls()
        try:
            asked = json.loads(text)
            found = cls(
                events=int(asked["events"]),
                limits=_limits(asked.get("limits", {})),
                resume_at=asked.get("resume_at"),
            )
            os.set_inheritable(found.events, False)
        except (ValueError, TypeError, KeyError, OSError) as fault:
            expected = f"expected JSON with events, limits and resume_at, got {text!r:.200}"
            raise UserError(VARIABLE, f"{expected} ({fault})") from None
        return found


def _number(error: BaseException) -> int | None:
    """The system's number of an error; libraries in Rust, as safetensors, have it in their text."""
    if isinstance(error, OSError):
        return error.errno
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def _limits(asked: Mapping[str, Any]) -> Limits:
    known = {field.name for field in fields(Limits)}
    unknown = sorted(set(asked) - known)
    if unknown:
        raise ValueError(f"unknown limits: {', '.join(unknown)}")
    return Limits(**{name: value for name, value in asked.items() if value is not None})


def _lower(kind: int, value: int | None, *, spare: int = 0) -> None:
    if value is None:
        return
    _, hard = resource.getrlimit(kind)
    ceiling = value + spare if hard == resource.RLIM_INFINITY else min(value + spare, hard)
    resource.setrlimit(kind, (min(value, ceiling), ceiling))


def _cpu_used_up(signum: int, frame: object) -> None:
    raise CpuLimit
