"""How far the current phase is, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 0.25  # seconds between two progress events
SMOOTHING = 0.15  # weight of the newest pace; the first ones weigh as in a plain mean


class Progress:
    """Counts what is done in one phase and says it at most four times a second."""

    def __init__(self, say: Callable[..., object], clock: Callable[[], float] = time.monotonic):
        self._say = say
        self._clock = clock
        self.name = ""
        self._begin(None, 0)

    def phase(self, name: str, total: int | None = None, *, done: int = 0) -> None:
        self.flush()
        self.name = name
        self._begin(total, done)
        self._say("phase", name=name, total=total)
        if done:
            self._tell(self._clock())

    def advance(self, count: int = 1) -> None:
        self.done += count
        now = self._clock()
        if self.done == self.total or now - self._told_at >= EVERY:
            self._tell(now)

    def flush(self) -> None:
        """Say the last count of a phase if it was held back."""
        if self.done != self._told:
            self._tell(self._clock())

    def _begin(self, total: int | None, done: int) -> None:
        self.total = total
        self.done = self._told = done
        self._told_at = self._clock()
        self._samples = 0
        self._pace = 0.0  # seconds for one

    def _tell(self, now: float) -> None:
        if self.done > self._told:
            self._samples += 1
            newest = (now - self._told_at) / (self.done - self._told)
            self._pace += max(1 / self._samples, SMOOTHING) * (newest - self._pace)
        eta = None
        if self.total is not None and self._samples:
            eta = round(max(self.total - self.done, 0) * self._pace, 3)
        self._told, self._told_at = self.done, now
        self._say("p", done=self.done, total=self.total, eta=eta)
