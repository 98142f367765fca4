"""The sample captures that we ship: made here, the same bytes every time.

Each capture is of one host, which asks servers of five protocols: HTTP, TLS, DNS, SSDP and NTP.
Hosts differ in addresses, agents, ports and habits, so that what is learned of some has to hold for
others. The messages follow the protocols; names, ciphers' order and contents are drawn.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.data.traffic.talk import TALKS, Talk

CAPTURES = 8
FLOWS = {"HTTP": 12, "TLS": 12, "DNS": 14, "SSDP": 3, "NTP": 4}  # of each capture, one or two less
V6 = (2, 5)  # captures of hosts with IPv6
START = 1_700_000_000.0  # s
SPAN = 60.0  # s in which the flows of a capture begin
TURN = 0.02  # s between messages, on average
EPOCH = (2024, 2, 29, 0, 0, 0)
COLUMNS = "capture,l4,src,sport,dst,dport,protocol"
ROUTER, STATION = bytes.fromhex("02000000fe01"), bytes.fromhex("020000001000")
SYN, ACK, PUSH, FIN = 2, 16, 8, 1

Packet = tuple[float, bytes]  # time in s, frame


def write_captures(path: Path, rng: np.random.Generator) -> None:
    """A zip of captures with their labels.csv."""
    members: dict[str, bytes] = {}
    rows = [COLUMNS]
    for number in range(CAPTURES):
        name = f"host_{number + 1}.pcap"
        packets: list[Packet] = []
        for protocol, talk in _flows(number, rng):
            rows.append(",".join(map(str, (name, *talk.ends, protocol))))
            packets += _packets(talk, rng)
        members[name] = _pcap(sorted(packets))
    members["labels.csv"] = ("\n".join(rows) + "\n").encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date_time=EPOCH)
            info.create_system = 3
            archive.writestr(info, content, zipfile.ZIP_STORED)


def _flows(number: int, rng: np.random.Generator) -> Iterator[tuple[str, Talk]]:
    """The conversations of one host, each from a port of its own."""
    port = int(rng.integers(32_768, 50_000))
    for protocol, count in FLOWS.items():
        for _ in range(count - int(rng.integers(2))):
            port += int(rng.integers(1, 40))
            yield protocol, TALKS[protocol](number, port, number in V6, rng)


def _packets(talk: Talk, rng: np.random.Generator) -> Iterator[Packet]:
    """Frames of a conversation; those of TCP with its opening and its end."""
    time = START + float(rng.uniform(0, SPAN))
    sequence = [int(rng.integers(1 << 31)), int(rng.integers(1 << 31))]
    turns = [(side, ACK | PUSH, message) for side, message in talk.messages]
    if talk.l4 == "TCP":
        opening = [(0, SYN, b""), (1, SYN | ACK, b""), (0, ACK, b"")]
        turns = [*opening, *turns, (0, FIN | ACK, b""), (1, FIN | ACK, b""), (0, ACK, b"")]
    for side, flags, message in turns:
        yield time, _frame(talk, side, flags, message, sequence)
        sequence[side] += len(message) + bool(flags & (SYN | FIN))
        time += float(rng.exponential(TURN))


def _frame(talk: Talk, side: int, flags: int, message: bytes, sequence: list[int]) -> bytes:
    """One packet of a side, 0 being who asks; checksums as they should be."""
    import dpkt

    ends = [(talk.src, talk.sport), (talk.dst, talk.dport)]
    (src, sport), (dst, dport) = ends[side], ends[1 - side]
    if talk.l4 == "TCP":
        acknowledged = 0 if flags == SYN else sequence[1 - side]
        inside = dpkt.tcp.TCP(
            sport=sport, dport=dport, seq=sequence[side], ack=acknowledged, flags=flags, win=502
        )
        inside.data = message
        proto = dpkt.ip.IP_PROTO_TCP
    else:
        inside = dpkt.udp.UDP(sport=sport, dport=dport, data=message)
        inside.ulen = len(inside)
        proto = dpkt.ip.IP_PROTO_UDP
    if src.version == 6:
        packet = dpkt.ip6.IP6(src=src.packed, dst=dst.packed, nxt=proto, hlim=64, data=inside)
        packet.plen = len(inside)
        kind = dpkt.ethernet.ETH_TYPE_IP6
    else:
        packet = dpkt.ip.IP(src=src.packed, dst=dst.packed, p=proto, ttl=64, data=inside)
        packet.len = len(packet)
        kind = dpkt.ethernet.ETH_TYPE_IP
    macs = (STATION, ROUTER) if side == 0 else (ROUTER, STATION)
    return bytes(dpkt.ethernet.Ethernet(src=macs[0], dst=macs[1], type=kind, data=packet))


def _pcap(packets: list[Packet]) -> bytes:
    import dpkt

    buffer = io.BytesIO()
    writer = dpkt.pcap.Writer(buffer)
    for time, frame in packets:
        writer.writepkt(frame, ts=time)
    return buffer.getvalue()
