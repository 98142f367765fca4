"""From frames to the fields of their headers, for a whole batch at once.

Every step works on all frames of a batch: `at` is how far each has been read, and a frame that
leaves the path (no IP, a later fragment, …) gets a reason and is passed over from there on.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from engine.data.traffic.records import (
    ETHERNET,
    IPV4,
    IPV6,
    LINKS,
    LOOP,
    LOOPBACK,
    RAW,
    RAW_OF_BSD,
    SLL,
    SLL2,
    Batch,
)

PAYLOAD = 128  # bytes of a packet's payload that are kept
HEADER = 74  # bytes of a header that are kept: see `headers`
TCP, UDP = 6, 17

# Why a packet is of no flow, in the order in which it is found out.
TAKEN, LINK, NO_IP, DAMAGED, FRAGMENT, OTHER, CUT = range(7)
REASONS = {
    LINK: "of a link type that is not read",
    NO_IP: "not IP",
    DAMAGED: "with a damaged header",
    FRAGMENT: "later fragments, which have no ports",
    OTHER: "neither TCP nor UDP",
    CUT: "cut before the end of the TCP or UDP header",
}

_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)  # VLAN, and what stands before a second one
_MAX_TAGS = 4
_PPPOE, _MPLS = 0x8864, 0x8847
_IPV4, _IPV6 = 0x0800, 0x86DD  # EtherTypes
_AF_INET6 = (10, 24, 28, 30)  # Linux, NetBSD and OpenBSD, FreeBSD, Darwin
_HOP, _ROUTING, _FRAGMENT, _AUTH, _OPTIONS = 0, 43, 44, 51, 60
_MAX_EXTENSIONS = 8
_MAPPED = np.frombuffer(bytes(10) + b"\xff\xff", np.uint8)  # IPv4 as an address of 16 bytes


@dataclass(frozen=True, eq=False)
class Fields:
    """What is kept of N frames. Of those with another reason than TAKEN, only the first five."""

    time_ns: np.ndarray  # (N,) int64
    length: np.ndarray  # (N,) int32, bytes of the frame on the wire
    link: np.ndarray  # (N,) int32
    reason: np.ndarray  # (N,) uint8
    version: np.ndarray  # (N,) uint8: 4, 6, or 0 where there is no IP
    l4: np.ndarray  # (N,) uint8: 6 TCP, 17 UDP, else 0
    src: np.ndarray  # (N, 16) uint8; IPv4 as ::ffff:a.b.c.d
    dst: np.ndarray  # (N, 16) uint8
    sport: np.ndarray  # (N,) uint16
    dport: np.ndarray  # (N,) uint16
    ttl: np.ndarray  # (N,) uint8, or the hop limit
    tcp_flags: np.ndarray  # (N,) uint8
    payload_length: np.ndarray  # (N,) int32, on the wire
    payload: np.ndarray  # (N, 128) uint8, zero padded
    kept: np.ndarray  # (N,) uint8, bytes of it that are there
    header: np.ndarray  # (N, 74) uint8: see `headers`


def decode(batch: Batch) -> Fields:
    """The fields of a batch of frames."""
    frames = _Frames(batch)
    kind = frames.through_link()
    frames.through_tags(kind)
    version = frames.version_of(kind)
    src, dst, ttl = frames.addresses(version)
    header = np.concatenate([frames.ethernet(), frames.ip_header(version)], axis=1)
    proto, ip_end = frames.through_ip(version)
    return frames.transport(version, proto, ip_end, (src, dst, ttl, header))


def joined(parts: list[Fields]) -> Fields:
    """Several batches as one."""
    return Fields(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Fields)
        }
    )


class _Frames:
    """A batch being read: where each frame has been read to, and why it is passed over."""

    def __init__(self, batch: Batch):
        self.batch = batch
        self.at = batch.start.copy()
        self.reason = np.zeros(batch.start.size, np.uint8)
        self._last = batch.data.size - 1

    # Bytes, as int64. Beyond a frame's end they are garbage: `need` is asked before.
    def u8(self, offset: int | np.ndarray = 0) -> np.ndarray:
        return self.batch.data[np.minimum(self.at + offset, self._last)].astype(np.int64)

    def u16(self, offset: int | np.ndarray = 0) -> np.ndarray:
        return (self.u8(offset) << 8) | self.u8(offset + 1)

    def row(self, at: np.ndarray, width: int, mask: np.ndarray, end: np.ndarray) -> np.ndarray:
        """(N, width) bytes from `at` on; zero beyond `end` and where the mask is not set."""
        places = at[:, None] + np.arange(width)
        there = (places < end[:, None]) & mask[:, None]
        return self.batch.data[np.minimum(places, self._last)] * there

    @property
    def alive(self) -> np.ndarray:
        return self.reason == TAKEN

    def drop(self, mask: np.ndarray, reason: int) -> None:
        self.reason[mask & self.alive] = reason

    def need(self, mask: np.ndarray, size: int | np.ndarray, reason: int) -> np.ndarray:
        """The frames of the mask that have so many bytes more; the others are dropped."""
        mask = mask & self.alive
        enough = self.at + size <= self.batch.end
        self.drop(mask & ~enough, reason)
        return mask & enough

    def through_link(self) -> np.ndarray:
        """(N,) EtherType of each frame, 0 if unknown; 1 for IP whose version its header tells."""
        link = self.batch.link
        kind = np.zeros(link.size, np.int64)
        self.drop(~np.isin(link, list(LINKS)), LINK)
        kind[np.isin(link, (RAW, IPV4, IPV6, *RAW_OF_BSD))] = 1
        for known, size, offset in ((ETHERNET, 14, 12), (SLL, 16, 14), (SLL2, 20, 0)):
            mask = self.need(link == known, size, NO_IP)
            kind[mask] = self.u16(offset)[mask]
            self.at[mask] += size
        mask = self.need(np.isin(link, (LOOPBACK, LOOP)), 4, NO_IP)
        family = np.maximum(self.u8(0), self.u8(3))  # of either byte order; others are 0
        kind[mask] = np.where(family == 2, _IPV4, np.where(np.isin(family, _AF_INET6), _IPV6, 0))[
            mask
        ]
        self.at[mask] += 4
        return kind

    def through_tags(self, kind: np.ndarray) -> None:
        """Past VLAN tags, SNAP, PPPoE and MPLS, to IP; changes `kind`."""
        for _ in range(_MAX_TAGS):
            mask = self.need(np.isin(kind, _TAGS), 4, NO_IP)
            kind[mask] = self.u16(2)[mask]
            self.at[mask] += 4
        mask = self.need((kind > 1) & (kind < 1536), 8, NO_IP)  # a length, and LLC
        mask &= (self.u16(0) == 0xAAAA) & (self.u8(2) == 3)
        kind[mask] = self.u16(6)[mask]
        self.at[mask] += 8
        mask = self.need(kind == _PPPOE, 8, NO_IP)
        inside = self.u16(6)
        kind[mask] = np.where(inside == 0x21, _IPV4, np.where(inside == 0x57, _IPV6, 0))[mask]
        self.at[mask] += 8
        mask = self.need(kind == _MPLS, 4, NO_IP)
        for _ in range(_MAX_TAGS):
            bottom = (self.u8(2) & 1) == 1
            self.at[mask] += 4
            kind[mask & bottom] = 1
            mask = self.need(mask & ~bottom, 4, NO_IP)
        self.drop(~np.isin(kind, (1, _IPV4, _IPV6)), NO_IP)

    def version_of(self, kind: np.ndarray) -> np.ndarray:
        """(N,) 4 or 6; 0 where the header is no whole one of that version."""
        said = self.need(self.alive, 1, DAMAGED)
        version = np.where(said, self.u8() >> 4, 0)
        fits = np.where(kind == _IPV4, version == 4, np.where(kind == _IPV6, version == 6, True))
        self.drop(~fits | ~np.isin(version, (4, 6)), DAMAGED)
        self.need(version == 4, 20, DAMAGED)
        self.need(version == 6, 40, DAMAGED)
        return np.where(self.alive, version, 0)

    def addresses(self, version: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Source and destination (N, 16), and the time to live (N,)."""
        both = []
        for four, six in ((12, 8), (16, 24)):
            address = self.row(self.at + six, 16, version == 6, self.batch.end)
            mapped = self.row(self.at + four, 4, version == 4, self.batch.end)
            address[:, 12:] |= mapped
            address[version == 4, :12] = _MAPPED
            both.append(address)
        ttl = np.where(version == 4, self.u8(8), np.where(version == 6, self.u8(7), 0))
        return both[0], both[1], ttl.astype(np.uint8)

    def ethernet(self) -> np.ndarray:
        """(N, 14) of Ethernet, else zero."""
        return self.row(self.batch.start, 14, self.batch.link == ETHERNET, self.batch.end)

    def ip_header(self, version: np.ndarray) -> np.ndarray:
        """(N, 40): 20 of IPv4 without options, zero padded, or 40 of IPv6."""
        header = self.row(self.at, 40, version > 0, self.batch.end)
        header[version == 4, 20:] = 0
        return header

    def through_ip(self, version: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """To TCP or UDP: (N,) protocol, and where the IP packet ends on the wire."""
        wire_end = self.batch.start + self.batch.length
        four, six = version == 4, version == 6
        total = np.where(four, self.u16(2), self.u16(4) + 40)
        size = np.where(four, (self.u8() & 15) * 4, 40)
        unset = np.where(four, total, total - 40) == 0  # left to the network card
        ip_end = np.where(unset, wire_end, self.at + total)
        self.drop(four & ((size < 20) | (~unset & (total < size))), DAMAGED)
        four = self.need(four, size, DAMAGED)
        self.drop(four & ((self.u16(6) & 0x1FFF) > 0), FRAGMENT)
        proto = np.where(four, self.u8(9), np.where(six, self.u8(6), 0))
        self.at += np.where(four | six, size, 0)
        for _ in range(_MAX_EXTENSIONS):
            more = six & np.isin(proto, (_HOP, _ROUTING, _FRAGMENT, _AUTH, _OPTIONS))
            more = self.need(more, 8, DAMAGED)
            self.drop(more & (proto == _FRAGMENT) & (self.u16(2) >> 3 > 0), FRAGMENT)
            long = np.where(proto == _AUTH, (self.u8(1) + 2) * 4, (self.u8(1) + 1) * 8)
            long = np.where(proto == _FRAGMENT, 8, long)
            more = self.need(more, long, DAMAGED)
            proto = np.where(more, self.u8(), proto)
            self.at += np.where(more, long, 0)
        self.drop(~np.isin(proto, (TCP, UDP)), OTHER)
        return proto, ip_end

    def transport(
        self,
        version: np.ndarray,
        proto: np.ndarray,
        ip_end: np.ndarray,
        ip: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    ) -> Fields:
        src, dst, ttl, header = ip
        tcp = self.need(proto == TCP, 20, CUT)
        udp = self.need(proto == UDP, 8, CUT)
        size = np.where(tcp, (self.u8(12) >> 4) * 4, 8)
        self.drop(tcp & (size < 20), DAMAGED)
        self.need(tcp, size, CUT)
        taken = self.alive
        sport, dport = (np.where(taken, self.u16(offset), 0) for offset in (0, 2))
        said = self.u16(4)  # UDP's own length; a card that cuts large sends leaves it at 0
        stop = np.where(udp & (said >= 8), np.minimum(ip_end, self.at + said), ip_end)
        own = self.row(self.at, 20, taken, self.batch.end)
        own[udp, 8:] = 0
        start = self.at + size
        end = np.minimum(self.batch.end, stop)
        return Fields(
            time_ns=self.batch.time_ns,
            length=self.batch.length.astype(np.int32),
            link=self.batch.link.astype(np.int32),
            reason=self.reason,
            version=version.astype(np.uint8),
            l4=np.where(taken, proto, 0).astype(np.uint8),
            src=src,
            dst=dst,
            sport=sport.astype(np.uint16),
            dport=dport.astype(np.uint16),
            ttl=ttl,
            tcp_flags=np.where(taken & tcp, self.u8(13), 0).astype(np.uint8),
            payload_length=np.where(taken, np.maximum(stop - start, 0), 0).astype(np.int32),
            payload=self.row(start, PAYLOAD, taken, end),
            kept=np.where(taken, (end - start).clip(0, PAYLOAD), 0).astype(np.uint8),
            header=np.concatenate([header, own], axis=1),
        )
