"""Headers: every link type, tags, fragments, extension headers, padding, and cut frames."""

from __future__ import annotations

import struct

import pytest

from engine.data.traffic import io
from engine.data.traffic.decode import CUT, DAMAGED, FRAGMENT, NO_IP, OTHER
from engine.data.traffic.headers import FIELDS, masked
from engine.data.traffic.traffic import address
from tests.engine.data.traffic.wire import (
    A6,
    B6,
    MACS,
    A,
    B,
    ethernet,
    ipv4,
    ipv6,
    laid,
    pcap,
    tcp,
    udp,
)

FOUR = ipv4(A, B, udp(5000, 53, b"hello"))
SIX = ipv6(A6, B6, tcp(5000, 443, b"hello", options=bytes(12)))
VLAN, QINQ, PPPOE, MPLS = 0x8100, 0x88A8, 0x8864, 0x8847


def read(tmp_path, *frames: bytes, link: int = 1, snaplen: int = 65535):
    """With one good flow in front, since a capture without any is refused."""
    good = {1: ethernet(FOUR), 101: FOUR}.get(link)
    packets = [(at, frame) for at, frame in enumerate((good, *frames) if good else frames)]
    return io.load(laid(tmp_path, pcap(packets, link=link, snaplen=snaplen)))


def sll(kind: int) -> bytes:
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), kind)


def sll2(kind: int) -> bytes:
    return struct.pack(">HHIHBB8s", kind, 0, 1, 1, 0, 6, bytes(8))


@pytest.mark.parametrize(
    ("link", "four", "six"),
    [
        (1, MACS + b"\x08\x00", MACS + b"\x86\xdd"),
        (101, b"", b""),
        (12, b"", b""),
        (228, b"", b""),
        (229, b"", b""),
        (113, sll(0x800), sll(0x86DD)),
        (276, sll2(0x800), sll2(0x86DD)),
        (0, struct.pack("<I", 2), struct.pack("<I", 30)),
        (0, struct.pack(">I", 2), struct.pack(">I", 24)),
        (108, struct.pack(">I", 2), struct.pack(">I", 28)),
    ],
)
def test_every_link_type(tmp_path, link, four, six):
    packets = [(0, four + FOUR), (1, six + SIX)]
    found = io.load(laid(tmp_path, pcap(packets, link=link)))
    flows = found.flows
    assert flows.version.tolist() == [4, 6]
    assert flows.l4.tolist() == [17, 6]
    assert [address(flows.src[0]), address(flows.dst[1])] == [A, B6]
    assert flows.sport.tolist() == [5000, 5000]
    assert flows.dport.tolist() == [53, 443]
    assert [bytes(row[:6]) for row in flows.first_payload] == [b"hello\0"] * 2
    assert flows.first_kept.tolist() == [5, 5]


@pytest.mark.parametrize(
    "frame",
    [
        ethernet(FOUR, VLAN),
        ethernet(FOUR, QINQ, VLAN),
        ethernet(FOUR, VLAN, VLAN, VLAN),
        ethernet(b"\x11\x00\x00\x01\x00\x00\x00\x21" + FOUR, kind=PPPOE),
        ethernet(b"\x00\x01\x00\x3f\x00\x02\x01\x3f" + FOUR, kind=MPLS),
        ethernet(b"\xaa\xaa\x03\x00\x00\x00\x08\x00" + FOUR, kind=8 + len(FOUR)),
    ],
    ids=["vlan", "qinq", "three tags", "pppoe", "mpls", "snap"],
)
def test_what_stands_between_ethernet_and_ip(tmp_path, frame):
    found = read(tmp_path, frame)
    assert found.flows.packets.tolist() == [2]
    assert found.packets.payload_length.tolist() == [5, 5]


def hop(following: int, size: int = 8) -> bytes:
    return struct.pack(">BB", following, size // 8 - 1) + bytes(size - 2)


def fragment(following: int, offset: int) -> bytes:
    return struct.pack(">BBHI", following, 0, offset << 3 | 1, 99)


@pytest.mark.parametrize(
    ("extensions", "first"),
    [
        (hop(6), 0),
        (hop(43, 24) + hop(60) + hop(6, 16), 0),
        (fragment(6, 0), 44),
        (struct.pack(">BB", 6, 4) + bytes(22), 51),
    ],
    ids=["hop by hop", "three of them", "first fragment", "authentication"],
)
def test_extension_headers_of_ipv6(tmp_path, extensions, first):
    inside = tcp(5000, 443, b"hello")
    found = read(tmp_path, ethernet(ipv6(A6, B6, inside, extensions=extensions, first=first)))
    assert found.flows.dport.tolist() == [53, 443]
    assert found.packets.payload_length.tolist() == [5, 5]


def test_only_the_first_fragment_is_of_a_flow(tmp_path):
    more, later = 0x2000, 0x2000 | 185
    found = read(
        tmp_path,
        ethernet(ipv4(A, B, udp(7, 8, b"x" * 100, length=2000), fragment=more)),
        ethernet(ipv4(A, B, (17, b"y" * 100), fragment=later)),
        ethernet(ipv6(A6, B6, (17, b"z" * 100), extensions=fragment(17, 9), first=44)),
    )
    assert found.packets.flow.tolist() == [0, 1, -1, -1]
    assert found.packets.payload_length.tolist() == [5, 100, 0, 0]
    assert found.skipped == {FRAGMENT: 2}


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (MACS + b"\x08\x06" + bytes(28), NO_IP),
        (MACS, NO_IP),
        (ethernet(FOUR, VLAN)[:15], NO_IP),
        (ethernet(FOUR)[:30], DAMAGED),
        (ethernet(b"\x44" + FOUR[1:]), DAMAGED),
        (ethernet(b"\x4f" + FOUR[1:]), DAMAGED),
        (ethernet(ipv4(A, B, udp(1, 2), total=19)), DAMAGED),
        (ethernet(SIX, kind=0x800), DAMAGED),
        (ethernet(SIX)[:50], DAMAGED),
        (ethernet(ipv6(A6, B6, (6, b""), extensions=hop(6), first=0))[:60], DAMAGED),
        (ethernet(ipv4(A, B, (1, b"ping" * 4))), OTHER),
        (ethernet(ipv4(A, B, udp(1, 2)))[:-1], CUT),
        (ethernet(ipv4(A, B, tcp(1, 2)))[:-1], CUT),
        (ethernet(ipv4(A, B, tcp(1, 2, options=bytes(8))))[:-1], CUT),
        (ethernet(ipv4(A, B, (6, bytes(12) + b"\x40" + bytes(7)))), DAMAGED),
        (b"", NO_IP),
    ],
)
def test_frames_that_are_of_no_flow_and_why(tmp_path, frame, reason):
    found = read(tmp_path, frame)
    assert found.packets.flow.tolist() == [0, -1]
    assert found.skipped == {reason: 1}
    assert found.packets.payload_length[1] == found.packets.sport[1] == 0


def test_the_padding_of_short_frames_is_no_payload(tmp_path):
    found = read(tmp_path, ethernet(ipv4(A, B, tcp(1, 2))) + b"padding")
    assert found.packets.payload_length.tolist() == [5, 0]
    assert found.packets.kept.tolist() == [5, 0]


def test_options_are_passed_over(tmp_path):
    inside = tcp(1, 2, b"hello", options=bytes(range(20)))
    found = read(tmp_path, ethernet(ipv4(A, B, inside, options=bytes(8))))
    assert bytes(found.packets.payload[1, :5]) == b"hello"


def test_a_length_that_the_card_fills_in_later_is_that_of_the_frame(tmp_path):
    found = read(tmp_path, ethernet(ipv4(A, B, tcp(1, 2, b"hello"), total=0)))
    assert found.packets.payload_length.tolist() == [5, 5]


def test_a_snap_length_cuts_what_is_kept_and_not_what_is_counted(tmp_path):
    found = read(tmp_path, ethernet(ipv4(A, B, udp(1, 2, b"q" * 300))), snaplen=60)
    assert found.packets.length.tolist() == [47, 342]
    assert found.packets.payload_length.tolist() == [5, 300]
    assert found.packets.kept.tolist() == [5, 18]
    assert found.flows.wire_bytes.tolist() == [47, 342]


def test_headers_are_kept_and_masked(tmp_path):
    found = read(tmp_path, ethernet(SIX), ethernet(ipv4(A, B, tcp(1, 2, b"hi"))))
    header = found.packets.header
    assert bytes(header[0]) == ethernet(FOUR)[:34] + bytes(20) + FOUR[20:28] + bytes(12)
    assert bytes(header[1]) == ethernet(SIX)[:74]
    chosen = [0, 1, 2]
    assert (masked(found.packets, chosen, FIELDS) == header).all()
    hidden = masked(found.packets, chosen)
    assert (
        bytes(hidden[1, :24]) == bytes(12) + b"\x86\xdd" + SIX[:1] + bytes(3) + SIX[4:8] + b"\0\0"
    )
    assert not hidden[:, 54:58].any()
    assert hidden[:, 12:14].tolist() == [[8, 0], [0x86, 0xDD], [8, 0]]
    assert not {1, 2, 0x12, 0x34, 0xAB, 0xCD} & set(hidden[2, 18:34].tolist()[:2])
    assert bytes(hidden[2, 54:74]) == bytes(12) + b"\x50\x18\x02\x00" + bytes(4)
    ports = masked(found.packets, chosen, ["ports"])
    assert bytes(ports[0, 54:58]) == struct.pack(">HH", 5000, 53)
    assert not ports[:, 26:34].any()
