"""Frames and captures, made byte by byte."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from pathlib import Path

from engine.data.traffic import io
from tests.engine.data.making import report_on, said

A, B = "10.0.0.1", "10.0.0.2"
A6, B6 = "2001:db8::1", "2001:db8::2"
MACS = bytes(range(1, 13))
AT = 1_700_000_000  # s, when captures begin
Packet = tuple[int, bytes]  # ns after AT, frame


def tcp(sport: int, dport: int, payload: bytes = b"", *, options: bytes = b"", flags: int = 24):
    words = 5 + len(options) // 4
    head = struct.pack(">HHIIBBHHH", sport, dport, 1, 2, words << 4, flags, 512, 0xBEEF, 0)
    return 6, head + options + payload


def udp(sport: int, dport: int, payload: bytes = b"", *, length: int | None = None):
    length = 8 + len(payload) if length is None else length
    return 17, struct.pack(">HHHH", sport, dport, length, 0xCAFE) + payload


def ipv4(src: str, dst: str, inside: tuple[int, bytes], *, options=b"", fragment=0, total=None):
    proto, body = inside
    size = 20 + len(options)
    total = size + len(body) if total is None else total
    head = struct.pack(">BBHHHBBH", 0x40 | size // 4, 0, total, 0x1234, fragment, 63, proto, 0xABCD)
    return head + ip_address(src).packed + ip_address(dst).packed + options + body


def ipv6(src: str, dst: str, inside: tuple[int, bytes], *, extensions: bytes = b"", first=None):
    proto, body = inside
    body = extensions + body
    head = struct.pack(">IHBB", 0x6000_0007, len(body), proto if first is None else first, 62)
    return head + ip_address(src).packed + ip_address(dst).packed + body


def ethernet(packet: bytes, *tags: int, kind: int | None = None) -> bytes:
    """With VLAN tags of these EtherTypes."""
    kind = {4: 0x0800, 6: 0x86DD}[packet[0] >> 4] if kind is None else kind
    tagged = b"".join(struct.pack(">HH", tag, 7) for tag in tags)
    return MACS + tagged + struct.pack(">H", kind) + packet


def exchange(sport: int, request: bytes, answer: bytes, dport: int = 80) -> list[Packet]:
    """A request and its answer by TCP, a millisecond apart."""
    return [
        (0, ethernet(ipv4(A, B, tcp(sport, dport, request)))),
        (1_000_000, ethernet(ipv4(B, A, tcp(dport, sport, answer)))),
    ]


def pcap(
    packets: list[Packet], *, order="<", nano=False, link=1, snaplen=65535, version=(2, 4)
) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    whole = struct.pack(f"{order}IHHiIII", magic, *version, 0, 0, snaplen, link)
    for after, frame in packets:
        seconds, rest = divmod(after, 1_000_000_000)
        part = rest if nano else rest // 1000
        kept = frame[:snaplen] if snaplen else frame
        whole += struct.pack(f"{order}IIII", AT + seconds, part, len(kept), len(frame)) + kept
    return whole


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, order: str = "<", snaplen: int = 0, **options: bytes) -> bytes:
    """With the options tsresol and tsoffset, as bytes."""
    body = struct.pack(f"{order}HHI", link, 0, snaplen)
    for code, name in ((9, "tsresol"), (14, "tsoffset")):
        if name in options:
            value = options[name]
            body += struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)
    return block(1, body + (struct.pack(f"{order}HH", 0, 0) if options else b""), order)


def enhanced(frame: bytes, ticks: int, number: int = 0, order: str = "<") -> bytes:
    head = struct.pack(
        f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)
    )
    return block(6, head + frame, order)


def laid(tmp_path: Path, content: bytes, name: str = "a.pcap") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def errors(path: Path) -> str:
    return said(report_on(io, path), "error")


def warnings(path: Path) -> str:
    report = report_on(io, path)
    assert not said(report, "error")
    return said(report, "warning")
