"""Numpy arrays out of untrusted .npy and .npz files: no pickles, no trusted header. And into them.

Each header is read by a strict pattern (never evaluated), and its shape and type must
account for exactly the bytes that are there before anything of that size is allocated.
"""

from __future__ import annotations

import io
import math
import re
import struct
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import LIMITS, Limits, Member, Source, open_source

MAGIC = b"\x93NUMPY"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
MAX_HEADER = 4096  # bytes; numpy writes 118 for every shape that we take
MAX_DIMENSIONS = 8
_HEADER = re.compile(
    r"\{\s*'descr':\s*'(?P<type>[^']{1,24})',\s*'fortran_order':\s*(?P<order>True|False),"
    r"\s*'shape':\s*\((?P<shape>[\dL,\s]*)\),?\s*\}\s*"
)
_TYPE = re.compile(r"[<>|=]?(?:b1|i[1248]|u[1248]|f[248]|[SU][1-9]\d{0,4})")


@dataclass(frozen=True)
class Header:
    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool


@dataclass(frozen=True)
class Arrays:
    """The arrays of an .npz by name. One is read when it is asked for, and only then."""

    name: str
    members: dict[str, Member]

    def __contains__(self, key: str) -> bool:
        return key in self.members

    def keys(self) -> list[str]:
        return list(self.members)

    def header(self, key: str) -> Header:
        with self._member(key).open() as stream:
            return _read_header(stream, self.members[key])

    def __getitem__(self, key: str) -> np.ndarray:
        return read_npy(self._member(key))

    def _member(self, key: str) -> Member:
        try:
            return self.members[key]
        except KeyError:
            there = ", ".join(sorted(self.members)[:12]) or "nothing"
            raise UserError(self.name, f"expected an array {key!r}; there are: {there}") from None


@contextmanager
def open_arrays(path: Path, limits: Limits = LIMITS) -> Iterator[Arrays]:
    with open_source(path, limits) as source:
        if not source.packed:
            raise UserError(source.name, "expected an .npz, which is a zip of .npy arrays")
        yield arrays_of(source)


def arrays_of(source: Source) -> Arrays:
    """The arrays of a source that is open; none where it is no .npz."""
    members = {
        member.name.removesuffix(".npy"): member
        for member in source
        if source.packed and member.name.endswith(".npy")
    }
    return Arrays(source.name, members)


def read_npy(member: Member) -> np.ndarray:
    """The array in native byte order and C layout."""
    with member.open() as stream:
        header = _read_header(stream, member)
        body = stream.read()
    array = np.frombuffer(body, dtype=header.dtype)
    try:
        array = array.reshape(header.shape, order="F" if header.fortran else "C")
    except ValueError as fault:  # an empty array of impossible sides
        raise UserError(member.name, f"shape {header.shape}: {fault}") from fault
    array = array.astype(header.dtype.newbyteorder("="), order="C")  # a copy, to be writable
    if array.dtype.kind == "U":
        _require_characters(array, member.name)
    return array


def _require_characters(array: np.ndarray, where: str) -> None:
    """Numbers that are no character make Python fail when a text is taken out of the array."""
    points = array.reshape(-1).view(np.uint32)
    if ((points > sys.maxunicode) | ((points >= 0xD800) & (points < 0xE000))).any():
        raise UserError(where, "numbers that are no characters; expected fixed-width text")


def _read_header(stream: io.BufferedReader, member: Member) -> Header:
    where = member.name
    start = stream.read(8)
    if len(start) < 8 or start[:6] != MAGIC:
        raise UserError(where, "expected a numpy array (.npy)")
    width = {1: 2, 2: 4, 3: 4}.get(start[6])
    if width is None:
        raise UserError(where, f".npy format version {start[6]}; expected 1, 2 or 3")
    raw = stream.read(width)
    length = struct.unpack("<H" if width == 2 else "<I", raw)[0] if len(raw) == width else 0
    if not 0 < length <= MAX_HEADER:
        raise UserError(where, f".npy header of {length} bytes; expected 1 to {MAX_HEADER}")
    header = _parse(stream.read(length).decode("latin-1"), where)
    present = member.size - 8 - width - length
    claimed = math.prod(header.shape) * header.dtype.itemsize
    if claimed != present:
        shape = "x".join(map(str, header.shape)) or "one"
        raise UserError(
            where,
            f"the header claims {shape} values of {header.dtype.itemsize} bytes = {claimed:,} "
            f"bytes, but {present:,} are there",
        )
    return header


def _parse(text: str, where: str) -> Header:
    if re.search(r"'descr':\s*'[<>|=]?O", text):
        raise UserError(
            where,
            "an array of Python objects (a pickle), which is never opened; "
            "expected numbers or fixed-width text",
        )
    match = _HEADER.fullmatch(text)
    if match is None:
        raise UserError(where, f"unreadable .npy header {text[:60]!r}; expected a plain array")
    if not _TYPE.fullmatch(match["type"]):
        raise UserError(where, f"type {match['type']!r}; expected numbers or fixed-width text")
    sizes = [part.strip().rstrip("L") for part in match["shape"].split(",") if part.strip()]
    if len(sizes) > MAX_DIMENSIONS or not all(re.fullmatch(r"\d{1,18}", size) for size in sizes):
        raise UserError(where, f"shape ({match['shape'][:60]}); expected up to 8 whole numbers")
    return Header(np.dtype(match["type"]), tuple(map(int, sizes)), match["order"] == "True")


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Files are known by their content, so the archive bears no time and no machine: the same
    arrays are the same bytes, whenever and wherever they are written."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array), version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=EPOCH)
            info.create_system = 3
            archive.writestr(info, buffer.getvalue(), zipfile.ZIP_STORED)
