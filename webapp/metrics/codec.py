"""How the points of a chunk become bytes, and back, bit for bit.

A chunk is a header (form, widths, count, first step, first n, base of the wall clock) and one
zlib stream of four columns: differences of steps, differences of n, wall clock minus its base,
values. The first byte names the form, so that a later one can be told apart. Bytes that do not
have exactly the length which the header implies are refused before any array is made of them.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

FORM = 1
MAX_POINTS = 1000  # of one chunk
LEVEL = 1  # zlib: higher levels gain 2 % on measured values and cost three times the time

_HEADER = struct.Struct("<BBHqqd")  # form, widths, count, first step, first n, base of wall
_WIDE_STEP, _WIDE_N = 1, 2  # bits of `widths`: 64-bit differences
_NARROW, _WIDE, _FLOAT = np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f8")
_LIMITS = np.iinfo(_NARROW)


class Damaged(ValueError):
    """Stored bytes that are not a chunk."""


@dataclass(frozen=True, eq=False)
class Points:
    """Columns of equal length, in the order of their event numbers."""

    n: np.ndarray  # int64
    step: np.ndarray  # int64
    wall: np.ndarray  # float64, seconds since the epoch
    value: np.ndarray  # float64, NaN and infinities included

    def __len__(self) -> int:
        return len(self.n)

    def take(self, chosen: np.ndarray | slice) -> Points:
        return Points(self.n[chosen], self.step[chosen], self.wall[chosen], self.value[chosen])


class Layout(NamedTuple):
    """What a header says."""

    count: int
    step: int
    n: int
    wall: float
    steps: np.dtype
    ns: np.dtype

    @property
    def size(self) -> int:
        """Bytes of the inflated columns."""
        return self.count * (self.steps.itemsize + self.ns.itemsize + 2 * _FLOAT.itemsize)


def encode(points: Points) -> bytes:
    count = len(points)
    if not 0 < count <= MAX_POINTS:
        raise ValueError(f"{count} points: a chunk holds 1 to {MAX_POINTS}")
    steps, wide_step = _differences(points.step)
    ns, wide_n = _differences(points.n)
    base, offsets = _offsets(points.wall)
    widths = _WIDE_STEP * wide_step | _WIDE_N * wide_n
    header = _HEADER.pack(FORM, widths, count, int(points.step[0]), int(points.n[0]), base)
    columns = (steps, ns, offsets, np.ascontiguousarray(points.value, _FLOAT))
    return header + zlib.compress(b"".join(column.tobytes() for column in columns), LEVEL)


def decode(data: bytes | memoryview) -> Points:
    layout = read_header(data)
    body = _inflate(memoryview(data)[_HEADER.size :], layout.size)
    count, at = layout.count, 0
    columns = []
    for kind in (layout.steps, layout.ns, _FLOAT, _FLOAT):
        columns.append(np.frombuffer(body, kind, count, at))
        at += count * kind.itemsize
    steps, ns, offsets, values = columns
    return Points(
        n=_sums(ns, layout.n),
        step=_sums(steps, layout.step),
        wall=offsets + layout.wall if layout.wall else offsets,
        value=values.astype(np.float64, copy=False),
    )


def read_header(data: bytes | memoryview) -> Layout:
    if len(data) <= _HEADER.size:
        raise Damaged(f"{len(data)} bytes: shorter than a header")
    form, widths, count, step, n, wall = _HEADER.unpack_from(data)
    if form != FORM:
        raise Damaged(f"form {form}: this version reads form {FORM}")
    if not 0 < count <= MAX_POINTS or widths & ~(_WIDE_STEP | _WIDE_N):
        raise Damaged(f"{count} points in widths {widths}: not a chunk")
    return Layout(
        count,
        step,
        n,
        wall,
        _WIDE if widths & _WIDE_STEP else _NARROW,
        _WIDE if widths & _WIDE_N else _NARROW,
    )


def _inflate(body: memoryview, size: int) -> bytes:
    """Exactly `size` bytes; a stream that holds more is never inflated further."""
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(body, size + 1)
    except zlib.error as fault:
        raise Damaged(f"damaged columns: {fault}") from None
    if len(inflated) != size or not stream.eof or stream.unused_data:
        raise Damaged(f"columns are not of the {size} bytes that the header implies")
    return inflated


def _differences(column: np.ndarray) -> tuple[np.ndarray, bool]:
    """Differences to the point before, in 32 bits where they fit; they wrap as sums do."""
    column = np.ascontiguousarray(column, _WIDE)
    steps = np.zeros(len(column), _WIDE)
    np.subtract(column[1:], column[:-1], out=steps[1:])
    wide = bool(steps.min() < _LIMITS.min or steps.max() > _LIMITS.max)
    return (steps if wide else steps.astype(_NARROW)), wide


def _sums(differences: np.ndarray, first: int) -> np.ndarray:
    sums = np.cumsum(differences, dtype=np.int64)
    sums += np.int64(first)
    return sums


def _offsets(wall: np.ndarray) -> tuple[float, np.ndarray]:
    """Seconds after the first point; a clock that this would change by a bit keeps base 0."""
    wall = np.ascontiguousarray(wall, _FLOAT)
    with np.errstate(invalid="ignore", over="ignore"):
        offsets = wall - wall[0]
        if np.array_equal(offsets + wall[0], wall):
            return float(wall[0]), offsets
    return 0.0, wall
