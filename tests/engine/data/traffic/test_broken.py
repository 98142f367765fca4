"""Broken captures: what is kept, where reading ended, and what is refused."""

from __future__ import annotations

import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import UserError
from engine.data.traffic import io
from tests.engine.data.making import report_on, zip_of
from tests.engine.data.traffic.wire import (
    AT,
    A,
    B,
    block,
    enhanced,
    errors,
    ethernet,
    exchange,
    interface,
    ipv4,
    laid,
    pcap,
    section,
    tcp,
    udp,
    warnings,
)

GOOD = exchange(1000, b"GET /", b"HTTP/1.1")
WHOLE = pcap(GOOD)
SECOND = 24 + 16 + len(GOOD[0][1])  # byte at which the second record begins
NG = section() + interface() + enhanced(GOOD[0][1], AT * 10**6)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (WHOLE[:-1], f"cut off in record 2 at byte {SECOND}; the 1 record before it is kept"),
        (WHOLE[: SECOND + 5], f"cut off in the header of record 2 at byte {SECOND}; the 1 record"),
        (WHOLE[:SECOND] + struct.pack("<IIII", 0, 0, 65536, 99) + bytes(99),
         f"record 2 at byte {SECOND} claims 65,536 captured bytes; expected at most 65,535"),
        (WHOLE[:SECOND] + struct.pack("<IIII", 0, 0, 9, 262145) + bytes(9),
         "claims 262,145 bytes on the wire; expected at most 262,144. Reading ends there"),
        (NG + enhanced(GOOD[1][1], 0)[:-9], f"block 4 at byte {len(NG)}: cut off. Reading ends"),
        (NG + b"\x06\0\0", f"block 4 at byte {len(NG)}: cut off. Reading ends there; the 1 record"),
        (NG + struct.pack("<II", 6, 30) + bytes(22), "a length of 30 bytes"),
        (NG + struct.pack("<II", 6, 1 << 30), "a length of 1,073,741,824 bytes"),
        (NG + struct.pack("<II", 5, 12) + b"\x10\0\0\0", "two lengths that differ"),
        (NG + enhanced(GOOD[1][1], 0, 3), "interface 3 of 1"),
        (NG + block(6, bytes(8)), "8 bytes where 20 were expected"),
        (NG + block(6, struct.pack("<IIIII", 0, 0, 0, 99, 99) + bytes(4)),
         "99 captured bytes where 4 are there"),
        (NG + block(6, struct.pack("<IIIII", 0, 0, 0, 1 << 20, 99) + bytes(4)),
         "1,048,576 captured bytes; expected at most 262,144"),
        (NG + enhanced(GOOD[1][1], 1 << 63), "a time after the year 2262"),
        (NG + interface(tsoffset=struct.pack("<q", -5)) + enhanced(GOOD[1][1], 0, 1),
         "a time before 1970"),
        (NG + b"\x0a\x0d\x0d\x0a\x1c\0\0\0none" + bytes(16), "byte order mark 6e6f6e65"),
    ],
)  # fmt: skip
def test_what_stands_before_a_broken_record_is_kept(tmp_path, content, told):
    path = laid(tmp_path, content)
    assert told in warnings(path)
    found = io.load(path)
    assert len(found.packets) == 1
    assert any(told in line.text for line in found.notices)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "an empty file; expected a capture"),
        (b"no,capture\n", "text ('no,capture\\n'…); expected pcap"),
        (b"\x7fELF\x02\x01", "first bytes 7f 45 4c 46; expected pcap (first bytes d4 c3 b2 a1"),
        (b"\x34\xcd\xb2\xa1" + bytes(20), "a capture of a format that is no longer in use"),
        (b"snoop\0\0\0" + bytes(20), "a capture of a format that is no longer in use"),
        (b"\x1f\x8b\x08" + bytes(20), "a gzip file"),
        (WHOLE[:20], "20 bytes; expected the 24 of a pcap header"),
        (WHOLE[:24], "a header and no packet; expected one at least"),
        (pcap(GOOD, version=(7, 1)), "pcap version 7.1; expected 2.x"),
        (WHOLE[:30], "cut off in the header of record 1 at byte 24; there is no record before it"),
        (section()[:6], "the first block of pcapng: cut off"),
        (section() + interface(), "a header and no packet; expected one at least"),
        (pcap([(0, ethernet(ipv4(A, B, (1, b"ping"))))]),
         "no packet of TCP or UDP (1 neither TCP nor UDP); expected one at least"),
        (pcap(GOOD, link=147), "no packet of TCP or UDP (2 of a link type that is not read)"),
    ],
)  # fmt: skip
def test_what_holds_no_flow_is_refused_with_its_name(tmp_path, content, told):
    path = laid(tmp_path, content)
    assert errors(path).startswith("a.pcap: ")
    assert told in errors(path)
    with pytest.raises(UserError):
        io.load(path)


def test_a_broken_capture_among_others_is_left_out_and_told(tmp_path):
    members = {"a.pcap": WHOLE, "b.pcap": b"text", "c.pcap": WHOLE[:24]}
    path = zip_of(tmp_path / "a.zip", members)
    told = warnings(path)
    assert "b.pcap: left out: text ('text'…)" in told
    assert "c.pcap: left out: a header and no packet" in told
    assert io.load(path).capture_names == ("a.pcap",)
    path = zip_of(tmp_path / "b.zip", {"b.pcap": b"text", "c.pcap": WHOLE[:24]})
    assert errors(path).count("\n") == 1


def test_an_encrypted_zip_is_refused(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"a.pcap": WHOLE})
    raw = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + offset] |= 1
    path.write_bytes(raw)
    with zipfile.ZipFile(path) as archive:
        assert archive.infolist()[0].flag_bits & 1
    assert "is encrypted; expected a zip without a password" in errors(path)


def test_payload_that_was_not_captured_is_told(tmp_path):
    path = laid(tmp_path, pcap([(0, ethernet(ipv4(A, B, tcp(1, 2, b"secret"))))], snaplen=54))
    assert "1 packet whose payload was not captured" in warnings(path)
    assert "no flow has payload" in warnings(path)
    assert io.load(path).packets.payload_length.tolist() == [6]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_damage_never_breaks_the_reader(tmp_path_factory, data):
    frames = [
        (at, ethernet(ipv4(A, B, udp(at, 53, bytes(at), length=None)), *[0x8100] * (at % 3)))
        for at in range(1, 12)
    ]
    whole = bytearray(
        data.draw(
            st.sampled_from(
                [
                    pcap(frames),
                    pcap(frames, order=">", nano=True, snaplen=50),
                    section() + interface() + b"".join(enhanced(one, at) for at, one in frames),
                ]
            )
        )
    )
    places = st.tuples(st.integers(4, len(whole) - 1), st.integers(0, 255))
    for at, value in data.draw(st.lists(places, max_size=12)):
        whole[at] = value
    path = laid(tmp_path_factory.mktemp("damaged"), bytes(whole))
    report = report_on(io, path)
    if not report.passed:
        return
    found = io.load(path)
    flows, packets = found.flows, found.packets
    assert np.bincount(packets.flow[packets.flow >= 0]).tolist() == flows.packets.tolist()
    assert flows.wire_bytes.sum() == packets.length[packets.flow >= 0].sum()
    assert (packets.kept <= np.minimum(packets.payload_length, 64)).all()
    assert (packets.payload_length >= 0).all()
    io.preview(path)
