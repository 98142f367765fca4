"""The sample captures: sound packets of real protocols, and classes in every capture."""

from __future__ import annotations

import io as memory
import struct
import zipfile

import dpkt
import numpy as np
import pytest

from engine.data.sample import SEED
from engine.data.traffic import io, sample
from engine.data.traffic.talk import TOPS


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = tmp_path_factory.mktemp("sample") / "exchanges.zip"
    sample.write_captures(made, np.random.default_rng(SEED))
    return made


@pytest.fixture(scope="module")
def found(path):
    return io.load(path)


def test_every_flow_has_its_label_and_payload(found):
    labels = found.labels["protocol"]
    assert labels.classes == ("DNS", "HTTP", "NTP", "SSDP", "TLS")
    assert (labels.codes >= 0).all()
    assert found.flows.with_payload.all()
    assert not found.notices
    assert not found.skipped
    assert set(labels.captures(found.flows).values()) == {sample.CAPTURES}
    assert min(labels.counts().values()) >= 16
    assert set(found.flows.version.tolist()) == {4, 6}


def test_some_flows_are_elephants_and_most_are_not(found):
    large = (found.flows.payload_packets >= 8).mean()
    assert 0.02 < large < 0.15


def test_messages_are_what_their_labels_say(found):
    labels = found.labels["protocol"]
    begins = {
        "HTTP": (b"GET /", b"POST "),
        "TLS": (b"\x16\x03\x01",),
        "SSDP": (b"M-SEARCH * HTTP/1.1\r\n",),
        "NTP": (b"\x23\0\x06",),
    }
    for flow, code in enumerate(labels.codes):
        first = bytes(found.flows.first_payload[flow, : found.flows.first_kept[flow]])
        name = labels.classes[code]
        if name == "DNS":
            asked = dpkt.dns.DNS(first)
            assert (len(asked.qd), asked.qr) == (1, 0)
            assert asked.qd[0].name.split(".")[-1] in TOPS
        else:
            assert first.startswith(begins[name])


def packets(path) -> list:
    """All IP packets, as dpkt reads them."""
    with zipfile.ZipFile(path) as archive:
        captures = [archive.read(name) for name in archive.namelist() if name.endswith(".pcap")]
    assert len(captures) == sample.CAPTURES
    return [
        dpkt.ethernet.Ethernet(frame).data
        for capture in captures
        for _, frame in dpkt.pcap.Reader(memory.BytesIO(capture))
    ]


def test_hellos_of_tls_are_whole(path):
    hellos = [
        dpkt.ssl.TLSHandshake(dpkt.ssl.TLSRecord(packet.data.data).data).data
        for packet in packets(path)
        if isinstance(packet.data, dpkt.tcp.TCP) and packet.data.data.startswith(b"\x16\x03")
    ]
    asked = [hello for hello in hellos if isinstance(hello, dpkt.ssl.TLSClientHello)]
    told = [hello for hello in hellos if isinstance(hello, dpkt.ssl.TLSServerHello)]
    assert len(asked) == len(told) > 50
    names = [dict(hello.extensions)[0][5:].decode() for hello in asked]
    assert all(name.split(".")[-1] in TOPS for name in names)


def test_checksums_and_lengths_are_right(path):
    for packet in packets(path)[::3]:
        assert (packet.len if packet.v == 4 else packet.plen + 40) == len(packet)
        inside = bytes(packet.data)
        proto = packet.p if packet.v == 4 else packet.nxt
        pseudo = packet.src + packet.dst + struct.pack(">II", len(inside), proto)
        assert dpkt.in_cksum(pseudo + inside) == 0
        assert packet.data.sum
