"""The supplied captures, in place, beside their table of labels, and beside dpkt."""

from __future__ import annotations

import csv
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import dpkt
import numpy as np
import pytest

from engine.data.graph import io as graph_io
from engine.data.traffic import io
from engine.data.traffic.matching import labelled
from engine.data.traffic.traffic import L4, Traffic, address
from tests.engine.data.making import report_on, said

pytestmark = pytest.mark.realdata

# Flows with payload of each class, as the README of the data counts them.
CLASS11 = {
    "HTTP": 1029,
    "TLS": 768,
    "DNS": 285,
    "STUN": 117,
    "QUIC": 64,
    "SSDP": 45,
    "NetBIOS": 37,
    "MDNS": 35,
    "BitTorrent": 33,
    "DHCP": 22,
    "DTLS": 19,
}


@pytest.fixture(scope="module")
def folder(shared_data) -> Path:
    return shared_data / "traffic"


@pytest.fixture(scope="module")
def found(folder) -> Traffic:
    return labelled(io.load(folder / "ndpi"), io.load(folder / "labels.csv"))


def test_all_captures_load_whole(found):
    assert len(found.captures) == 216
    assert len(found.packets) == 58_193
    assert not found.notices


def test_every_row_of_the_table_is_a_flow_with_its_packets_and_bytes(folder, found):
    flows = found.flows
    ours = {}
    for flow in range(len(flows)):
        ours[
            found.capture_names[flows.capture[flow]],
            L4[int(flows.l4[flow])],
            address(flows.src[flow]),
            int(flows.sport[flow]),
            address(flows.dst[flow]),
            int(flows.dport[flow]),
        ] = flow
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3644
    for row in rows:
        src, dst = (str(ip_address(row[end])) for end in ("src", "dst"))
        flow = ours[row["capture"], row["l4"], src, int(row["sport"]), dst, int(row["dport"])]
        assert flows.packets[flow] == int(row["packets"])
        assert flows.wire_bytes[flow] == int(row["wire_bytes"])
        for labels in found.labels.values():
            code = labels.codes[flow]
            assert (labels.classes[code] if code >= 0 else "") == row[labels.name]


def test_the_classes_have_their_known_counts(found):
    assert list(found.labels) == ["ndpi_protocol", "ndpi_category", "class11"]
    assert found.labels["class11"].counts(found.flows.with_payload) == CLASS11
    attack = found.capture_names.index("WebattackRCE.pcap")
    mine = (found.flows.capture == attack) & found.flows.with_payload
    assert found.labels["class11"].counts(mine)["HTTP"] == 797


def read_by_dpkt(path: Path) -> Counter:
    """Packets by protocol, ports, payload on the wire and its first bytes, of whole packets that
    dpkt understands as IP over Ethernet."""
    counts: Counter = Counter()
    with path.open("rb") as file:
        reader = dpkt.pcap.UniversalReader(file)
        if reader.datalink() != dpkt.pcap.DLT_EN10MB:
            return counts
        for _, frame in reader:
            ip = dpkt.ethernet.Ethernet(frame).data
            inside = getattr(ip, "data", None)
            if isinstance(inside, dpkt.tcp.TCP | dpkt.udp.UDP):
                l4 = 6 if isinstance(inside, dpkt.tcp.TCP) else 17
                data = bytes(inside.data)
                counts[l4, inside.sport, inside.dport, len(data), data[:64]] += 1
    return counts


@pytest.mark.parametrize(
    "name", ["1kxun.pcap", "alexa-app.pcapng", "netbios.pcap", "dns_fragmented.pcap", "viber.pcap"]
)
def test_packets_are_those_that_dpkt_reads(folder, name):
    one = io.load(folder / "ndpi" / name).packets
    ours: Counter = Counter()
    for at in np.flatnonzero(one.flow >= 0):
        data = bytes(one.payload[at, : one.kept[at]])
        ours[
            int(one.l4[at]),
            int(one.sport[at]),
            int(one.dport[at]),
            int(one.payload_length[at]),
            data,
        ] += 1
    assert sum(ours.values()) > 50 or name.startswith("dns")
    assert ours == read_by_dpkt(folder / "ndpi" / name)


@pytest.mark.parametrize(
    ("name", "level", "text"),
    [
        ("fuzz-2021-06-07-c6c72a0a56.pcap", "error",
         "record 1 at byte 24 claims 4,093,509,168 bytes on the wire; expected at most 262,144"),
        ("fuzz-2021-10-13.pcap", "error",
         "record 1 at byte 24 claims 524,501 captured bytes; expected at most 262,144"),
        ("header_only.pcap", "error", "a header and no packet; expected one at least"),
        ("huge_caplen.pcap", "error",
         "record 1 at byte 24 claims 2,147,483,647 captured bytes; expected at most 262,144"),
        ("text_renamed.pcap", "error", "text ('src,dst,len"),
        ("truncated_mid_packet.pcap", "warning",
         "cut off in record 79 at byte 18,703; the 78 records before it are kept"),
        ("fuzz-2006-09-29-28586.pcap", "ok", "2 packets of no flow: with a damaged header"),
    ],
)  # fmt: skip
def test_every_malformed_file_gets_a_clear_message(folder, name, level, text):
    report = report_on(io, folder / "malformed" / name)
    assert text in said(report, level)
    assert report.passed == (level != "error")
    if level == "error":
        assert said(report, "error").startswith(f"{name}: ")
        assert "\n" not in said(report, "error")


def test_captures_are_known_by_their_own_kind_only(folder):
    path = folder / "ndpi/dns.pcap"
    assert io.sniff(path)
    assert io.sniff(folder / "ndpi")
    assert not graph_io.sniff(path)
    assert not io.sniff(folder / "malformed/text_renamed.pcap")
