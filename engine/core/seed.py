"""Independent reproducible random streams, one per (seed, name), and their states."""

from __future__ import annotations

import random
import sys
from hashlib import blake2b
from typing import Any

import numpy as np


def entropy(seed: int, name: str) -> int:
    """A 63-bit seed of its own for each name: streams never depend on the order of use."""
    digest = blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1  # torch takes signed 64 bits


def numpy_stream(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(entropy(seed, name)))


def torch_stream(seed: int, name: str, device: str = "cpu"):
    import torch

    return torch.Generator(device=device).manual_seed(entropy(seed, name))


class Streams:
    """The streams of one job. `state` and `restore` carry them through a checkpoint."""

    def __init__(self, seed: int):
        self.seed = seed
        self._numpy: dict[str, np.random.Generator] = {}
        self._torch: dict[str, Any] = {}  # name@device
        self._waiting: dict[str, dict[str, Any]] = {"numpy": {}, "torch": {}}

    def numpy(self, name: str) -> np.random.Generator:
        if name not in self._numpy:
            stream = self._numpy[name] = numpy_stream(self.seed, name)
            state = self._waiting["numpy"].pop(name, None)
            if state is not None:
                stream.bit_generator.state = state
        return self._numpy[name]

    def torch(self, name: str, device: str = "cpu"):
        key = f"{name}@{device}"
        if key not in self._torch:
            stream = self._torch[key] = torch_stream(self.seed, name, device)
            state = self._waiting["torch"].pop(key, None)
            if state is not None:
                stream.set_state(state)
        return self._torch[key]

    def rewind(self) -> None:
        """Every stream that is asked for from now on starts at its beginning."""
        self._numpy, self._torch = {}, {}
        self._waiting = {"numpy": {}, "torch": {}}

    def state(self) -> dict[str, Any]:
        # A stream that was restored and not asked for yet keeps the place it had.
        waiting = self._waiting
        drawn = {name: stream.bit_generator.state for name, stream in self._numpy.items()}
        return {
            "numpy": {**waiting["numpy"], **drawn},
            "torch": {
                **waiting["torch"],
                **{key: stream.get_state() for key, stream in self._torch.items()},
            },
            "global": global_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Put every stream where it was, those in use as well as those still to be asked for."""
        self._waiting = {"numpy": dict(state["numpy"]), "torch": dict(state["torch"])}
        for name, stream in self._numpy.items():
            if name in self._waiting["numpy"]:
                stream.bit_generator.state = self._waiting["numpy"].pop(name)
        for key, stream in self._torch.items():
            if key in self._waiting["torch"]:
                stream.set_state(self._waiting["torch"].pop(key))
        set_global_state(state["global"])


def global_state() -> dict[str, Any]:
    """Where the generators stand that libraries use behind a method's back."""
    version, numbers, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state()
    state: dict[str, Any] = {
        "python": [version, np.array(numbers, dtype=np.int64), gauss],
        "numpy": [kind, np.asarray(keys, dtype=np.int64), position, has_gauss, cached],
    }
    if "torch" in sys.modules:
        import torch

        state["torch"] = torch.get_rng_state()
        if torch.cuda.is_initialized():
            state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_global_state(state: dict[str, Any]) -> None:
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(int(number) for number in numbers), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    legacy = (kind, keys.astype(np.uint32), position, has_gauss, cached)
    np.random.set_state(legacy)
    if "torch" in state:
        import torch

        torch.set_rng_state(state["torch"])
        if "cuda" in state and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda"][: torch.cuda.device_count()])
