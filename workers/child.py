"""One child process of ours: the engine's door, in a process group of its own.

It gets a clean environment, its own directory, a descriptor for events and a pipe for control.
Nothing here knows what the events mean.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

logger = logging.getLogger(__name__)

PIPE = 1 << 20  # bytes that wait in the event pipe before the engine has to
# What a child may know of our environment: no address of a database, no key, no token.
ALLOWED = frozenset(
    (
        "CUDA_VISIBLE_DEVICES",
        "HF_HOME",
        "HF_HUB_OFFLINE",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "PATH",
        "SSL_CERT_FILE",
        "TENFOLD_METHODS",
        "TORCH_HOME",
        "TZ",
    )
)


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """A clean environment whose home and scratch space lie in the child's own folder."""
    kept = {name: value for name, value in os.environ.items() if name in ALLOWED}
    scratch = folder / ".tmp"
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        **kept,
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "TENFOLD_CACHE": str(settings.TENFOLD_HOME / "cache"),
        "PYTHONPATH": str(settings.BASE_DIR),
        "PYTHONUNBUFFERED": "1",
        **(more or {}),
    }


class Child:
    """A started child. `events` and `output` are descriptors that never block."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        *,
        limits: Mapping[str, Any],
        resume_at: int | None = None,
        variables: Mapping[str, str] | None = None,
    ):
        self.folder = folder
        self.events, theirs = os.pipe()
        try:
            fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, PIPE)
            supervised = {"events": theirs, "limits": dict(limits), "resume_at": resume_at}
            more = {"TENFOLD_SUPERVISED": json.dumps(supervised), **(variables or {})}
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engine", *arguments],
                cwd=folder,
                env=environment(folder, more),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                pass_fds=(theirs,),
                start_new_session=True,
                umask=0o077,
            )
        except BaseException:
            os.close(self.events)
            raise
        finally:
            os.close(theirs)
        self.output = self.process.stdout.fileno()
        self.pgid = self.process.pid  # it leads its own session
        for descriptor in (self.events, self.output, self.process.stdin.fileno()):
            os.set_blocking(descriptor, False)

    def tell(self, message: Mapping[str, Any]) -> bool:
        """Send one control message; False if the child cannot take it."""
        try:
            line = json.dumps(message).encode() + b"\n"
            return os.write(self.process.stdin.fileno(), line) == len(line)
        except (BlockingIOError, BrokenPipeError, ValueError):
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pgid, number)

    def ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> int:
        """End the group now; returns how its leader ended."""
        self.signal(signal.SIGKILL)
        return self.process.wait()

    def close(self) -> None:
        """Kill what is left of the group and let go of the pipes."""
        self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        if self.events >= 0:
            os.close(self.events)
            self.events = -1


def read(descriptor: int, size: int = PIPE) -> bytes | None:
    """What is there: None for nothing yet, b"" for the end."""
    try:
        return os.read(descriptor, size)
    except BlockingIOError:
        return None


def strays(folder: Path) -> dict[int, list[psutil.Process]]:
    """Process groups on this host that run a job in this folder, by their number."""
    name, ours = str(folder), os.getpgrp()
    found: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
            group = os.getpgid(process.pid)
        except (psutil.Error, ProcessLookupError):
            continue
        if name in line and "engine" in line and "run" in line and group != ours:
            found.setdefault(group, []).append(process)
    return found


def end_strays(folder: Path, *, patience: float = 10.0) -> int:
    """Kill the groups of earlier children in this folder, and wait until they are gone."""
    found = strays(folder)
    for group in found:
        logger.warning("killing process group %s, left over in %s", group, folder.name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    until = time.monotonic() + patience
    while any(_runs(process) for group in found.values() for process in group):
        if time.monotonic() > until:
            raise RuntimeError(f"a process group in {folder.name} outlives SIGKILL")
        time.sleep(0.01)
    return len(found)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
