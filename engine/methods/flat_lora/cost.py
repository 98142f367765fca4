"""What training costs: seconds by what they go into, and the largest memory."""

from __future__ import annotations

import re
import time
from pathlib import Path

import torch

PROCESS = Path("/proc/self")


class Laps:
    """Seconds since this began, each lap counted to what it went into. A GPU works on behind
    Python's back: a lap ends when it is through."""

    def __init__(self, device: torch.device):
        self.seconds: dict[str, float] = {}
        self._device = device
        self._last = self._now()

    def end(self, name: str) -> None:
        now = self._now()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


class Peak:
    """The largest memory since this began, and no less than that of an earlier attempt.

    Of a GPU it is what torch's tensors took there. Else it is the resident size of the whole
    process, libraries and what its allocator keeps of earlier work included.
    """

    def __init__(self, device: torch.device, earlier: int | None = 0):
        self._device, self._earlier = device, earlier
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            return
        try:  # Linux: the mark of the largest resident size falls to the present one
            (PROCESS / "clear_refs").write_text("5")
        except OSError:
            self._earlier = None

    def bytes(self) -> int | None:
        """None where the system does not let a process begin to count anew."""
        if self._earlier is None:
            return None
        if self._device.type == "cuda":
            return max(self._earlier, torch.cuda.max_memory_allocated(self._device))
        told = re.search(r"VmHWM:\s+(\d+) kB", (PROCESS / "status").read_text())
        return max(self._earlier, 1024 * int(told[1])) if told else None
