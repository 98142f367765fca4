"""MATLAB 5 files (-v6, -v7) out of untrusted bytes, before and through scipy.

scipy builds what a file describes; how much that unpacks to is counted here first. Files of
MATLAB 7.3 are HDF5 and are refused with what to do.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import MAX_RATIO, RATIO_FLOOR, Member
from engine.data.eeg.files import MATLAB_5, MATLAB_73

MAX_MATLAB = 1 << 30  # bytes, packed and unpacked: scipy holds all of it
_COMPRESSED = 15
_STEP = 1 << 20
# What scipy raises on a damaged file, by what it stumbled over.
_BROKEN = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    EOFError,
    OSError,
    struct.error,
    zlib.error,
)


def read_matlab(member: Member) -> dict[str, Any]:
    """All variables, structs as objects with attributes."""
    from scipy.io import loadmat

    with _matlab(member) as file:
        return loadmat(file, struct_as_record=False, squeeze_me=True)


def names_in(member: Member) -> list[str]:
    """What the variables are called."""
    from scipy.io import whosmat

    with _matlab(member) as file:
        return [name for name, _, _ in whosmat(file)]


@contextmanager
def _matlab(member: Member) -> Iterator[io.BytesIO]:
    """The bytes, once they are known to be of MATLAB 5 and to unpack to a bounded size."""
    from scipy.io.matlab import MatReadError

    head = member.head(len(MATLAB_5))
    if head.startswith(MATLAB_73):
        raise UserError(
            member.name,
            "MATLAB 7.3, which is HDF5; expected MATLAB 5 to 7.2: save it with the option -v7",
        )
    if not head.startswith(MATLAB_5):
        raise UserError(member.name, "other first bytes; expected those of a MATLAB 5 file")
    raw = member.read(MAX_MATLAB)
    _refuse_bomb(raw, member.name)
    try:
        yield io.BytesIO(raw)
    except (*_BROKEN, MatReadError) as fault:
        raise UserError(
            member.name, f"truncated or damaged ({str(fault)[:120]}); expected a MATLAB 5 file"
        ) from fault


def texts(value: Any) -> list[str]:
    """A cell of texts, a text per row of a char array, or a single one."""
    return [str(text).strip() for text in np.atleast_1d(value)]


def _refuse_bomb(raw: bytes, where: str) -> None:
    """Inflate each compressed variable and count, keeping nothing."""
    order = ">" if raw[126:128] == b"MI" else "<"
    most = min(MAX_MATLAB, max(RATIO_FLOOR, MAX_RATIO * len(raw)))
    at, total = 128, 0
    while at + 8 <= len(raw):
        kind, size = struct.unpack_from(f"{order}II", raw, at)
        body = memoryview(raw)[at + 8 : at + 8 + size]
        total += _inflated(body, most - total, where) if kind == _COMPRESSED else len(body)
        if total > most:
            raise UserError(where, f"unpacks to over {most:,} bytes, which is the most allowed")
        at += 8 + size + (-size % 8 if kind != _COMPRESSED else 0)


def _inflated(body: memoryview, most: int, where: str) -> int:
    stream, total = zlib.decompressobj(), 0
    waiting = bytes(body)
    try:
        while waiting and total <= most:
            total += len(stream.decompress(waiting, _STEP))
            waiting = stream.unconsumed_tail
    except zlib.error as fault:
        raise UserError(
            where, f"truncated or damaged ({fault}); expected a MATLAB 5 file"
        ) from fault
    return total
