"""Traffic as methods see it: packets, flows and captures, in columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv6Address

import numpy as np

from engine.data.kind import Line
from engine.data.traffic.records import LINKS

PAUSE = 3600.0  # s; packets further apart are of several recordings that were joined
L4 = {6: "TCP", 17: "UDP"}


@dataclass(frozen=True, eq=False)
class Packets:
    """All packets, capture after capture, each in the order of its file. N of them."""

    capture: np.ndarray  # (N,) int32
    time_ns: np.ndarray  # (N,) int64, since 1970
    length: np.ndarray  # (N,) int32, bytes of the frame on the wire
    link: np.ndarray  # (N,) int32, link type
    reason: np.ndarray  # (N,) uint8, why it is of no flow: see `decode.REASONS`; 0 where it is
    flow: np.ndarray  # (N,) int32; -1 of none: then the columns below are zero
    direction: np.ndarray  # (N,) int8; 0 as the flow's first packet, 1 against it
    version: np.ndarray  # (N,) uint8, of IP: 4 or 6; told of other IP packets too
    l4: np.ndarray  # (N,) uint8; 6 TCP, 17 UDP
    src: np.ndarray  # (N, 16) uint8; IPv4 as ::ffff:a.b.c.d; told of other IP packets too
    dst: np.ndarray  # (N, 16) uint8
    sport: np.ndarray  # (N,) uint16
    dport: np.ndarray  # (N,) uint16
    ttl: np.ndarray  # (N,) uint8
    tcp_flags: np.ndarray  # (N,) uint8
    payload_length: np.ndarray  # (N,) int32, bytes behind the TCP or UDP header, on the wire
    payload: np.ndarray  # (N, 64) uint8, its first bytes, zero padded
    kept: np.ndarray  # (N,) uint8, how many of them were captured
    header: np.ndarray  # (N, 74) uint8; `headers.FIELDS` says what stands where

    def __len__(self) -> int:
        return self.time_ns.size


@dataclass(frozen=True, eq=False)
class Flows:
    """Bidirectional flows: both directions of a 5-tuple in one capture. F of them, by first packet.

    The history is of the first 8 packets with payload, of either direction.
    """

    capture: np.ndarray  # (F,) int32
    version: np.ndarray  # (F,) uint8
    l4: np.ndarray  # (F,) uint8
    src: np.ndarray  # (F, 16) uint8, of the first packet; likewise the next three
    dst: np.ndarray  # (F, 16) uint8
    sport: np.ndarray  # (F,) uint16
    dport: np.ndarray  # (F,) uint16
    first_packet: np.ndarray  # (F,) int32
    packets: np.ndarray  # (F,) int32
    payload_packets: np.ndarray  # (F,) int32, packets of which payload was captured
    wire_bytes: np.ndarray  # (F,) int64
    duration_ns: np.ndarray  # (F,) int64, latest time less earliest
    first_payload_packet: np.ndarray  # (F,) int32; -1 without payload
    first_payload: np.ndarray  # (F, 128) uint8, zero padded
    first_kept: np.ndarray  # (F,) uint8, bytes of it that were captured
    history: np.ndarray  # (F, 8, 32) uint8
    history_kept: np.ndarray  # (F, 8) uint8
    history_lengths: np.ndarray  # (F, 8) int32, payload on the wire; 0 where there is no packet
    history_gaps_ns: np.ndarray  # (F, 8) int64, time since the packet before of the history
    history_directions: np.ndarray  # (F, 8) int8; -1 where there is no packet

    def __len__(self) -> int:
        return self.capture.size

    @property
    def with_payload(self) -> np.ndarray:
        """(F,) bool."""
        return self.first_payload_packet >= 0

    def name(self, flow: int) -> str:
        """As people write it: TCP 10.0.0.1:1234 → 10.0.0.2:80."""
        ends = [
            end(self.src[flow], int(self.sport[flow])),
            end(self.dst[flow], int(self.dport[flow])),
        ]
        return f"{L4[int(self.l4[flow])]} {' → '.join(ends)}"


@dataclass(frozen=True)
class Capture:
    """One file, and what of it is no flow."""

    name: str  # of the member
    packets: int
    links: Counter = field(default_factory=Counter)  # packets by link type
    skipped: Counter = field(default_factory=Counter)  # packets by reason
    pauses: int = 0  # of over an hour between packets: several recordings were joined
    seconds: float = 0.0  # from the earliest packet to the latest, without pauses of over an hour


@dataclass(frozen=True, eq=False)
class Labels:
    """One way to label the flows."""

    name: str  # of the column; "folder" or "file"
    source: str  # the table's name; "names of folders"; "names of files"
    classes: tuple[str, ...]  # by alphabet
    codes: np.ndarray  # (F,) int32 into classes; -1 without a label

    def counts(self, mask: np.ndarray | None = None) -> dict[str, int]:
        """Flows of each class; of the mask (F,), if one is given."""
        codes = self.codes if mask is None else self.codes[mask]
        counts = np.bincount(codes[codes >= 0], minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    def captures(self, flows: Flows) -> dict[str, int]:
        """How many captures have flows of each class."""
        known = self.codes >= 0
        pairs = np.unique(np.stack([self.codes[known], flows.capture[known]], axis=1), axis=0)
        counts = np.bincount(pairs[:, 0], minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class Traffic:
    packets: Packets
    flows: Flows
    captures: tuple[Capture, ...]
    labels: dict[str, Labels]  # by name, in the order of the table's columns
    notices: tuple[Line, ...] = ()  # warnings: tails cut off, packets beyond the cap, …
    label_faults: tuple[Line, ...] = ()  # what is wrong with the table beside the captures

    @cached_property
    def capture_names(self) -> tuple[str, ...]:
        return tuple(capture.name for capture in self.captures)

    @cached_property
    def links(self) -> Counter:
        """Packets by the name of their link type."""
        total: Counter = Counter()
        for capture in self.captures:
            for link, count in capture.links.items():
                total[LINKS.get(link, f"link type {link}")] += count
        return total

    @cached_property
    def skipped(self) -> Counter:
        """Packets of no flow, by reason."""
        return sum((capture.skipped for capture in self.captures), Counter())


def running(time_ns: np.ndarray) -> tuple[np.ndarray, int]:
    """(N,) seconds since the earliest, without pauses of over PAUSE; and how many pauses."""
    order = np.argsort(time_ns, kind="stable")
    gaps = np.diff(time_ns[order]) / 1e9
    long = gaps > PAUSE
    seconds = np.zeros(time_ns.size)
    seconds[order[1:]] = np.cumsum(np.where(long, 0, gaps))
    return seconds, int(long.sum())


def address(packed: np.ndarray) -> str:
    """16 bytes as text."""
    known = IPv6Address(packed.tobytes())
    return str(known.ipv4_mapped or known)


def end(packed: np.ndarray, port: int) -> str:
    """Address and port, as in a URL."""
    text = address(packed)
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"
