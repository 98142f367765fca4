"""JPEG and PNG out of untrusted bytes, into one array of images of one size."""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter

import numpy as np
from PIL import Image, UnidentifiedImageError

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.images.images import require_room
from engine.data.kind import Report

FORMATS = ("JPEG", "PNG")
_GREY = ("1", "L", "LA")
_COLOUR = ("RGB", "RGBA", "P", "CMYK", "YCbCr")
_CLEAR = ("LA", "RGBA")
# What Pillow raises on files that are damaged on purpose.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


class Stack:
    """Images of one size. The array is made when the first one tells its size, and gets three
    channels with the first one in colour; grey ones have the same number in each then."""

    def __init__(self, count: int, report: Report):
        self.pixels = np.zeros((count, 0, 0, 1), np.uint8)
        self._report = report
        self._first = ""  # the image that said the size
        self._seen: Counter[str] = Counter()

    def add(self, at: int, raw: bytes, where: str) -> None:
        """Decode the image `at`; what is broken is an error of the report."""
        try:
            self._take(at, raw, where)
        except UserError as fault:
            self._report.error(fault.where, fault.expected)

    def tell(self, where: str) -> None:
        """What was changed on the way."""
        for change, count in self._seen.items():
            self._report.warn(where, f"{counted(count, 'image')} {change}")

    def _take(self, at: int, raw: bytes, where: str) -> None:
        try:
            with Image.open(io.BytesIO(raw), formats=FORMATS) as picture:
                self._require(picture, where)
                if picture.mode in _CLEAR or "transparency" in picture.info:
                    self._seen["with transparency, which is dropped"] += 1
                if picture.mode in _COLOUR and self.pixels.shape[3] == 1:
                    self.pixels = np.repeat(self.pixels, 3, axis=3)
                mode = "RGB" if self.pixels.shape[3] == 3 else "L"
                decoded = np.asarray(picture.convert(mode))
        except UnidentifiedImageError as fault:
            raise UserError(where, "no JPEG or PNG, or a damaged one; expected one") from fault
        except _BROKEN as fault:
            raise UserError(
                where, f"truncated or damaged ({fault}); expected a JPEG or PNG"
            ) from fault
        self.pixels[at] = decoded.reshape(self.pixels.shape[1:])

    def _require(self, picture: Image.Image, where: str) -> None:
        """Before the pixels are decoded, by what the header says."""
        count, height, width, _ = self.pixels.shape
        if picture.mode not in (*_GREY, *_COLOUR):
            raise UserError(where, f"pixels of type {picture.mode}; expected 8 bits for a channel")
        if not self._first:
            require_room(count, picture.height, picture.width, 3, where)
            channels = 3 if picture.mode in _COLOUR else 1
            self.pixels = np.zeros((count, picture.height, picture.width, channels), np.uint8)
            self._first = where
        elif (picture.height, picture.width) != (height, width):
            raise UserError(
                where,
                f"{picture.width} x {picture.height} pixels; expected {width} x {height}, as "
                f"{self._first} has: bring all to one size",
            )
