"""Labels: by table, by folder, by file; which columns, which rows, and what does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import UserError
from engine.data.traffic import io
from engine.data.traffic.matching import labelled
from engine.data.traffic.traffic import Traffic
from engine.methods.kaleidoscope.case import traffic_of
from tests.engine.data.making import folder_of, report_on, said, zip_of
from tests.engine.data.traffic.wire import (
    A6,
    B6,
    A,
    B,
    errors,
    ethernet,
    exchange,
    ipv6,
    pcap,
    udp,
    warnings,
)

ONE = exchange(1001, b"GET", b"200") + exchange(1002, b"\x16\x03", b"\x16\x03", 443)
TWO = [*exchange(1001, b"GET", b"404"), (9, ethernet(ipv6(A6, B6, udp(53, 53, b"dns"))))]
HEAD = "capture,l4,src,sport,dst,dport,app,packets"
ROWS = f"""one.pcap,TCP,{A},1001,{B},80,HTTP,2
one.pcap,TCP,{B},443,{A},1002,TLS,2
two.pcap,tcp,{A},1001,{B},80,HTTP,2
two.pcap,UDP,2001:DB8:0::1,53,{B6},53,,1
"""


def upload(tmp_path: Path, table: str, *, name: str = "labels.csv", **more: bytes | str) -> Path:
    members = {"one.pcap": pcap(ONE), "two.pcap": pcap(TWO), name: table, **more}
    return zip_of(tmp_path / "set.zip", members)


def classes(found: Traffic, name: str) -> list[str | None]:
    labels = found.labels[name]
    return [labels.classes[code] if code >= 0 else None for code in labels.codes]


def test_a_table_labels_flows_in_either_direction(tmp_path):
    path = upload(tmp_path, f"{HEAD}\n{ROWS}")
    found = io.load(path)
    assert list(found.labels) == ["app"]
    assert classes(found, "app") == ["HTTP", "TLS", "HTTP", None]
    assert found.labels["app"].counts() == {"HTTP": 2, "TLS": 1}
    assert found.labels["app"].captures(found.flows) == {"HTTP": 2, "TLS": 1}
    assert "not read: packets" in said(report_on(io, path), "ok")
    assert "1 class in one capture alone, which cannot be on both sides" in warnings(path)


def test_the_same_table_given_apart(tmp_path):
    path = folder_of(tmp_path / "set", {"x/one.pcap": pcap(ONE), "x/two.pcap": pcap(TWO)})
    table = tmp_path / "flows.csv"
    table.write_text(f"{HEAD}\n{ROWS}")
    apart = labelled(io.load(path), io.load(table))
    assert classes(apart, "app") == ["HTTP", "TLS", "HTTP", None]
    assert classes(io.load(path, labels=table), "app") == classes(apart, "app")
    report = report_on(io, table)
    assert report.facts["traffic"] is False
    assert report.facts["classes"] == [2]
    assert io.sniff(table)


@pytest.mark.parametrize(
    "head",
    [
        "file,proto,src_ip,src_port,dst_ip,dst_port,application,bytes",
        "Filename,Protocol,Source IP,Source Port,Destination IP,Destination Port,Label,Bytes",
        "pcap,protocol,id.orig_h,id.orig_p,id.resp_h,id.resp_p,service,n",
    ],
)
def test_columns_are_known_by_several_names(tmp_path, head):
    found = io.load(upload(tmp_path, f"{head}\n{ROWS.replace('.pcap', '')}"))
    (labels,) = found.labels.values()
    assert labels.classes == ("HTTP", "TLS")


def test_protocols_by_number_and_rows_of_others(tmp_path):
    rows = ROWS.replace("TCP", "6").replace("tcp", "6").replace("UDP", "17")
    path = upload(tmp_path, f"{HEAD}\n{rows}one.pcap,1,{A},,{B},,ICMP,1\n")
    assert classes(io.load(path), "app") == ["HTTP", "TLS", "HTTP", None]
    assert "1 row of neither TCP nor UDP left out" in said(report_on(io, path), "ok")


def test_without_capture_or_protocol_a_row_is_of_every_flow_that_fits(tmp_path):
    table = f"src,sport,dst,dport,label,time\n{A},1001,{B},80,web,1.5\n"
    found = io.load(upload(tmp_path, table))
    assert classes(found, "label") == ["web", None, "web", None]


def test_a_table_of_captures_alone(tmp_path):
    found = io.load(upload(tmp_path, "file,label\none,benign\ntwo.pcap,attack\n"))
    assert classes(found, "label") == ["benign", "benign", "attack", "attack"]


@pytest.mark.parametrize("named", ["one.pcap", "one", "./one.pcap", "up/in/one.pcap", "up/one"])
def test_captures_are_named_with_or_without_folder_and_suffix(tmp_path, named):
    found = io.load(upload(tmp_path, f"file,label\n{named},benign\n"))
    assert classes(found, "label") == ["benign", "benign", None, None]


def test_a_name_that_two_captures_share_is_of_neither(tmp_path):
    members = {
        "x/a.pcap": pcap(ONE),
        "y/a.pcap": pcap(TWO),
        "b.csv": "file,label\nx/a,u\na.pcap,v\n",
    }
    path = zip_of(tmp_path / "set.zip", members)
    assert "2 rows of captures that are not here" in warnings(path)
    members["b.csv"] = "file,label\nx/a.pcap,u\ny/a.pcap,v\n"
    found = io.load(zip_of(tmp_path / "set.zip", members))
    assert classes(found, "label") == ["u", "u", "v", "v"]


def test_which_columns_are_labels(tmp_path):
    head = f"{HEAD},label,note,score,empty"
    rows = ROWS.splitlines()
    lines = [f"{row},{at % 2},n{at},{at / 3},," for at, row in enumerate(rows)]
    found = io.load(upload(tmp_path, "\n".join([head, *(line[:-1] for line in lines)])))
    assert list(found.labels) == ["app", "label", "note"]
    assert classes(found, "label") == ["0", "1", "0", "1"]


def test_a_text_that_is_another_in_every_row_is_no_label(tmp_path):
    rows = "".join(f"one.pcap,TCP,{A},{port},{B},80,a,x{port}\n" for port in range(1000, 1100))
    found = io.load(upload(tmp_path, f"capture,l4,src,sport,dst,dport,label,flow_id\n{rows}"))
    assert list(found.labels) == ["label"]


def test_rows_that_match_nothing_are_counted_and_named(tmp_path):
    rows = f"{ROWS}one.pcap,TCP,{A},9,{B},80,HTTP,2\nthree.pcap,TCP,{A},1001,{B},80,HTTP,2\n"
    told = warnings(upload(tmp_path, f"{HEAD}\n{rows}"))
    assert "1 row of flows that are not in the captures, as row 6 (10.0.0.1)" in told
    assert "1 row of captures that are not here, as row 7 (three.pcap)" in told


def test_rows_that_contradict_each_other_are_told_and_the_first_counts(tmp_path):
    rows = f"{ROWS}one.pcap,TCP,{B},80,{A},1001,TLS,2\n{ROWS.splitlines()[0]}\n"
    path = upload(tmp_path, f"{HEAD}\n{rows}")
    assert "1 row of flows that have other labels in a row above, which counts" in warnings(path)
    assert classes(io.load(path), "app")[0] == "HTTP"


def test_rows_of_captures_that_contradict_each_other_are_told_too(tmp_path):
    path = upload(tmp_path, "capture,app\none.pcap,HTTP\none.pcap,TLS\none.pcap,HTTP\n")
    told = "1 row of captures that have other labels in a row above, which counts, as row 3"
    assert f"{told} (one.pcap)" in warnings(path)
    assert set(classes(io.load(path), "app")) == {"HTTP", None}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (f"one.pcap,TCP,10.0.0,1001,{B},80,a,1", "row 2: '10.0.0' is no IP address"),
        (f"one.pcap,TCP,{A},70000,{B},80,a,1", "row 2: port '70000'; expected 0 to 65535"),
        (f"one.pcap,TCP,{A},,{B},80,a,1", "row 2: port ''; expected 0 to 65535"),
    ],
)
def test_rows_that_name_no_flow_are_errors_with_their_row(tmp_path, row, told):
    assert told in errors(upload(tmp_path, f"{HEAD}\n{row}\n"))
    many = f"{HEAD}\n" + f"{row}\n" * 8
    assert "3 more of these" in errors(upload(tmp_path, many))


def test_tables_that_are_no_labels(tmp_path):
    told = errors(upload(tmp_path, "a,b\n1,2\n"))
    assert "labels.csv: expected a header with capture, l4, src" in told
    assert "it has a, b" in told
    assert "it has no row" in errors(upload(tmp_path, f"{HEAD}\n"))
    table = f"{HEAD}\n{ROWS}"
    assert "expected one such table" in errors(upload(tmp_path, table, **{"more.csv": table}))
    found = io.load(upload(tmp_path, table, **{"sizes.csv": "a,b\n1,2\n"}))
    assert list(found.labels) == ["app"]


@pytest.mark.parametrize(
    ("own", "fault"),
    [
        (f"{HEAD}\none.pcap,TCP,10.0.0,1001,{B},80,a,1\n", "row 2: '10.0.0' is no IP address"),
        ("a,b\n1,2\n", "expected a header with capture"),
    ],
)
def test_labels_given_apart_stand_in_for_a_broken_table(tmp_path, own, fault):
    path = upload(tmp_path, own)
    assert fault in errors(path)
    found = io.load(path)
    assert found.labels == {}
    assert fault in found.label_faults[0].text
    table = tmp_path / "good.csv"
    table.write_text(f"{HEAD}\n{ROWS}")
    for rescued in (io.load(path, labels=table), traffic_of(inputs(path, table))):
        assert classes(rescued, "app") == ["HTTP", "TLS", "HTTP", None]
        assert rescued.label_faults == ()
        (notice,) = [line for line in rescued.notices if line.where == "labels.csv"]
        assert notice.text.startswith("not used, other labels were given: ")
        assert fault in notice.text
    with pytest.raises(UserError, match=r"^input captures: labels.csv: .*; or give input labels$"):
        traffic_of(inputs(path, None))


def inputs(path: Path, table: Path | None) -> dict[str, object]:
    return {"captures": io.load(path), "labels": None if table is None else io.load(table)}


def test_labels_that_reach_no_flow(tmp_path):
    told = warnings(upload(tmp_path, "file,label\nthree,a\nfour,b\n"))
    assert "labels.csv, label: no flow has a label" in told


def test_a_single_class_is_told(tmp_path):
    told = warnings(upload(tmp_path, "file,label\none,a\ntwo,a\n"))
    assert "a single class; methods that learn classes do not take it" in told


def test_folders_are_classes(tmp_path):
    members = {"s/web/a.pcap": pcap(ONE), "s/web/b.pcap": pcap(TWO), "s/dns/c.pcap": pcap(TWO)}
    found = io.load(zip_of(tmp_path / "set.zip", members))
    assert classes(found, "folder") == ["dns", "dns", "web", "web", "web", "web"]
    assert io.facts(found)["label_source"] == "names of folders"


def test_names_of_files_are_classes_without_their_number(tmp_path):
    members = {name: pcap(ONE) for name in ("web_1.pcap", "web-02.pcap", "dns (3).pcap", "7.pcap")}
    found = io.load(zip_of(tmp_path / "set.zip", members))
    assert found.labels["file"].classes == ("7", "dns", "web")
    assert found.labels["file"].captures(found.flows) == {"7": 1, "dns": 1, "web": 2}


def test_names_that_do_not_tell_classes(tmp_path):
    numbered = zip_of(tmp_path / "a.zip", {f"part{at}.pcap": pcap(ONE) for at in range(3)})
    assert not io.load(numbered).labels
    assert "no table, and no names of folders or files" in warnings(numbered)
    names = [f"{first}{second}" for first in "abcdef" for second in "uvwxyz"]
    many = zip_of(tmp_path / "b.zip", {f"{name}.pcap": pcap(ONE) for name in names})
    assert not io.load(many).labels


def test_a_table_alone_is_no_traffic(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"labels.csv: expected a header with capture"):
        io.load(table)
    assert not io.sniff(table)
