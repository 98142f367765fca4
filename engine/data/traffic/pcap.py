"""Classic pcap: both byte orders, times in micro- and in nanoseconds.

https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from engine.core.errors import UserError
from engine.data.traffic.records import MAX_RECORD, Record, before, excess, frame

# The first four bytes: byte order, and nanoseconds in a unit of the fraction.
MAGICS = {
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
}
HEADER = 24
VERSION = 2
LINK = 0x03FFFFFF  # the bits above say how long the checksum behind a frame is


def read_pcap(stream: io.BufferedReader, where: str, notices: list[str]) -> Iterator[Record]:
    """The records up to the end, or up to the first that is broken: then a notice says where."""
    head = stream.read(HEADER)
    order, unit = MAGICS[head[:4]]
    if len(head) < HEADER:
        raise UserError(where, f"{len(head)} bytes; expected the {HEADER} of a pcap header")
    major, minor, _, _, snaplen, network = struct.unpack(f"{order}HHiIII", head[4:])
    if major != VERSION:
        raise UserError(where, f"pcap version {major}.{minor}; expected {VERSION}.x")
    most = min(snaplen or MAX_RECORD, MAX_RECORD)
    fields = struct.Struct(f"{order}IIII")
    at, number = HEADER, 0
    while head := stream.read(fields.size):
        number += 1
        place = f"record {number:,} at byte {at:,}"
        kept = before(number - 1)
        if len(head) < fields.size:
            notices.append(f"cut off in the header of {place}; {kept}")
            return
        seconds, fraction, captured, length = fields.unpack(head)
        if fault := excess(captured, length, most):
            notices.append(f"{place} claims {fault}. Reading ends there; {kept}")
            return
        data = frame(stream, captured)
        if data is None:
            notices.append(f"cut off in {place}; {kept}")
            return
        at += fields.size + captured
        yield seconds * 1_000_000_000 + fraction * unit, network & LINK, length, data
