"""MATLAB 5 files (-v6, -v7) out of untrusted bytes: numbers, texts, cells and structs, no more.

Read here: the compiled reader of scipy trusts the sizes that a file claims, and crafted ones end
the process with a fault of memory. Each size is held here against the bytes that are there.
After "MAT-File Format", level 5 (mathworks.com). MATLAB 7.3 is HDF5 and refused.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import MAX_RATIO, RATIO_FLOOR, Member
from engine.data.eeg.files import MATLAB_5, MATLAB_73

MAX_MATLAB = 1 << 30  # bytes, packed and unpacked: all of it is held in memory
MAX_DEPTH = 16  # structs and cells inside each other
MAX_NAMES = 4096  # bytes that a variable may take up to its name
_HEADER = 128
_MATRIX, _COMPRESSED, _UTF8, _UTF16, _UTF32 = 14, 15, 16, 17, 18
_NUMBERS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_TEXTS = {
    1: "latin-1",
    2: "latin-1",
    4: "utf-16",
    _UTF8: "utf-8",
    _UTF16: "utf-16",
    _UTF32: "utf-32",
}
_CELL, _STRUCT, _OBJECT, _CHAR = 1, 2, 3, 4
_NUMERIC = range(6, 16)
_COMPLEX = 0x0800

# An array of numbers, a text, a list of the values of a cell, a list of structs; None is
# something else, as a function or a sparse matrix.
Value = np.ndarray | str | list | None
Struct = dict[str, Value]


def read_matlab(member: Member, fields: Collection[str] | None = None) -> dict[str, Value]:
    """All variables. Of structs, only these fields are read (all, if None)."""
    found: dict[str, Value] = {}
    raw = _bytes_of(member)
    left = min(MAX_MATLAB, max(RATIO_FLOOR, MAX_RATIO * len(raw)))
    for kind, body in raw.elements():
        if kind == _COMPRESSED:
            kind, body = _inflated(body, left, raw)
            left -= len(body)
        if kind == _MATRIX:
            name, value = _array(raw.inside(body), fields, 0)
            found[name] = value
    return found


def names_in(member: Member) -> list[str]:
    """What the variables are called."""
    names, raw = [], _bytes_of(member)
    for kind, body in raw.elements():
        if kind == _COMPRESSED:
            part = _decompress(zlib.decompressobj(), body, MAX_NAMES, raw.where)
            body = memoryview(part)[8:]
        if kind in (_COMPRESSED, _MATRIX):
            names.append(_head(raw.inside(body))[2])
    return names


def texts(value: Value) -> list[str]:
    """A cell of texts, a text per row of a char array, or a single one; nothing for numbers."""
    if isinstance(value, str):
        return [value.strip()]
    listed = value if isinstance(value, list) else []
    return [one.strip() for one in listed if isinstance(one, str)]


@dataclass
class _Bytes:
    """Elements one after the other; none may be longer than what is left."""

    view: memoryview
    order: str  # of bytes: "<" or ">"
    where: str
    at: int = 0

    def __len__(self) -> int:
        return len(self.view)

    def inside(self, body: memoryview) -> _Bytes:
        return _Bytes(body, self.order, self.where)

    def elements(self) -> Iterator[tuple[int, memoryview]]:
        while self.at + 8 <= len(self.view):
            yield self.element()

    def element(self) -> tuple[int, memoryview]:
        """The type and the bytes of the next one; small ones lie in their own tag."""
        if self.at + 8 > len(self.view):
            raise self.fault("an element is missing")
        kind, size = struct.unpack_from(f"{self.order}II", self.view, self.at)
        if kind >> 16:
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise self.fault(f"a small element of {size:,} bytes")
            start, step = self.at + 4, 8
        else:
            start, step = self.at + 8, 8 + size + (-size % 8 if kind != _COMPRESSED else 0)
        if start + size > len(self.view):
            raise self.fault(f"an element of {size:,} bytes, where {len(self.view) - start:,} are")
        self.at += step
        return kind, self.view[start : start + size]

    def whole_numbers(self) -> list[int]:
        kind, body = self.element()
        if kind not in (5, 6) or len(body) % 4:
            raise self.fault(f"type {kind} where whole numbers stand")
        return np.frombuffer(body, f"{self.order}{_NUMBERS[kind]}").tolist()

    def fault(self, what: str) -> UserError:
        return UserError(
            self.where, f"truncated or damaged ({what}); expected a whole MATLAB 5 file"
        )


def _bytes_of(member: Member) -> _Bytes:
    head = member.head(_HEADER)
    if head.startswith(MATLAB_73):
        raise UserError(
            member.name,
            "MATLAB 7.3, which is HDF5; expected MATLAB 5 to 7.2: save it with the option -v7",
        )
    if not head.startswith(MATLAB_5) or head[126:128] not in (b"IM", b"MI"):
        raise UserError(member.name, "other first bytes; expected those of a MATLAB 5 file")
    raw = memoryview(member.read(MAX_MATLAB))
    return _Bytes(raw, "<" if raw[126:128] == b"IM" else ">", member.name, at=_HEADER)


def _inflated(body: memoryview, most: int, raw: _Bytes) -> tuple[int, memoryview]:
    stream = zlib.decompressobj()
    whole = memoryview(_decompress(stream, body, most + 1, raw.where))
    if len(whole) > most:
        raise UserError(raw.where, "unpacks to over 200 to 1 or 1 GiB, which is the most allowed")
    return raw.inside(whole).element()


def _decompress(stream: Any, body: memoryview, most: int, where: str) -> bytes:
    try:
        return stream.decompress(body, most)
    except zlib.error as fault:
        raise UserError(
            where, f"truncated or damaged ({fault}); expected a whole MATLAB 5 file"
        ) from fault


def _head(body: _Bytes) -> tuple[int, tuple[int, ...], str]:
    """Flags with the class in their last byte, the sides, the name."""
    flags = body.whole_numbers()
    sides = body.whole_numbers()
    if len(flags) != 2 or not 2 <= len(sides) <= 8 or min(sides) < 0:
        raise body.fault(f"an array of sides {sides[:8]}")
    return flags[0], tuple(sides), bytes(body.element()[1]).decode("latin-1")


def _array(body: _Bytes, fields: Collection[str] | None, depth: int) -> tuple[str, Value]:
    if not len(body):  # as MATLAB writes an empty one inside a cell
        return "", np.zeros((0, 0))
    if depth > MAX_DEPTH:
        raise body.fault("nested too deeply")
    flags, sides, name = _head(body)
    shape = flags & 0xFF
    if shape in _NUMERIC:
        return name, None if flags & _COMPLEX else _numbers(body, sides)
    if shape == _CHAR:
        return name, _text(body, sides)
    if shape == _CELL:
        count = _within(body, math.prod(sides))
        return name, [_member(body, fields, depth) for _ in range(count)]
    if shape in (_STRUCT, _OBJECT):
        if shape == _OBJECT:
            body.element()  # the name of its class
        return name, _structs(body, math.prod(sides), fields, depth)
    return name, None


def _numbers(body: _Bytes, sides: tuple[int, ...]) -> np.ndarray:
    kind, values = body.element()
    if kind not in _NUMBERS:
        raise body.fault(f"type {kind} where numbers stand")
    dtype = np.dtype(f"{body.order}{_NUMBERS[kind]}")
    if len(values) != math.prod(sides) * dtype.itemsize:
        raise body.fault(f"{len(values):,} bytes for sides {sides}")
    return np.frombuffer(values, dtype).reshape(sides, order="F")


def _text(body: _Bytes, sides: tuple[int, ...]) -> str | list[str]:
    """One text, or a list of the rows of a char array."""
    if body.at >= len(body):
        return ""
    kind, raw = body.element()
    if kind not in _TEXTS:
        raise body.fault(f"type {kind} where text stands")
    known = _TEXTS[kind]
    wide = "" if known in ("latin-1", "utf-8") else "-le" if body.order == "<" else "-be"
    text = bytes(raw).decode(known + wide, "replace")
    if sides[0] <= 1:
        return text
    if sides[0] * sides[1] != len(text):
        raise body.fault(f"{len(text):,} letters for sides {sides}")
    return [text[row :: sides[0]] for row in range(sides[0])]


def _structs(body: _Bytes, count: int, fields: Collection[str] | None, depth: int) -> list[Struct]:
    width = body.whole_numbers()
    raw = bytes(body.element()[1])
    if len(width) != 1 or not 0 < width[0] <= 256 or len(raw) % width[0]:
        raise body.fault("a struct without names of fields")
    names = [
        raw[at : at + width[0]].split(b"\0")[0].decode("latin-1")
        for at in range(0, len(raw), width[0])
    ]
    if not names:
        return []
    _within(body, count * len(names))
    found: list[Struct] = []
    for _ in range(count):
        one: Struct = {}
        for name in names:
            if fields is None or name in fields:
                one[name] = _member(body, fields, depth)
            else:
                body.element()
        found.append(one)
    return found


def _member(body: _Bytes, fields: Collection[str] | None, depth: int) -> Value:
    kind, inner = body.element()
    if kind != _MATRIX:
        raise body.fault(f"type {kind} where an array stands")
    return _array(body.inside(inner), fields, depth + 1)[1]


def _within(body: _Bytes, count: int) -> int:
    """So many elements, of which each takes eight bytes at least, must be able to be there."""
    if count > (len(body) - body.at) // 8:
        raise body.fault(f"{count:,} members where {len(body) - body.at:,} bytes are")
    return count
