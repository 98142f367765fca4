"""A tool as a child process: its own group, limits, output line by line, nothing left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import Failure
from engine.methods.kaleidoscope.simulator import keeper

TAIL = 20  # lines of the log that an error shows
POLL = 0.05  # seconds between two looks at should_stop
GRACE = 1.0  # seconds from SIGTERM to SIGKILL
PR_SET_PDEATHSIG = 1
KEEPER = (sys.executable, "-I", "-S", keeper.__file__)
LIBC = ctypes.CDLL(None)  # loaded here: nothing may be loaded between fork and exec


class Stopped(Exception):
    """should_stop() said so; the child and its group are gone."""


class ToolError(Failure):
    """A tool failed, or went over a limit: a line, and as details the last lines of its log."""


@dataclass(frozen=True)
class Limits:
    """What one run of a tool may use; seconds and bytes."""

    seconds: float = 600.0
    memory: int = 4 << 30
    file: int = 2 << 30


def execute(
    command: Sequence[str],
    *,
    folder: Path,
    log: Path,
    limits: Limits,
    env: Mapping[str, str] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_line: Callable[[str], None] = lambda line: None,
) -> None:
    """Run a command in `folder`; its output goes to `log` and, line by line, to `on_line`.

    Raises Stopped and ToolError. However it ends, no process of the group is left; not even where
    this process is killed.
    """
    end = time.monotonic() + limits.seconds
    child = subprocess.Popen(
        [*KEEPER, *command],
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: _confine(limits),
    )
    name = Path(command[0]).name
    pending = b""
    try:
        with log.open("ab") as record, selectors.DefaultSelector() as selector:
            output = child.stdout.fileno()  # type: ignore[union-attr]
            selector.register(output, selectors.EVENT_READ)
            while True:
                if should_stop():
                    raise Stopped
                if time.monotonic() > end:
                    raise ToolError(f"{name} took more than {limits.seconds:.0f} s", tail(log))
                if not selector.select(POLL):
                    continue
                data = os.read(output, 65536)
                if not data:
                    break
                record.write(data)
                record.flush()
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    on_line(line.decode(errors="replace"))
        code = child.wait(timeout=max(GRACE, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise ToolError(f"{name} closed its output and did not end", tail(log)) from None
    finally:
        _end(child)
    if code:
        how = f"ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        raise ToolError(f"{name} {how}", tail(log))


def tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL:])


def _confine(limits: Limits) -> None:
    # A group of its own outlives a killed job unless the kernel tells its head, the keeper.
    LIBC.prctl(PR_SET_PDEATHSIG, keeper.JOB_GONE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, most in ((resource.RLIMIT_AS, limits.memory), (resource.RLIMIT_FSIZE, limits.file)):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, hard))


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group, and reap the child."""
    if child.stdout:
        child.stdout.close()
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
