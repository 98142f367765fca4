"""What a dataset's page shows of traffic, and that it is small."""

from __future__ import annotations

import json

import pytest

from engine.data.kind import check, kind
from engine.data.traffic import picture
from tests.engine.data.making import zip_of
from tests.engine.data.traffic.wire import (
    A,
    B,
    ethernet,
    exchange,
    ipv4,
    laid,
    pcap,
    tcp,
    udp,
)

HOUR = 3600 * 10**9
ARP = bytes(12) + b"\x08\x06" + bytes(46)


@pytest.fixture
def shown(tmp_path):
    asked = [(2 * 10**9, ethernet(ipv4(A, B, udp(9, 53, b"\xff\x01")))), (3 * 10**9, ARP)]
    late = [(9 * HOUR + at, ethernet(ipv4(A, B, tcp(8, 80)))) for at in range(5)]
    members = {
        "web/a.pcap": pcap(exchange(1, b"GET", b"200") + exchange(2, b"PUT /", b"404")),
        "web/b.pcap": pcap(exchange(3, b"GET", b"x" * 2000)),
        "dns/c.pcap": pcap([*asked, *late]),
    }
    answer = check(kind("traffic"), zip_of(tmp_path / "set.zip", members))
    assert answer["ok"]
    json.dumps(answer, allow_nan=False)
    return answer["preview"]


def figure(shown, title: str) -> dict:
    return next(entry["figure"] for entry in shown["figures"] if entry["title"].startswith(title))


def table(shown, title: str) -> list:
    return next(entry["rows"] for entry in shown["tables"] if entry["title"] == title)


def test_classes_are_bars_the_largest_first(shown):
    (bars,) = figure(shown, "Flows with payload, by folder")["data"]
    assert (bars["x"], bars["y"]) == (["web", "dns"], [3, 1])


def test_first_bytes_are_a_row_for_each_flow_and_empty_where_nothing_came(shown):
    (rows,) = figure(shown, "First bytes")["data"]
    assert rows["y"] == ["web, flow 2", "web, flow 3", "web, flow 4", "dns, flow 0"]
    assert rows["z"][1][:6] == [*b"PUT /", None]
    assert rows["z"][3][:3] == [255, 1, None]
    assert all(len(row) == picture.SHOWN_BYTES for row in rows["z"])


def test_packets_and_flows_are_counted_by_size(shown):
    tcp_flows, udp_flows = figure(shown, "Packets of a flow")["data"]
    assert tcp_flows["x"] == ["1", "2–3", "4–7"]
    assert (tcp_flows["y"], udp_flows["y"]) == ([0, 3, 1], [1, 0, 0])
    sizes = figure(shown, "Bytes of a packet")["data"]
    assert [trace["name"] for trace in sizes] == ["TCP", "UDP", "no flow"]
    assert [sum(trace["y"]) for trace in sizes] == [11, 1, 1]
    assert sizes[0]["y"][-1] == 1  # 2,054 bytes


def test_time_is_that_of_the_largest_capture_without_pauses(shown):
    drawn = figure(shown, "Packets over time, dns/c.pcap")
    assert "without pauses" in drawn["layout"]["xaxis"]["title"]["text"]
    counts = {trace["name"]: trace["y"] for trace in drawn["data"]}
    assert {name: sum(y) for name, y in counts.items()} == {"TCP": 5, "UDP": 1, "no flow": 1}
    assert max(drawn["data"][0]["x"]) < 1
    assert counts["UDP"][0] == counts["TCP"][-1] - 4 == 1


def test_tables_of_classes_and_captures(shown):
    assert table(shown, "Classes by folder") == [["web", 3, 3, 2, 6], ["dns", 2, 1, 1, 6]]
    assert table(shown, "Captures") == [
        ["dns/c.pcap", 7, 2, 1, 1.0, "Ethernet", 1],
        ["web/a.pcap", 4, 2, 2, 0.001, "Ethernet", 0],
        ["web/b.pcap", 2, 1, 1, 0.001, "Ethernet", 0],
    ]


def test_unlabelled_flows_without_payload_have_a_picture_too(tmp_path):
    path = laid(tmp_path, pcap([(0, ethernet(ipv4(A, B, tcp(1, 2))))]))
    shown = check(kind("traffic"), path)["preview"]
    titles = [entry["title"] for entry in shown["figures"]]
    assert titles[0] == "Packets of a flow"
    assert len(shown["tables"]) == 1
    many = laid(tmp_path, pcap([one for at in range(50) for one in exchange(at, b"a", b"b")]))
    (rows,) = figure(check(kind("traffic"), many)["preview"], "First bytes")["data"]
    assert len(rows["y"]) == len(set(rows["y"])) == picture.SHOWN_FLOWS
    assert rows["y"][0] == "0: TCP 10.0.0.1:0 → 10.0.0.2:80"


def test_many_classes_are_summed_up(tmp_path):
    names = [f"c{at:02d}" for at in range(40)]
    members = {f"{name}/a.pcap": pcap(exchange(1, b"a", b"b")) for name in names}
    members["c07/b.pcap"] = pcap(exchange(2, b"a", b"b"))
    shown = check(kind("traffic"), zip_of(tmp_path / "set.zip", members))["preview"]
    (bars,) = figure(shown, "Flows with payload")["data"]
    assert bars["x"][:2] == ["c07", "c00"]
    assert (bars["x"][-1], bars["y"][-1]) == ("10 other", 10)
    (rows,) = figure(shown, "First bytes")["data"]
    assert len(rows["y"]) <= picture.SHOWN_FLOWS


def test_a_table_alone_is_counted(tmp_path):
    text = "file,label,kind\na,x,1st\nb,x,2nd\nc,y,\n"
    shown = check(kind("traffic"), laid(tmp_path, text.encode(), "labels.csv"))["preview"]
    assert [entry["title"] for entry in shown["figures"]] == ["Rows by label", "Rows by kind"]
    assert table(shown, "label") == [["x", 2], ["y", 1]]
