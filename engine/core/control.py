"""What reaches a running job from outside: control messages on stdin, and signals.

Control is read only under a supervisor, from a private copy of stdin; stdin itself becomes
/dev/null, so that no subprocess of a method can take a message away. End of file means that
the supervisor is gone. Requests are only noted here; the method takes them between steps.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from engine.core.emit import Emitter

MAX_MESSAGE = 1 << 20  # bytes of one control message
STOPPED = 75  # exit code

Ending = Literal["cancelled", "stopped"]


class Stop(BaseException):
    """The job ends early, as it was asked to. Not an Exception: no method may swallow it."""

    def __init__(self, kind: Ending):
        super().__init__(kind)
        self.kind: Ending = kind


class Control:
    """Requests that wait for the method's next step."""

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self.over = False  # the method has ended: what comes now is too late
        self.checkpoint_wanted = False
        self.requests: deque[dict[str, Any]] = deque()

    def end(self, kind: Ending) -> None:
        """Note how the job is to end. Once cancelled it stays cancelled."""
        if self.ending != "cancelled":
            self.ending = kind

    def watch_signals(self, emitter: Emitter, *, hint: str = "") -> None:
        """The first signal asks, and shows `hint`; the next one ends the job where it stands.

        A line that is being written is finished first, or the reader would see half of it.
        """
        main = threading.get_ident()
        at_once = False

        def take(signum: int, frame: object) -> None:
            nonlocal at_once
            if self.over:
                return
            if self.ending is None:
                self.end("cancelled" if signum == signal.SIGINT else "stopped")
                with contextlib.suppress(OSError):  # nobody reads it: it is only a hint
                    os.write(2, hint.encode())  # print may be what the signal interrupted
                return
            at_once = True
            if emitter.writer != main:
                end_now()

        def end_now() -> None:
            nonlocal at_once
            if (
                at_once
                and not self.over
                and self.ending is not None
                and threading.get_ident() == main
            ):
                at_once = False
                raise Stop(self.ending)

        emitter.on_written = end_now
        signal.signal(signal.SIGINT, take)
        signal.signal(signal.SIGTERM, take)

    def watch_stdin(self, *, grace: float, complain: Callable[[str], object]) -> None:
        """Start reading control messages. `grace` seconds after the end of file we leave."""
        source = private_stdin()
        reader = threading.Thread(
            target=self._read, args=(source, grace, complain), name="control", daemon=True
        )
        reader.start()

    def _read(self, source: int, grace: float, complain: Callable[[str], object]) -> None:
        for line in lines(source):
            fault = self._note(line)
            if fault is not None:
                complain(f"control message ignored: {fault}")
        self.end("stopped")
        threading.Event().wait(grace)
        leave()

    def _note(self, line: bytes) -> str | None:
        """Take one message in; returns what is wrong with it, if anything is."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return f"not JSON: {line[:80]!r}"
        kind = message.get("c") if isinstance(message, dict) else None
        if kind == "cancel":
            self.end("cancelled")
        elif kind == "stop":
            self.end("stopped")
        elif kind == "checkpoint":
            self.checkpoint_wanted = True
        elif (kind == "set" and isinstance(message.get("values"), dict)) or (
            kind == "ask" and isinstance(message.get("question"), str)
        ):
            self.requests.append(message)
        else:
            return f"unknown or incomplete: {line[:80]!r}"
        return None


def private_stdin() -> int:
    """A copy of stdin for us alone; descriptor 0 becomes /dev/null."""
    source = os.dup(0)  # not inheritable
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return source


def lines(source: int):
    """Whole lines read from a descriptor until its end; too long a line is passed over.

    By `os.read` and not a buffered reader: a daemon thread inside a buffered stdin aborts
    the interpreter when it exits.
    """
    pending = b""
    skipping = False
    while block := os.read(source, 65536):
        *whole, pending = (pending + block).split(b"\n")
        for line in whole:
            if not skipping and line.strip():
                yield line
            skipping = False
        if len(pending) > MAX_MESSAGE:
            pending, skipping = b"", True


def leave() -> None:
    """Leave at once, with our subprocesses, while the method is deep in a step."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGTERM)  # our own handler only takes a note
    os._exit(STOPPED)
