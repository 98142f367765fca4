"""The header of a safetensors file, looked at before the library maps what it describes.

Eight bytes tell the header's length, the header is JSON: {name: {dtype, shape, data_offsets}},
and the numbers follow without a gap. Each name, type, shape and place is checked here, so that
a fault is told by the tensor's name.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

from engine.core.errors import UserError
from engine.data import strict_json
from engine.data.archive import Member

MAX_HEADER = 16 << 20  # bytes: 100,000 tensors of 160 bytes each
MAX_TENSORS = 100_000
MAX_NAME = 500  # characters
MAX_DIMENSIONS = 8
MAX_SIDE = 1 << 48
BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "F32": 4, "I64": 8, "F64": 8,
}  # fmt: skip
NOTES = "__metadata__"


@dataclass(frozen=True)
class Header:
    names: tuple[str, ...]
    metadata: dict[str, str]


def begins(member: Member) -> bool:
    """A length, and then the brace that opens a JSON object."""
    head = member.head(9)
    return len(head) == 9 and head[8:] == b"{" and struct.unpack("<Q", head[:8])[0] < 1 << 40


def read_header(member: Member) -> Header:
    where = member.name
    with member.open() as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= MAX_HEADER:
            raise UserError(where, f"a header of {length:,} bytes; expected 2 to {MAX_HEADER:,}")
        if 8 + length > member.size:
            raise UserError(
                where, f"{member.size:,} bytes, of which {8 + length:,} were to be the header: "
                "truncated; expected a whole safetensors file"
            )  # fmt: skip
        raw = stream.read(length)
    content = strict_json.read(raw, where, expected="a header of safetensors")
    if not isinstance(content, dict):
        raise UserError(where, "the header is no JSON object; expected one of tensors by name")
    metadata = _texts(content.pop(NOTES, {}), where)
    refuse_names(content, where)
    places = [_place(name, entry, where) for name, entry in content.items()]
    _refuse_gaps(places, member.size - 8 - length, where)
    return Header(tuple(content), metadata)


def refuse_names(names: Any, where: str) -> None:
    """Of any format: no tensor, too many, or a name that cannot be shown."""
    if not names:
        raise UserError(where, "holds no tensor; expected those of a network")
    if len(names) > MAX_TENSORS:
        raise UserError(where, f"{len(names):,} tensors; expected at most {MAX_TENSORS:,}")
    for name in names:
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise UserError(
                where, f"tensor {name[:80]!a}; expected a name of 1 to {MAX_NAME} printable "
                "characters"
            )  # fmt: skip


def _texts(notes: Any, where: str) -> dict[str, str]:
    if not isinstance(notes, dict) or not all(isinstance(one, str) for one in notes.values()):
        raise UserError(where, f"{NOTES} is no object of texts")
    return notes


def _place(name: str, entry: Any, where: str) -> tuple[int, int, str]:
    """(begin, end, name) in bytes after the header."""
    here = f"{where}: {name[:80]!a}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise UserError(here, "expected an object of dtype, shape and data_offsets")
    each = BYTES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if each is None:
        raise UserError(here, f"type {ascii(entry['dtype'])[:40]}; expected {', '.join(BYTES)}")
    shape, places = entry["shape"], entry["data_offsets"]
    if not _are_sizes(shape) or len(shape) > MAX_DIMENSIONS:
        raise UserError(here, f"shape {ascii(shape)[:60]}; expected up to 8 whole numbers")
    if not _are_sizes(places) or len(places) != 2:
        raise UserError(here, f"data_offsets {ascii(places)[:60]}; expected two whole numbers")
    begin, end = places
    if end - begin != math.prod(shape) * each:
        raise UserError(
            here,
            f"{' x '.join(map(str, shape)) or 'one'} of {entry['dtype']} are "
            f"{math.prod(shape) * each:,} bytes, but its place is from {begin:,} to {end:,}",
        )
    return begin, end, name


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < MAX_SIDE for v in values)


def _refuse_gaps(places: list[tuple[int, int, str]], present: int, where: str) -> None:
    """The tensors fill the rest of the file, each byte once."""
    at, before = 0, "the header"
    for begin, end, name in sorted(places):
        if begin != at:
            what = "overlaps with" if begin < at else "leaves a gap behind"
            raise UserError(f"{where}: {name[:80]!a}", f"{what} {before}")
        at, before = end, ascii(name[:80])
    if at != present:
        fault = "truncated" if at > present else "more than its header tells of"
        raise UserError(
            where, f"the header tells of {at:,} bytes of tensors, {present:,} are there: {fault}"
        )
