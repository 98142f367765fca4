"""Independent reproducible random streams, one per (seed, name)."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def entropy(seed: int, name: str) -> int:
    """A 64-bit seed of its own for each name: streams never depend on the order of use."""
    digest = blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1  # torch takes signed 64 bits


def numpy_stream(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(entropy(seed, name)))


def torch_stream(seed: int, name: str, device: str = "cpu"):
    import torch

    return torch.Generator(device=device).manual_seed(entropy(seed, name))
