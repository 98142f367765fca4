"""pcapng: sections of either byte order, interfaces with their own link type and clock.

https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/
Of our own, since dpkt takes the first interface of the first section for all, has times as floats,
and does not say where a file is broken.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.traffic.records import KEPT, LATEST, MAX_RECORD, Record, before, excess

SECTION = b"\x0a\x0d\x0d\x0a"  # reads the same in both byte orders
INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 1, 2, 3, 6
ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
RESOLUTION, OFFSET = 9, 14  # options of an interface
MAX_BLOCK = 16 << 20  # bytes; libpcap's own bound
MAX_INTERFACES = 4096


@dataclass(frozen=True)
class Interface:
    link: int
    snaplen: int
    per_second: int = 1_000_000
    offset: int = 0  # seconds

    def time_ns(self, ticks: int) -> int:
        return ticks * 1_000_000_000 // self.per_second + self.offset * 1_000_000_000


class _Broken(Exception):
    """What is wrong with the block at hand."""


def read_pcapng(stream: io.BufferedReader, where: str, notices: list[str]) -> Iterator[Record]:
    """The packets up to the end, or up to the first broken block: then a notice says where."""
    reader = _Reader(stream)
    found = 0
    for number in count(1):
        at = reader.at
        try:
            record = reader.block()
        except EOFError:
            break
        except _Broken as fault:
            if number == 1:
                raise UserError(where, f"the first block of pcapng: {fault}") from fault
            notices.append(
                f"block {number:,} at byte {at:,}: {fault}. Reading ends there; {before(found)}"
            )
            break
        if record is not None:
            found += 1
            yield record
    if reader.timeless:
        notices.append(
            f"{counted(reader.timeless, 'record')} in simple packet blocks, which have no time: "
            "each has that of the packet before it"
        )


class _Reader:
    """The state of a file: byte order, interfaces of the section, time of the last packet."""

    def __init__(self, stream: io.BufferedReader):
        self.at = 0
        self.timeless = 0
        self._stream = stream
        self._order = "<"
        self._interfaces: list[Interface] = []
        self._last = 0

    def block(self) -> Record | None:
        """The next block's packet, None of other blocks; EOFError at the end."""
        kind, body = self._body()
        if kind == INTERFACE:
            self._add_interface(body)
        elif kind == PACKET:
            return self._packet(body, "IIIII")
        elif kind == OLD_PACKET:
            return self._packet(body, "HHIIII")
        elif kind == SIMPLE_PACKET:
            return self._simple(body)
        return None

    def _body(self) -> tuple[int, bytes]:
        head = self._stream.read(8)
        if not head:
            raise EOFError
        if len(head) < 8:
            raise _Broken("cut off")
        opening = b""
        if head[:4] == SECTION:
            opening = self._stream.read(4)
            if opening not in ORDERS:
                raise _Broken(f"byte order mark {opening.hex()}" if opening else "cut off")
            self._order = ORDERS[opening]
            self._interfaces = []
        kind, size = struct.unpack(f"{self._order}II", head)
        if size % 4 or not 12 + len(opening) <= size <= MAX_BLOCK:
            raise _Broken(f"a length of {size:,} bytes")
        rest = self._stream.read(size - 8 - len(opening))
        if len(rest) < size - 8 - len(opening):
            raise _Broken("cut off")
        if rest[-4:] != head[4:]:
            raise _Broken("two lengths that differ")
        self.at += size
        return (-1 if opening else kind), rest[:-4]

    def _unpack(self, layout: str, body: bytes) -> tuple[int, ...]:
        fields = struct.Struct(self._order + layout)
        if len(body) < fields.size:
            raise _Broken(f"{len(body)} bytes where {fields.size} were expected")
        return fields.unpack_from(body)

    def _add_interface(self, body: bytes) -> None:
        if len(self._interfaces) >= MAX_INTERFACES:
            raise _Broken(f"over {MAX_INTERFACES:,} interfaces")
        link, _, snaplen = self._unpack("HHI", body)
        options = dict(self._options(body[8:]))
        tick = options.get(RESOLUTION, b"\x06")[:1] or b"\x06"
        base, power = (2, tick[0] & 0x7F) if tick[0] & 0x80 else (10, tick[0])
        offset = options.get(OFFSET, b"")
        seconds = self._unpack("q", offset)[0] if offset else 0
        self._interfaces.append(Interface(link, snaplen, base**power, seconds))

    def _options(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + 4 <= len(body):
            code, size = struct.unpack_from(f"{self._order}HH", body, at)
            if code == 0:
                return
            yield code, body[at + 4 : at + 4 + size]
            at += 4 + (size + 3) // 4 * 4

    def _interface(self, number: int) -> Interface:
        if number >= len(self._interfaces):
            raise _Broken(f"interface {number} of {len(self._interfaces)}")
        return self._interfaces[number]

    def _packet(self, body: bytes, layout: str) -> Record:
        number, *_, high, low, captured, length = self._unpack(layout, body)
        interface = self._interface(number)
        time = interface.time_ns((high << 32) + low)
        if not 0 <= time < LATEST:
            raise _Broken("a time after the year 2262" if time > 0 else "a time before 1970")
        self._last = time
        return self._record(interface, body[struct.calcsize("<" + layout) :], captured, length)

    def _simple(self, body: bytes) -> Record:
        interface = self._interface(0)
        length = self._unpack("I", body)[0]
        captured = min(length, interface.snaplen or length)
        self.timeless += 1
        return self._record(interface, body[4:], captured, length)

    def _record(self, interface: Interface, data: bytes, captured: int, length: int) -> Record:
        most = min(interface.snaplen or MAX_RECORD, MAX_RECORD)
        if fault := excess(captured, length, most):
            raise _Broken(fault)
        if captured > len(data):
            raise _Broken(f"{captured:,} captured bytes where {len(data):,} are there")
        return self._last, interface.link, length, data[: min(captured, KEPT)]
