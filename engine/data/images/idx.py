"""IDX files as of MNIST: big-endian sizes, then bytes; images beside their labels."""

from __future__ import annotations

import math
import re
import struct
from collections import defaultdict

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member, Source
from engine.data.images.images import Images, require_room
from engine.data.images.join import Piece, joined
from engine.data.parts import part_of

BYTES = b"\0\0\x08"  # unsigned bytes; the fourth byte is the number of sides
_NAME = re.compile(r"[-_.]?(images?|labels?)[-_.]?(idx\d)?[-_.]?(ubyte)?$", re.I)


def is_idx(member: Member) -> bool:
    return member.head(4) in (BYTES + b"\x01", BYTES + b"\x03", BYTES + b"\x04")


def read_idx(source: Source) -> Images:
    """Pairs by what their names have before "images" and "labels"."""
    pairs: dict[str, dict[int, Member]] = defaultdict(dict)
    for member in filter(is_idx, source):
        sides = min(member.head(4)[3], 3)
        key = _NAME.sub("", member.name)
        if sides in pairs[key]:
            raise UserError(member.name, f"as {pairs[key][sides].name}; expected images and labels")
        pairs[key][sides] = member
    pieces = [_piece(key, pairs[key]) for key in sorted(pairs)]
    return joined(source.name, pieces, names=None)


def _piece(key: str, pair: dict[int, Member]) -> Piece:
    for sides, other in ((3, "images"), (1, "labels")):
        if sides not in pair:
            (alone,) = pair.values()
            raise UserError(alone.name, f"without its {other}; expected {key or '…'}-{other} too")
    pixels, labels = _read(pair[3], room=True), _read(pair[1])
    part = part_of(re.sub(r"\bt10k\b", "test", key)) or "train"
    return Piece(pair[3].name, part, pixels, labels, pair[1].name)


def _read(member: Member, *, room: bool = False) -> np.ndarray:
    with member.open() as stream:
        sides = stream.read(4)[3]
        raw = stream.read(4 * sides)
        if len(raw) < 4 * sides:
            raise UserError(member.name, "ends within its header; expected an IDX file")
        shape = struct.unpack(f">{sides}I", raw)
        there = member.size - 4 - 4 * sides
        if math.prod(shape) != there:
            raise UserError(
                member.name,
                f"the header claims {' x '.join(map(str, shape))} bytes, but {there:,} are there",
            )
        if room:
            require_room(shape[0], *shape[1:3], *(shape[3:] or (1,)), where=member.name)
        return np.frombuffer(stream.read(), np.uint8).reshape(shape)
