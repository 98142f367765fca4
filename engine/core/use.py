"""What this process uses, sampled every two seconds by a thread of its own."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import psutil

EVERY = 2.0  # seconds


class Meter:
    """Says `use` events until it is closed, and one last one then."""

    def __init__(self, say: Callable[..., object], every: float = EVERY):
        self._say = say
        self._every = every
        self._process = psutil.Process()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._sample_on, name="use", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._sample()

    def _sample_on(self) -> None:
        while not self._closing.wait(self._every):
            self._sample()

    def _sample(self) -> None:
        self._say(
            "use",
            cpu_s=round(time.process_time(), 3),
            rss=self._process.memory_info().rss,
            gpu_mem=_gpu_memory(),
        )


def _gpu_memory() -> int | None:
    """Bytes that torch holds on the GPU; None where the job does not use one."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_initialized():
        return None
    return torch.cuda.memory_reserved()
