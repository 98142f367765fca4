"""Frames as they go over the co-processor's bus, made again from a packet's tuple and payload.

A traffic data set keeps no raw frames: addresses, ports and the first payload bytes suffice to
build one that parses to the same flow, length and payload. Link layer Ethernet without tags; where
the original header was longer than 54 bytes (options, tags), TCP options of no operation stand in
its place, so that the payload begins where it began, as far as a TCP header reaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BEAT = 64  # bytes
HEAD = 4 * BEAT  # bytes of a frame that are kept: headers (at most 114) and 128 of payload
PAYLOAD = 128  # bytes of payload that a job may take
ETHERNET = 14
TCP, UDP = 6, 17
FCS = 4  # of the wire length, not on the bus
LARGEST = 0xFFFF  # bytes of an IP datagram
LEAST = 64  # bytes of an Ethernet frame, with FCS


@dataclass(frozen=True, eq=False)
class Frames:
    """N frames, ready for the bus."""

    head: NDArray[np.uint8]  # (N, HEAD), zero behind what is kept
    kept: NDArray[np.int64]  # (N,) bytes of `head` that matter
    wire: NDArray[np.int64]  # (N,) bytes on the wire, FCS included
    start: NDArray[np.int64]  # (N,) where the payload begins
    bytes: NDArray[np.int64]  # (N,) of the IP datagram, which the flow table counts

    def __len__(self) -> int:
        return len(self.wire)

    @property
    def beats(self) -> NDArray[np.int64]:
        """(N,) beats on the bus: the FCS is not on it."""
        return beats_of(self.wire)

    def take(self, which: NDArray) -> Frames:
        """Those of an index or mask."""
        return Frames(
            head=self.head[which],
            kept=self.kept[which],
            wire=self.wire[which],
            start=self.start[which],
            bytes=self.bytes[which],
        )


def beats_of(wire: Any) -> Any:
    """Beats on the bus of frames of `wire` bytes, a number or an array."""
    return -(-(wire - FCS) // BEAT)


def frames(
    *,
    version: NDArray,
    l4: NDArray,
    src: NDArray,
    dst: NDArray,
    sport: NDArray,
    dport: NDArray,
    payload: NDArray,
    payload_length: NDArray,
    length: NDArray | None = None,
) -> Frames:
    """version 4 or 6, l4 6 or 17, sport, dport, payload_length (N,); src, dst (N, 16) uint8, IPv4
    as ::ffff:a.b.c.d; payload (N, P) uint8, P <= 128; length (N,): frames on the wire, no FCS."""
    n = len(version)
    v4, tcp = np.asarray(version) == 4, np.asarray(l4) == TCP
    size = np.asarray(payload_length, np.int64)
    ip = np.where(v4, 20, 40)
    transport = np.where(tcp, 20, 8)
    if length is not None:
        room = np.asarray(length, np.int64) - size - ETHERNET - ip - transport
        transport = transport + np.where(tcp, np.clip(room // 4 * 4, 0, 40), 0)
    l4_at, start = ETHERNET + ip, ETHERNET + ip + transport
    natural = ETHERNET + ip + transport + size
    datagram = np.minimum(natural - ETHERNET, LARGEST)  # segments not yet cut up are larger
    total = natural if length is None else np.maximum(natural, length)

    head = np.zeros((n, HEAD), np.uint8)
    head[:, 12:14] = np.where(v4[:, None], (0x08, 0x00), (0x86, 0xDD))
    put = _Put(head)
    put.byte(ETHERNET, np.where(v4, 0x45, 0x60))
    put.word(ETHERNET + 2, datagram, v4)
    put.byte(ETHERNET + 9, np.asarray(l4), v4)
    put.rows(ETHERNET + 12, np.asarray(src)[:, 12:], v4)
    put.rows(ETHERNET + 16, np.asarray(dst)[:, 12:], v4)
    put.word(ETHERNET + 4, datagram - ip, ~v4)
    put.byte(ETHERNET + 6, np.asarray(l4), ~v4)
    put.rows(ETHERNET + 8, np.asarray(src), ~v4)
    put.rows(ETHERNET + 24, np.asarray(dst), ~v4)
    every = np.ones(n, bool)
    put.word(l4_at, np.asarray(sport, np.int64), every)
    put.word(l4_at + 2, np.asarray(dport, np.int64), every)
    put.byte(l4_at + 12, transport // 4 << 4, tcp)
    put.word(l4_at + 4, datagram - ip, ~tcp)
    for option in range(20, 60):
        put.byte(l4_at + option, np.ones(n, np.uint8), tcp & (option < transport))
    kept = np.minimum(size, payload.shape[1])
    columns = np.arange(payload.shape[1])
    row, column = np.nonzero(columns < kept[:, None])
    head[row, start[row] + column] = payload[row, column]
    return Frames(
        head=head,
        kept=start + kept,
        wire=np.maximum(total + FCS, LEAST),
        start=start,
        bytes=datagram,
    )


class _Put:
    """Writes fields into rows of a byte matrix, at offsets that differ from row to row."""

    def __init__(self, head: NDArray[np.uint8]) -> None:
        self.head = head
        self.row = np.arange(len(head))

    def byte(self, at: NDArray | int, value: NDArray, where: NDArray | None = None) -> None:
        rows = self.row if where is None else self.row[where]
        offset = np.broadcast_to(at, len(self.row))
        self.head[rows, offset[rows]] = np.asarray(value)[rows]

    def word(self, at: NDArray | int, value: NDArray, where: NDArray) -> None:
        self.byte(at, value >> 8 & 0xFF, where)
        self.byte(at + 1, value & 0xFF, where)

    def rows(self, at: int, values: NDArray, where: NDArray) -> None:
        self.head[where, at : at + values.shape[1]] = values[where]
