"""pcap and pcapng: byte orders, clocks, interfaces, and what lies around the captures."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.data.traffic import io
from tests.engine.data.making import folder_of, report_on, said, zip_of
from tests.engine.data.traffic.wire import (
    AT,
    block,
    enhanced,
    ethernet,
    exchange,
    interface,
    ipv4,
    laid,
    pcap,
    section,
    udp,
    warnings,
)

ASKED = exchange(1000, b"GET /", b"HTTP/1.1")
FRAMES = [frame for _, frame in ASKED]


def times(found) -> list[int]:
    return (found.packets.time_ns - AT * 10**9).tolist()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_of_either_byte_order_and_clock(tmp_path, order, nano):
    packets = [(1_002_003_004, FRAMES[0]), (1_002_004_000, FRAMES[1])]
    found = io.load(laid(tmp_path, pcap(packets, order=order, nano=nano)))
    assert times(found) == [1_002_003_004 if nano else 1_002_003_000, 1_002_004_000]
    assert found.packets.length.tolist() == [len(frame) for frame in FRAMES]
    assert bytes(found.flows.first_payload[0, :6]) == b"GET /\0"


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_either_byte_order(tmp_path, order):
    ticks = AT * 10**6
    whole = section(order) + interface(order=order)
    whole += enhanced(FRAMES[0], ticks, order=order) + enhanced(FRAMES[1], ticks + 5, order=order)
    found = io.load(laid(tmp_path, whole))
    assert times(found) == [0, 5000]
    assert len(found.flows) == 1


@pytest.mark.parametrize(
    ("tsresol", "ticks"),
    [(b"\x09", AT * 10**9 + 77), (b"\x03", AT * 1000 + 1), (b"\x8a", AT * 1024 + 512)],
    ids=["ns", "ms", "1/1024 s"],
)
def test_an_interface_of_pcapng_has_its_own_clock(tmp_path, tsresol, ticks):
    whole = section() + interface(tsresol=tsresol) + enhanced(FRAMES[0], ticks)
    expected = {b"\x09": 77, b"\x03": 1_000_000, b"\x8a": 500_000_000}[tsresol]
    assert times(io.load(laid(tmp_path, whole))) == [expected]


def test_an_interface_of_pcapng_has_its_own_zero(tmp_path):
    clock = {"tsresol": b"\x00", "tsoffset": struct.pack("<q", AT - 10)}
    whole = section() + interface(**clock) + enhanced(FRAMES[0], 12)
    assert times(io.load(laid(tmp_path, whole))) == [2 * 10**9]


def test_interfaces_of_pcapng_may_differ_in_link_type(tmp_path):
    raw = ipv4("10.0.0.2", "10.0.0.1", udp(53, 999, b"answer"))
    asked = ethernet(ipv4("10.0.0.1", "10.0.0.2", udp(999, 53, b"question")))
    ticks = AT * 10**6
    whole = section() + interface(1) + interface(101) + interface(147)
    whole += enhanced(asked, ticks, 0) + enhanced(raw, ticks + 1, 1) + enhanced(raw, ticks + 2, 2)
    found = io.load(laid(tmp_path, whole))
    assert found.flows.packets.tolist() == [2]
    assert found.links == {"Ethernet": 1, "raw IP": 1, "link type 147": 1}
    assert found.packets.flow.tolist() == [0, 0, -1]


def test_a_new_section_of_pcapng_begins_with_no_interface(tmp_path):
    first = section() + interface(101) + enhanced(FRAMES[0][14:], AT * 10**6)
    second = section(">") + interface(1, ">") + enhanced(FRAMES[1], AT * 10**6, order=">")
    assert io.load(laid(tmp_path, first + second)).flows.packets.tolist() == [2]
    orphan = section(">") + enhanced(FRAMES[1], AT * 10**6, order=">")
    assert "block 5 at byte 156: interface 0 of 0" in warnings(laid(tmp_path, first + orphan))


def test_simple_and_old_packet_blocks_and_unknown_ones(tmp_path):
    ticks = AT * 10**6
    old = struct.pack("<HHIIII", 0, 0, ticks >> 32, ticks & 0xFFFFFFFF, *[len(FRAMES[0])] * 2)
    simple = struct.pack("<I", len(FRAMES[1]))
    whole = section() + interface() + block(0x0BAD, b"whatever")
    whole += block(2, old + FRAMES[0]) + block(3, simple + FRAMES[1])
    path = laid(tmp_path, whole)
    found = io.load(path)
    assert times(found) == [0, 0]
    assert found.packets.kept.tolist() == [5, 8]
    assert "1 record in simple packet blocks, which have no time" in warnings(path)


def test_a_zip_a_folder_and_files_without_suffix(tmp_path):
    members = {"x/one.pcap": pcap(ASKED), "x/two": pcap(ASKED, nano=True), "x/notes.txt": "hello"}
    for path in (folder_of(tmp_path / "set", members), zip_of(tmp_path / "set.zip", members)):
        assert io.sniff(path)
        found = io.load(path)
        assert found.capture_names == ("x/one.pcap", "x/two")
        assert found.flows.capture.tolist() == [0, 1]
        assert found.packets.capture.tolist() == [0, 0, 1, 1]
        assert "no captures, left out: 'x/notes.txt'" in said(report_on(io, path), "ok")


def test_other_files_are_not_taken_for_captures(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"edges.csv": "0,1\n"})
    assert not io.sniff(path)
    with pytest.raises(UserError, match=r"no capture among 'edges.csv'; expected pcap or pcapng"):
        io.load(path)


def test_packets_beyond_the_cap_are_left_and_told(tmp_path):
    many = [packet for port in range(20) for packet in exchange(2000 + port, b"a", b"b")]
    members = {"big.pcap": pcap(many), "mid.pcap": pcap(many[:12]), "small.pcap": pcap(many[:2])}
    found = io.load(zip_of(tmp_path / "a.zip", members), max_packets=24)
    assert [capture.packets for capture in found.captures] == [11, 11, 2]
    told = [f"{line.where}: {line.text}" for line in found.notices]
    assert "big.pcap: only the first 11 packets read, to stay in bounds" in told
    assert not any(line.startswith("small") for line in told)
    assert np.bincount(found.packets.capture).tolist() == [11, 11, 2]


def test_frames_are_read_across_batches(tmp_path, monkeypatch):
    many = [packet for port in range(10) for packet in exchange(2000 + port, b"ask", b"answer")]
    path = laid(tmp_path, pcap(many))
    whole = io.load(path)
    monkeypatch.setattr("engine.data.traffic.records.BATCH", 3)
    parts = io.load(path)
    for name in ("time_ns", "flow", "direction", "payload", "header", "kept"):
        np.testing.assert_array_equal(getattr(whole.packets, name), getattr(parts.packets, name))
    assert parts.flows.packets.tolist() == [2] * 10
