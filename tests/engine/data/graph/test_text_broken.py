"""Graphs in text with a fault: each is told with its row, and what was expected."""

from __future__ import annotations

import time

import pytest

from engine.data.graph import io, pairs, table
from tests.engine.data.graph.texts import (
    EDGES,
    errors_of,
    three,
)
from tests.engine.data.making import folder_of, report_on


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ("", "edges.csv: empty; expected at least one row"),
        ("from,to\n", "edges.csv: a header and no rows"),
        ("0,1\n1,-2\n", "row 2: node '-2' is negative; expected a whole number from 0"),
        ("0,1\n1,2.0\n", "row 2: node '2.0' is a decimal; expected a whole number"),
        ("0.0,1.0\n1.0,2.0\n", "row 1: node '0.0' is a decimal"),
        ("0,1\n1,x\n", "row 2: node 'x' is no whole number, as other rows have"),
        ("0,1\n1,\n", "row 2: an empty node; expected an id"),
        ("0,1\n1,01\n", "row 2: node '01' has leading zeros"),
        ("0,1\n1,9999999999999999999999\n", "or over 15 digits"),
        ("0,1\n1,nan\n", "row 2: node 'nan' is a decimal"),
        ("0,1\n1,2,3\n", "row 2: 3 columns, 2 expected"),
        ("0,1,1\n1,2\n", "row 2: 2 columns, 3 expected"),
        ("0,1,1\n1,2,x\n", "row 2: weight 'x'; expected a number"),
        ("0,1,nan\n1,2,1\n", "1 weight NaN or infinite, entry 0"),
        ("0,1,2,3\n", "row 1: 4 columns; expected 2 (two nodes) or 3 (and a weight)"),
        ("0\n1\n", "row 1: 1 column; expected 2"),
        ("0,1\n\n1,2\n", "edges.csv: row 2: an empty line"),
        ("0,1\n1,2\n\n2,3\n", "edges.csv: row 3: an empty line"),
        ("0,1\n0,1\r1,2\n", "row 2: a carriage return inside a line"),
        ("0,0\n1,1\n", "no edge between two nodes"),
        ('0,1\n"1,2\n', "row 2: unexpected end of data; expected balanced quotes"),
        ('0\t1\n"1"a\t2\n', "row 2: '\\t' expected after '\"'; expected balanced quotes"),
    ],
)
def test_a_broken_row_of_edges_is_told(tmp_path, edges, message):
    assert message in errors_of(three(tmp_path, edges))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ("1,0\n0,1\n1\n0,1\n", "features.csv: row 3: 1 column, 2 expected"),
        ("1,0\n0,1,1\n1,0\n0,1\n", "features.csv: row 2: 3 columns, 2 expected"),
        ("1,0\n0,nan\n1,0\n0,1\n", "features.csv: row 2: column 2: 'nan'; expected a number"),
        ("1,0\n0,1\n-inf,0\n0,1\n", "features.csv: row 3: column 1: '-inf'; expected a number"),
        ("1,0\n0,1e999\n1,0\n0,1\n", "row 2: column 2: '1e999'"),
        ("1,0\n0,1e300\n1,0\n0,1\n", "node 1, feature 1: NaN, infinite or beyond 32 bits"),
        ("1,0\n0,\n1,0\n0,1\n", "row 2: column 2: ''; expected a number"),
        ("1,0\n0,1_0\n1,0\n0,1\n", "row 2: column 2: '1_0'"),
        ("1,0\n0,yes\n1,0\n0,1\n", "row 2: column 2: 'yes'"),
        ("a,b,c\n0,1\n1,0\n", "row 1: a header of 3 columns, and 2 in the next row"),
        ("1;0,5\n0;1,5\n1;0\n0;1\n", "column 2: '0,5'; expected a number"),
        ("id,a\n0,1\n1,1\n1,1\n2,1\n", "features.csv: row 4: node 1 is there twice"),
        ("id,a\n0,1\n1,1\n-2,1\n3,1\n", "features.csv: row 4: id '-2'; expected a whole number"),
        ("id,a\n0,1\n1,1\n2.5,1\n3,1\n", "features.csv: row 4: id '2.5'"),
        ("id,a\n0,1\n1,1\n,1\n3,1\n", "features.csv: row 4: an empty id"),
        ("1,0\n0,1\n1,0\n", "labels.csv: 4 rows; features.csv has 3: expected as many"),
    ],
)
def test_a_broken_row_of_features_is_told(tmp_path, features, message):
    assert message in errors_of(three(tmp_path, features=features))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("0\n0\n1\n", "labels.csv: 3 rows; features.csv has 4: expected as many"),
        ("0\n0\n-3\n1\n", "labels.csv: row 3: label -3; expected a class number from 0, or -1"),
        ("0\n0\n1.5\n1\n", "labels.csv: row 3: label 1.5"),
        ("0\n0\nnan\n1\n", "labels.csv: row 3: label nan"),
        ("0\n0\nx\n1\n", "labels.csv: row 3: label 'x'; expected a class number from 0"),
        ("label\n0\n0\nx\n1\n", "labels.csv: row 4: label 'x'"),
        ("0,1,2\n", "labels.csv: row 1: 3 columns; expected 1 (the label) or 2 (node, label)"),
        ("0,0\n1\n2,1\n3,1\n", "labels.csv: row 2: 1 column, 2 expected"),
        ("node,label\n0,0\n1,0\n2,1\n2,1\n", "labels.csv: row 5: node 2 is there twice"),
    ],
)
def test_a_broken_row_of_labels_is_told(tmp_path, labels, message):
    assert message in errors_of(three(tmp_path, labels=labels))


def test_an_empty_name_of_a_class_is_unknown_in_the_last_row_too(tmp_path):
    path = three(tmp_path, labels="0\ta\n1\t\n2\ta\n3\t\n")
    assert io.load(path).labels.tolist() == [0, -1, 0, -1]


def test_a_header_may_name_the_label_before_the_node(tmp_path):
    path = three(tmp_path, labels="class,node\na,2\nb,1\nb,0\na,3\n")
    assert io.load(path).labels.tolist() == [1, 1, 0, 0]


def test_labels_of_other_nodes_than_features_are_refused(tmp_path):
    path = three(tmp_path, features="a,1,0\nb,0,1\n", labels="a,0\nz,1\n", edges="a,b\n")
    assert "labels.csv: node 'z' is not in features.csv (1 of these)" in errors_of(path)


def test_ids_of_two_sorts_are_refused(tmp_path):
    path = three(tmp_path, features="a,1,0\nb,0,1\n", labels="0,0\n1,1\n", edges="a,b\n")
    assert "labels.csv: ids unlike those of features.csv" in errors_of(path)


def test_ids_from_one_beside_ids_from_zero_are_refused(tmp_path):
    path = three(tmp_path, features="id,a\n1,1\n2,1\n", labels="0,0\n1,1\n", edges="1,2\n")
    assert "labels.csv: node 0 is not in features.csv (1 of these)" in errors_of(path)
    path = three(tmp_path / "b", features="id,a\n1,1\n2,1\n", labels=None, edges="0,1\n")
    assert "edges.csv: row 1: node 0 does not exist; expected one of the 2 ids, as 1" in errors_of(
        path
    )


def test_reading_stops_after_twenty_faults(tmp_path):
    path = three(tmp_path, features="1,0\n" + "1\n" * 50, labels=None)
    lines = errors_of(path).splitlines()
    assert lines[19] == "features.csv: row 21: 1 column, 2 expected"
    assert lines[20] == "features.csv: reading stopped after 20 faults"


@pytest.mark.parametrize(
    "labels",
    [
        "class\n0\n1\n0\n1\n",
        "cat\ncity\ncat\ncity\n",
        "cat\n" * 4,
        "cat\ncity\n(other)\np0\n",
        "cat\ncity\np0\np0\n",
    ],
)
def test_a_column_that_begins_with_c_is_no_pickle(tmp_path, labels):
    assert errors_of(three(tmp_path, labels=labels)) == ""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_are_told(tmp_path, encoding):
    path = folder_of(tmp_path / "graph", {"edges.csv": EDGES.encode(encoding)})
    assert "edges.csv: not UTF-8 text (UTF-16 or binary); expected UTF-8" in errors_of(path)


@pytest.mark.parametrize("text", [EDGES, "0,1\n1,2\n2,0\n"])
def test_ends_of_lines_by_cr_alone_are_told(tmp_path, text):
    path = folder_of(tmp_path / "graph", {"edges.csv": text.replace("\n", "\r").encode()})
    assert "edges.csv: lines that end in CR alone; expected LF or CR LF" in errors_of(path)


def test_bytes_that_are_not_utf8_are_told_with_row_and_place(tmp_path):
    path = folder_of(tmp_path / "graph", {"edges.csv": "ann,bob\nbob,zoë\n".encode("latin-1")})
    assert "edges.csv: row 2: not UTF-8 at byte 7; save the file as UTF-8" in errors_of(path)


def test_nul_bytes_are_refused_wherever_they_stand(tmp_path):
    path = folder_of(tmp_path / "graph", {"edges.csv": b"0,1\n" * 10 + b"\0,1\n"})
    assert "edges.csv: NUL bytes" in errors_of(path)


def test_a_line_too_long_is_told_with_its_row(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "MAX_LINE", 50)
    path = three(tmp_path, features="1,0\n0,1\n" + "1," * 30 + "0\n")
    assert "features.csv: row 3: over 50 bytes long" in errors_of(path)
    path = three(tmp_path / "first", features="1," * 30 + "0\n")
    assert "features.csv: row 1: over 50 bytes long" in errors_of(path)


def test_more_rows_than_allowed_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, "MAX_ROWS", 2)
    assert "edges.csv: over 2 rows, which is the most allowed" in errors_of(three(tmp_path))


def test_a_name_too_long_is_refused_before_all_names_get_its_room(tmp_path):
    name = "x" * 201
    path = three(tmp_path / "edges", f"a,b\nb,{name}\n", None, None)
    assert "edges.csv: row 2: a node's name of 201 characters" in errors_of(path)
    path = three(tmp_path / "labels", labels=f"a\na\nb\n{name}\n")
    assert "labels.csv: row 4: a name of 201 characters" in errors_of(path)
    path = three(tmp_path / "ids", features=f"a,1,0\nb,0,1\n{name},1,0\nd,0,1\n")
    assert "features.csv: row 3: a name of 201 characters" in errors_of(path)


@pytest.mark.parametrize(
    "text",
    [
        "0,1," + "1" * 3_000_000 + "x\n0,1,1\n",
        "0,1,1\n0,1," + "1" * 3_000_000 + "x\n",
        "0,1\n" + "\n" * 3_000_000 + "1,2\n",
        "0 1\n" + " " * 3_000_000 + "x\n",
        "0,1\n" + '"' * 3_000_000 + "\n",
    ],
)
def test_a_row_made_to_be_slow_is_answered_quickly(tmp_path, text):
    path = tmp_path / "edges.csv"
    path.write_text(text)
    start = time.process_time()
    assert not report_on(io, path).passed
    assert time.process_time() - start < 5
