"""Records of a capture in batches: what both formats of captures yield, one after another."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from engine.core.units import counted

# (time in ns since 1970, link type, bytes on the wire, the first KEPT captured bytes)
Record = tuple[int, int, int, bytes]

MAX_RECORD = 262_144  # bytes of a frame; libpcap draws the line here too
KEPT = 2048  # bytes of a frame that are looked at: all headers, and the payload's beginning
BATCH = 4096  # records decoded at a time
LATEST = 1 << 63  # ns: what an int64 holds, the year 2262

# https://www.tcpdump.org/linktypes.html
LOOPBACK, ETHERNET, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 0, 1, 101, 108, 113, 228, 229, 276
RAW_OF_BSD = (12, 14)  # what DLT_RAW was on some systems
LINKS = {
    LOOPBACK: "loopback",
    ETHERNET: "Ethernet",
    RAW: "raw IP",
    LOOP: "OpenBSD loopback",
    SLL: "Linux SLL",
    IPV4: "raw IPv4",
    IPV6: "raw IPv6",
    SLL2: "Linux SLL2",
    **dict.fromkeys(RAW_OF_BSD, "raw IP"),
}


@dataclass(frozen=True, eq=False)
class Batch:
    """Frames one after another in `data`; frame i is data[start[i]:end[i]]."""

    data: np.ndarray  # uint8; one byte and more, so that every index has a value
    start: np.ndarray  # (N,) int64
    end: np.ndarray  # (N,) int64
    time_ns: np.ndarray  # (N,) int64
    link: np.ndarray  # (N,) int64
    length: np.ndarray  # (N,) int64, bytes on the wire


def batches(records: Iterator[Record], most: int) -> Iterator[Batch]:
    """At most `most` records, BATCH at a time."""
    records = islice(records, most)
    while some := list(islice(records, BATCH)):
        times, links, lengths, frames = zip(*some, strict=True)
        end = np.cumsum([len(frame) for frame in frames])
        yield Batch(
            data=np.frombuffer(b"".join(frames) + b"\0", np.uint8),
            start=np.concatenate([[0], end[:-1]]),
            end=end,
            time_ns=np.array(times, np.int64),
            link=np.array(links, np.int64),
            length=np.array(lengths, np.int64),
        )


def excess(captured: int, length: int, most: int) -> str | None:
    """Why a frame's sizes cannot be: `most` bytes may be captured."""
    if captured > most:
        return f"{captured:,} captured bytes; expected at most {most:,}"
    if length > MAX_RECORD:
        return f"{length:,} bytes on the wire; expected at most {MAX_RECORD:,}"
    return None


def before(count: int) -> str:
    """What becomes of the records that stand before a broken one."""
    if not count:
        return "there is no record before it"
    return f"the {counted(count, 'record')} before it {'is' if count == 1 else 'are'} kept"


def frame(stream: io.BufferedReader, size: int) -> bytes | None:
    """The first KEPT bytes of a frame of `size`, passed over as a whole; None if it is cut off."""
    data = stream.read(size)
    return data[:KEPT] if len(data) == size else None
