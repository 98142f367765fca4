"""Progress for a person: a bar that redraws itself, or one line per phase in a plain log."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from engine.core.method import Method

EVERY = 0.1  # seconds between two drawings
BAR = 24  # characters


def out(text: str) -> None:
    """A line of what was asked for."""
    print(text, flush=True)


def err(text: str) -> None:
    """A line about how it went."""
    print(text, file=sys.stderr, flush=True)


class Terminal:
    """Listens to events and draws on stderr; stdout belongs to results."""

    def __init__(self, method: Method, stream: TextIO | None = None):
        self._method = method
        self._stream = stream = stream or sys.stderr
        self._redraws = stream.isatty()
        self._shown = {metric.key for metric in method.metrics if metric.headline}
        self._phase = ""
        self._progress: Mapping[str, Any] = {}
        self._latest: dict[str, Any] = {}
        self._drawn_at = 0.0

    def __call__(self, t: str, body: Mapping[str, Any]) -> None:
        if t == "m":
            self._latest |= {key: body[key] for key in self._shown & body.keys()}
        elif t == "p":
            self._progress = body
        elif t == "phase":
            self._phase, self._progress = body["name"], {}
            if not self._redraws:
                total = f", {body['total']} steps" if body.get("total") else ""
                self._line(f"{self._method.slug}: {self._phase}{total}")
        elif t == "log":
            self._line(f"{body['level']}: {body['text']}")
        if self._redraws and t in ("m", "p", "phase"):
            self._draw(now=time.monotonic(), must=t == "phase")

    def end(self) -> None:
        """Leave the last state of the bar standing."""
        if self._redraws and self._phase:
            self._draw(now=time.monotonic(), must=True)
            print(file=self._stream, flush=True)

    def _line(self, text: str) -> None:
        clear = "\r\x1b[K" if self._redraws else ""
        print(f"{clear}{text}", file=self._stream, flush=True)

    def _draw(self, *, now: float, must: bool) -> None:
        if not must and now - self._drawn_at < EVERY:
            return
        self._drawn_at = now
        width = shutil.get_terminal_size().columns - 1
        text = status(self._phase, self._progress, self._latest)[:width]
        print(f"\r\x1b[K{text}", end="", file=self._stream, flush=True)


def status(phase: str, progress: Mapping[str, Any], latest: Mapping[str, Any]) -> str:
    """One line: phase, bar, count, time left, the headline metrics."""
    parts = [phase]
    done, total = progress.get("done"), progress.get("total")
    if done is not None and total:
        full = min(BAR, BAR * done // total)
        parts.append("█" * full + "·" * (BAR - full))
        parts.append(f"{done}/{total}")
    elif done is not None:
        parts.append(str(done))
    if progress.get("eta") is not None:
        parts.append(f"{duration(progress['eta'])} left")
    parts += [f"{key} {float(value):.4g}" for key, value in sorted(latest.items())]
    return "  ".join(parts)


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
