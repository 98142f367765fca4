"""The writer of events: numbers them, and writes whole lines to the file and the descriptor.

Lines go out at once, by `os.write`, so that a killed process loses none that was said. A
descriptor that nobody reads any more is given up, once, through `on_gone`.
"""

from __future__ import annotations

import json
import math
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.core import events

MAX_KEY = 200  # bytes of a metric key
MAX_KEYS = 5000  # distinct keys of one job
MAX_TEXT = 64 * 1024  # characters of one log text
KEY = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
NUMBERED = re.compile(rb'\{"n":(\d+),.*\}\n', re.DOTALL)

Listener = Callable[[str, Mapping[str, Any]], None]


class Emitter:
    """Says events. `n` is the number of the last one; a resumed job starts above 0."""

    def __init__(
        self,
        path: Path | None,
        descriptor: int | None = None,
        *,
        n: int = 0,
        on_gone: Callable[[], None] | None = None,
    ):
        self.n = n
        self.lock = threading.RLock()
        self.listeners: list[Listener] = []
        self.on_gone = on_gone
        self.on_written: Callable[[], None] | None = None
        self.writer: int | None = None  # the thread that is writing a line now
        self._descriptor = descriptor
        self._keys: set[str] = set()
        self._fault: OSError | None = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = None if path is None else os.open(path, flags, 0o600)

    def say(self, t: str, **fields: Any) -> int:
        """Write one event of type `t`; None fields are left out. Returns its number."""
        body = {key: value for key, value in fields.items() if value is not None}
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        rest = text[1:] if text == "{}" else "," + text[1:]
        n = self._put(f'"t":"{t}"{rest}\n', last=t == "fail")
        for listen in self.listeners:
            listen(t, body)
        return n

    def log(self, text: str, level: str = "info") -> int:
        if len(text) > MAX_TEXT:
            text = f"{text[:MAX_TEXT]} … ({len(text)} characters)"
        return self.say("log", level=level, text=text)

    def metrics(self, step: int, numbers: Mapping[str, Any]) -> int:
        """One `m` event, built as text: this is the one event that comes in floods."""
        parts = []
        for key, value in numbers.items():
            if key not in self._keys:
                self._admit(key)
            value = float(value)
            shown = repr(value) if math.isfinite(value) else f'"{events.number(value)}"'
            parts.append(f'"{key}":{shown}')
        n = self._put(f'"t":"m","s":{step},"d":{{{",".join(parts)}}}}}\n')
        for listen in self.listeners:
            listen("m", numbers)
        return n

    def sync(self) -> None:
        """Everything said so far is on the disk when this returns."""
        if self._file is not None:
            os.fsync(self._file)

    def close(self) -> None:
        with self.lock:
            if self._file is not None:
                os.close(self._file)
            self._file = self._descriptor = None

    def _admit(self, key: str) -> None:
        if not isinstance(key, str) or not KEY.fullmatch(key) or len(key) > MAX_KEY:
            raise ValueError(
                f"metric key {key!r:.250}: lower case letters, digits, _ and - in parts joined "
                f"by dots, at most {MAX_KEY} bytes"
            )
        if len(self._keys) >= MAX_KEYS:
            raise ValueError(f"metric key {key!r}: a job may have {MAX_KEYS} different keys")
        self._keys.add(key)

    def _put(self, rest: str, *, last: bool = False) -> int:
        with self.lock:
            if self._fault is not None and not last:
                raise self._fault  # the first thread to meet it may not have been the method's
            n = self.n + 1
            line = f'{{"n":{n},"w":{time.time():.6f},{rest}'.encode("utf-8", "replace")
            if len(line) > events.MAX_LINE:
                raise ValueError(
                    f"an event of {len(line)} bytes; {events.MAX_LINE} at most: write a file"
                )
            self.n = n  # before the write: a number may be missing, never twice
            self.writer = threading.get_ident()
            try:
                self._write_line(line)
            finally:
                self.writer = None
        if self.on_written is not None:
            self.on_written()
        return n

    def _write_line(self, line: bytes) -> None:
        if self._file is not None and self._fault is None:
            try:
                _write(self._file, line)
            except OSError as fault:  # a full disk, a limit: say no more but how it ended
                self._fault = fault
                raise
        if self._descriptor is None:
            return
        try:
            _write(self._descriptor, line)
        except BrokenPipeError:
            self._descriptor = None
            if self.on_gone is not None:
                self.on_gone()


def _write(descriptor: int, line: bytes) -> None:
    written = os.write(descriptor, line)
    while written < len(line):
        written += os.write(descriptor, line[written:])


def last_number(path: Path) -> int:
    """The `n` of the last whole line; 0 without a file. Stops where a line is torn."""
    return _scan(path, None)[0]


def truncate(path: Path, *, n: int) -> None:
    """Drop every event above `n`, and whatever a kill left half written."""
    if path.exists():
        os.truncate(path, _scan(path, n)[1])


def _scan(path: Path, bound: int | None) -> tuple[int, int]:
    """(last n within bound, bytes up to the end of its line)."""
    last = end = 0
    if not path.exists():
        return last, end
    with path.open("rb") as file:
        for line in file:
            found = NUMBERED.fullmatch(line)
            if found is None or int(found[1]) <= last:
                break
            if bound is not None and int(found[1]) > bound:
                break
            last, end = int(found[1]), end + len(line)
    return last, end
