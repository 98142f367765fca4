"""Images as methods see them: one array of pixels, a class for each, and the parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import UserError

MAX_SIDE = 1024  # pixels
MAX_VALUES = 1 << 30  # of all images: bytes of the array


@dataclass(frozen=True, eq=False)
class Images:
    name: str
    pixels: np.ndarray  # (n, height, width, channels) uint8; 1 channel of grey, or 3 of RGB
    labels: np.ndarray  # (n,) int64, the place in `classes`
    classes: tuple[str, ...]
    parts: dict[str, np.ndarray]  # image numbers, int64; "train" has all where none is told

    def __len__(self) -> int:
        return self.labels.size


def require_room(count: int, height: int, width: int, channels: int, where: str) -> None:
    """Raises UserError, before anything of that size is allocated, for more than is held."""
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        raise UserError(
            where, f"{width} x {height} pixels; expected sides of 1 to {MAX_SIDE:,} pixels"
        )
    if count * height * width * channels > MAX_VALUES:
        raise UserError(
            where,
            f"{count:,} images of {width} x {height} pixels and {channels} channels are over "
            f"{MAX_VALUES:,} bytes, which is the most held",
        )
