"""Small images and the bytes of their files."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import Image

SIDE = 6


def pixels(count: int, *, channels: int = 3, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """(count, side, side, channels) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, channels), np.uint8)


def encoded(image: np.ndarray, kind: str = "PNG", mode: str | None = None, **how: Any) -> bytes:
    """The file of an image (h, w), (h, w, 1) or (h, w, 3)."""
    made = Image.fromarray(image.squeeze())
    buffer = io.BytesIO()
    (made.convert(mode) if mode else made).save(buffer, kind, **how)
    return buffer.getvalue()


def idx(array: np.ndarray) -> bytes:
    sides = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sides + array.astype(np.uint8).tobytes()
