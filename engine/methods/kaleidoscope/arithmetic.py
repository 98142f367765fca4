"""The co-processor's integer arithmetic, exactly: bytes to int8, requantise, tables, lanes.

All values are int64 inside, so nothing here can wrap; what leaves is int8. Rounding is half up:
add half of the divisor, then an arithmetic shift, which is a floor (brief, section 1.3).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LOWEST, HIGHEST = -128, 127  # of an int8
ACCUMULATOR = 2**31 - 1  # the largest magnitude that an accumulator holds
MULTIPLIERS = range(1, 2**15)
SHIFTS = range(1, 32)  # of a requantisation
LANE_SHIFTS = range(16)  # of an elementwise operation

_ENCODINGS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float, int]] = {
    "half": (lambda byte: byte >> 1, 1 / 128, 0),
    "fix8": (lambda byte: byte >> 3, 1 / 32, 0),
    "centred": (lambda byte: byte - 128, 1 / 128, -128),
}
ENCODINGS = tuple(_ENCODINGS)


def encode(payload: np.ndarray, encoding: str) -> np.ndarray:
    """Payload bytes uint8 -> int8: byte >> 1, byte >> 3 or byte - 128."""
    if payload.dtype != np.uint8:
        raise ValueError(f"expected bytes, got {payload.dtype}")
    return _ENCODINGS[encoding][0](payload.astype(np.int64)).astype(np.int8)


def encoded_scale(encoding: str) -> float:
    """The real value of one step of an encoded byte."""
    return _ENCODINGS[encoding][1]


def padding(encoding: str) -> int:
    """What a byte of zero padding is after encoding."""
    return _ENCODINGS[encoding][2]


def saturate(values: np.ndarray, lowest: int = LOWEST) -> np.ndarray:
    """int64 -> int8, clipped to [lowest, 127]."""
    return np.clip(values, lowest, HIGHEST).astype(np.int8)


def shifted(values: np.ndarray, shift: int) -> np.ndarray:
    """values / 2**shift, rounded half up; int64."""
    return (values + ((1 << shift) >> 1)) >> shift


def requantise(acc: np.ndarray, multiplier: int, shift: int, *, relu: bool) -> np.ndarray:
    """Accumulators int64 -> int8: clip((acc · m + 2^(s-1)) >> s)."""
    require_accumulator(acc)
    return saturate(shifted(acc * multiplier, shift), 0 if relu else LOWEST)


def require_accumulator(acc: np.ndarray) -> None:
    if acc.size and max(int(acc.max()), -int(acc.min())) > ACCUMULATOR:
        raise OverflowError("an accumulator left its 32 bits")


def lookup(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """int8 through a table of 256 rows; a value v finds row v + 128."""
    return table[values.astype(np.int64) + 128]


def elementwise(kind: str, a: np.ndarray, b: np.ndarray, shift: int) -> np.ndarray:
    """Two int8 arrays, lane by lane -> int8; `max` and `absdiff` do not shift."""
    a, b = a.astype(np.int64), b.astype(np.int64)
    if kind == "max":
        return saturate(np.maximum(a, b))
    if kind == "absdiff":
        return saturate(np.abs(a - b))
    return saturate(shifted({"add": a + b, "sub": a - b, "mul": a * b}[kind], shift))


def make_table(
    function: Callable[[np.ndarray], np.ndarray], *, scale_in: float, scale_out: float
) -> np.ndarray:
    """int8 (256,): round-half-away of function(y · scale_in) / scale_out for y = -128 .. 127."""
    exact = function(np.arange(-128, 128) * scale_in) / scale_out
    return saturate((np.sign(exact) * np.floor(np.abs(exact) + 0.5)).astype(np.int64))
