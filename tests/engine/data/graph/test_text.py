"""Graphs in text: layouts that are understood, and how nodes are named."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.graph import io, table
from engine.data.graph.text import role_of
from tests.engine.data.graph.texts import (
    CHAIN,
    EDGES,
    FEATURES,
    LABELS,
    errors_of,
    three,
    warnings_of,
)
from tests.engine.data.making import folder_of, report_on, said, zip_of

# Which file is what


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("edges.csv", "edges"),
        ("acm/acm.edge", "edges"),
        ("Cora_Edges.TSV", "edges"),
        ("x.edgelist", "edges"),
        ("edge_list.txt", "edges"),
        ("acm.feature", "features"),
        ("my features.csv", "features"),
        ("node_attributes.txt", "features"),
        ("acm.label", "labels"),
        ("labels", "labels"),
        ("README.md", None),
        ("edges.json", None),
        ("hedges.csv", None),
        ("labels_of_edges_readme.txt", None),
    ],
)
def test_a_file_is_known_by_its_name(name, role):
    assert role_of(name) == role


def test_a_folder_and_a_zip_of_it_are_read_alike(tmp_path):
    folder = three(tmp_path)
    packed = zip_of(
        tmp_path / "graph.zip",
        {f"data/{file.name}": file.read_bytes() for file in folder.iterdir()},
    )
    for path in (folder, packed):
        graph = io.load(path)
        assert graph.edge_list().tolist() == CHAIN
        assert graph.features.toarray().tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
        assert graph.labels.tolist() == [0, 0, 1, 1]
        assert io.sniff(path)
        assert warnings_of(path) == ""


def test_two_files_of_one_role_are_refused(tmp_path):
    path = folder_of(three(tmp_path), {"other_edges.csv": EDGES})
    assert "2 files of edges (edges.csv, other_edges.csv); expected one" in errors_of(path)


def test_other_files_are_named_and_left_out(tmp_path):
    path = folder_of(three(tmp_path), {"README.md": "# words"})
    assert "graph: not part of a graph, left out: README.md" in said(report_on(io, path), "ok")


def test_a_folder_without_edges_is_refused(tmp_path):
    path = folder_of(tmp_path / "graph", {"labels.csv": LABELS})
    assert "no file of edges; expected edges.csv" in errors_of(path)
    assert not io.sniff(path)


def test_a_lone_file_of_edges_is_read_whatever_its_name(tmp_path):
    path = tmp_path / "3f2a"
    path.write_text("0 1\n1 2\n")
    assert io.sniff(path)
    assert io.load(path).edges == 2
    assert "no features" in warnings_of(path)


def test_a_zip_of_one_file_is_read_as_edges_whatever_its_name(tmp_path):
    assert io.load(zip_of(tmp_path / "a.zip", {"karate.txt": "0 1\n1 2\n"})).edges == 2


@pytest.mark.parametrize("text", ["just some words\nin two lines\n", "", '{"train": [1]}', "a\0b"])
def test_other_texts_are_not_taken_for_edges(tmp_path, text):
    path = tmp_path / "file"
    path.write_text(text)
    assert not io.sniff(path)


# Layouts


@pytest.mark.parametrize("gap", [" ", "\t", ",", ";", "|", ", ", "  ", " ; "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("header", [False, True])
def test_separators_line_ends_marks_and_headers_make_no_difference(tmp_path, gap, end, bom, header):
    def text(rows: list[list[str]], names: list[str]) -> str:
        rows = [names, *rows] if header else rows
        return bom + "".join(gap.join(row) + end for row in rows)

    edges = [line.split(",") for line in EDGES.split()]
    features = [line.split(",") for line in FEATURES.split()]
    labels = [[line] for line in LABELS.split()]
    path = three(
        tmp_path,
        text(edges, ["source", "target"]),
        text(features, ["word", "other"]),
        text(labels, ["label"]),
    )
    report = report_on(io, path)
    graph = io.load(path)
    assert graph.edge_list().tolist() == CHAIN
    assert graph.features.toarray().tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert graph.labels.tolist() == [0, 0, 1, 1]
    told = said(report, "ok")
    assert ("byte order mark left out" in told) == bool(bom)
    assert ("Windows line ends" in told) == (end == "\r\n")
    assert ("edges.csv: row 1 is a header: 'source', 'target'" in told) == header


def test_a_file_may_lack_its_last_line_end_or_have_several(tmp_path):
    assert io.load(three(tmp_path / "a", EDGES.rstrip("\n"))).edges == 3
    assert io.load(three(tmp_path / "b", EDGES + "\n\n")).edges == 3
    assert io.load(three(tmp_path / "c", labels=LABELS + "\r\n \r\n")).classes == 2


def test_comments_at_the_top_are_left_out(tmp_path):
    path = three(tmp_path, "# Directed graph\n# from a site\n" + EDGES)
    assert io.load(path).edges == 3
    assert "edges.csv: 2 comment lines at the top left out" in said(report_on(io, path), "ok")


def test_a_header_of_counted_columns_is_known(tmp_path):
    """As a table's own export writes them: 0, 1, 2, …"""
    head = ",".join(map(str, range(9)))
    rows = "\n".join(",".join("1" if at == row else "0" for at in range(9)) for row in range(4))
    path = three(tmp_path, features=f"{head}\n{rows}\n")
    assert io.load(path).features.toarray().tolist() == np.eye(4, 9).tolist()


def test_a_header_that_leaves_out_the_ids_is_known(tmp_path):
    """As R writes a table with row names."""
    path = three(
        tmp_path, "1,2\n2,3\n3,4\n", features='"a","b"\n"1",1,0\n"2",0,1\n"3",1,0\n"4",0,1\n'
    )
    assert io.load(path).features.toarray().tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]


def test_quoted_cells_are_read(tmp_path):
    path = three(tmp_path, labels='"node","label"\n"0","a,b"\n"1","a,b"\n"2","c"\n"3","c"\n')
    assert io.load(path).labels.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("header", ["", "class\n", "# of a site\nclass\n", "\ufefflabel\r\n"])
@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ("Case Based\nNeural Networks\n" * 2, ["Case Based", "Neural Networks"]),
        ('"Case Based"\n"Neural Networks"\n' * 2, ["Case Based", "Neural Networks"]),
        ('"Theory"\n"Neural, Networks"\n' * 2, ["Neural, Networks", "Theory"]),
        ('"Neural, Networks"\n"Theory"\n' * 2, ["Neural, Networks", "Theory"]),
        ("Theory\nNeural, Networks\n" * 2, ["Neural, Networks", "Theory"]),
        ("Theory of it all\nCase Based\n" * 2, ["Case Based", "Theory of it all"]),
        ('"A ""B"" C"\nTheory\n' * 2, ['A "B" C', "Theory"]),
    ],
)
def test_names_of_classes_may_have_spaces(tmp_path, header, labels, classes):
    path = three(tmp_path, labels=header + labels)
    assert errors_of(path) == ""
    assert io.load(path).class_names.tolist() == classes


def test_names_in_quotes_are_whole_beside_nodes_too(tmp_path):
    path = three(tmp_path, labels='0 "Case Based"\n1 Theory\n2 Theory\n3 "Case Based"\n')
    assert io.load(path).class_names.tolist() == ["Case Based", "Theory"]


@pytest.mark.parametrize(
    "labels",
    ["ann a\nann b\ncy a\ndee b\n", "ann a\nbob\ncy b\ndee a\n", "a b c\na b d\nb c d\nx y z\n"],
)
def test_rows_that_spaces_tore_apart_are_told_to_be(tmp_path, labels):
    assert "rows were split at spaces: put names of several words in quotes" in errors_of(
        three(tmp_path, labels=labels)
    )


def test_real_values_are_read_exactly(tmp_path):
    path = three(tmp_path, features="0.5,-1e-3\n0,2\n.25,1.\n+3,0\n")
    expected = np.float32([[0.5, -1e-3], [0, 2], [0.25, 1], [3, 0]])
    assert (io.load(path).features.toarray() == expected).all()
    assert "real-valued" in said(report_on(io, path), "ok")


def test_weights_are_ignored_and_told(tmp_path):
    path = three(tmp_path, "0,1,0.5\n1,2,1\n2,3,0\n")
    assert io.load(path).edge_list().tolist() == [[0, 1], [1, 2]]
    assert "edges.csv: 1 weight other than 1 ignored" in warnings_of(path)
    assert "edges.csv: 1 entry of weight 0 dropped" in warnings_of(path)


@pytest.mark.parametrize(
    ("header", "row", "left_out"),
    [
        (",source,target", "{at},{a},{b}", "''"),  # pandas, with its index
        ("id,source,target", "{at},{a},{b}", "'id'"),
        ("edge,From,To,weight", "{at},{a},{b},1", "'edge'"),
        ("weight,target,source", "1,{b},{a}", None),
        ("Source,Target,Type,Id,Label,Weight", "{a},{b},Undirected,{at},,1.0", "'Type', 'Id', "),
        ("node_1,node_2,year", "{a},{b},0", "'year'"),  # no weight: 0 drops no edge
        ("source,target", "{a},{b}", None),
    ],
)
def test_the_nodes_of_an_edge_are_found_by_the_header(tmp_path, header, row, left_out):
    rows = [row.format(at=at, a=a, b=b) for at, (a, b) in enumerate(CHAIN)]
    path = three(tmp_path, "\n".join([header, *rows]) + "\n")
    assert io.load(path).edge_list().tolist() == CHAIN
    told = f"edges.csv: columns that are neither node nor weight left out: {left_out}"
    assert (told in warnings_of(path)) == bool(left_out)


def test_nodes_by_name_are_found_by_the_header_too(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("id,weight,source,target\n7,1,bob,ann\n8,1,cy,bob\n9,0,cy,ann\n")
    assert io.load(path).edge_list().tolist() == [[0, 1], [1, 2]]
    assert "1 entry of weight 0 dropped" in warnings_of(path)


@pytest.mark.parametrize(
    "header", ["id,node,neighbour", ",a,b", "a,b,c", "source,b,c", "a,b,weight,x"]
)
def test_a_header_that_leaves_the_nodes_open_is_refused(tmp_path, header):
    rows = [",".join([str(at), str(at + 1), *"11"][: header.count(",") + 1]) for at in range(3)]
    path = three(tmp_path, "\n".join([header, *rows]) + "\n")
    assert "expected two that are named source and target" in errors_of(path)


def test_a_name_in_quotes_may_hold_the_separator(tmp_path):
    features = 'name,a,b\n"Doe, Jo",1,0\nann,0,1\n"x ""y""",1,0\nbob,0,1\n'
    edges = 'source,target\n"Doe, Jo",ann\nann,"x ""y"""\n"x ""y""",bob\n'
    graph = io.load(three(tmp_path, edges, features))
    assert graph.edge_list().tolist() == CHAIN
    assert graph.features.toarray().tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert graph.node_names.tolist() == ["Doe, Jo", "ann", 'x "y"', "bob"]


@pytest.mark.parametrize(
    ("features", "labels", "nodes", "classes"),
    [
        (FEATURES, LABELS, None, None),
        (FEATURES, "7\n7\n3\n3\n", None, ["3", "7"]),
        (FEATURES, 'tea\ntea\n""\nair\n', None, ["air", "tea"]),
        ("id,a\n3,1\n2,0\n1,1\n0,0\n", LABELS, None, None),
        ("id,a\n4,1\n3,0\n2,1\n1,0\n", LABELS, ["1", "2", "3", "4"], None),
        ("id,a\n40,1\n30,0\n20,1\n10,0\n", LABELS, ["40", "30", "20", "10"], None),
    ],
)
def test_what_the_file_calls_nodes_and_classes_is_kept(tmp_path, features, labels, nodes, classes):
    edges = EDGES
    if nodes:
        edges = "".join(f"{a},{b}\n" for a, b in pairwise(nodes))
    graph = io.load(three(tmp_path, edges, features, labels))
    assert graph.edge_list().tolist() == CHAIN
    for told, expected in ((graph.node_names, nodes), (graph.class_names, classes)):
        assert (None if told is None else told.tolist()) == expected
    part = graph.subgraph(np.array([1, 2]))
    assert nodes is None or part.node_names.tolist() == nodes[1:3]


def test_edges_alone_keep_the_names_of_their_ends(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("bob,ann\ncy,bob\n")
    assert io.load(path).node_names.tolist() == ["ann", "bob", "cy"]


def test_a_separator_that_is_none_is_told_as_one_column(tmp_path):
    report = report_on(io, three(tmp_path, "0:1\n1:2\n"))
    assert "edges.csv: text, one column" in said(report, "ok")
    assert "row 1: 1 column; expected 2" in said(report, "error")


def test_directed_edges_repeats_and_loops_are_counted(tmp_path):
    path = three(tmp_path, "0,1\n1,0\n1,2\n1,2\n2,2\n2,3\n")
    told = warnings_of(path)
    assert "edges.csv: 1 self-loop dropped" in told
    assert "edges.csv: 1 repeated entry dropped" in told
    assert "4 directed entries (2 of them in both directions) made 3 undirected edges" in told
    assert report_on(io, path).facts["directed_input"] is True


# Names of nodes


def test_an_id_out_of_range_is_told_with_its_row(tmp_path):
    path = three(tmp_path, "0,1\n1,4\n9,2\n")
    assert errors_of(path).splitlines() == [
        "edges.csv: row 2: node 4 does not exist; expected 0 to 3",
        "edges.csv: row 3: node 9 does not exist; expected 0 to 3",
    ]


def test_rows_are_counted_with_the_header(tmp_path):
    path = three(tmp_path, "from,to\n0,1\n1,7\n")
    assert "edges.csv: row 3: node 7 does not exist" in errors_of(path)


def test_ids_from_one_are_known_by_the_last_and_the_missing_first(tmp_path):
    path = three(tmp_path, "1,2\n2,3\n3,4\n")
    assert io.load(path).edge_list().tolist() == CHAIN
    assert "node 4 occurs and node 0 does not" in warnings_of(path)


def test_ids_that_are_a_full_count_are_node_numbers_in_any_order_of_rows(tmp_path):
    path = three(
        tmp_path,
        features="id,a,b\n3,0,1\n2,1,0\n1,0,1\n0,1,0\n",
        labels="id,label\n1,0\n0,0\n3,1\n2,1\n",
    )
    graph = io.load(path)
    assert graph.features.toarray().tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert graph.labels.tolist() == [0, 0, 1, 1]
    assert warnings_of(path) == ""


def test_ids_with_gaps_are_names_numbered_by_row(tmp_path):
    path = three(
        tmp_path,
        "10,7\n7,30\n30,5\n",
        "id,a,b\n10,1,0\n7,0,1\n30,1,0\n5,0,1\n",
        "node,label\n5,1\n30,1\n7,0\n10,0\n",
    )
    graph = io.load(path)
    assert graph.edge_list().tolist() == CHAIN
    assert graph.labels.tolist() == [0, 0, 1, 1]
    assert "features.csv: ids from 5 to 30 for 4 nodes: taken as names" in warnings_of(path)


def test_ids_from_one_in_a_column_are_node_numbers_plus_one(tmp_path):
    path = three(tmp_path, "1,2\n2,3\n3,4\n", labels="id,label\n4,1\n3,1\n2,0\n1,0\n")
    graph = io.load(path)
    assert graph.edge_list().tolist() == CHAIN
    assert graph.labels.tolist() == [0, 0, 1, 1]
    assert "labels.csv: ids count from 1" in warnings_of(path)


def test_names_of_text_are_numbered_by_row(tmp_path):
    path = three(
        tmp_path,
        "ann,bob\nbob,cy\ncy,dee\n",
        "ann,1,0\nbob,0,1\ncy,1,0\ndee,0,1\n",
        "dee,b\ncy,b\nbob,a\nann,a\n",
    )
    graph = io.load(path)
    assert graph.edge_list().tolist() == CHAIN
    assert graph.labels.tolist() == [0, 0, 1, 1]
    assert "features.csv: nodes have names and are numbered by row" in said(
        report_on(io, path), "ok"
    )


def test_features_without_ids_follow_the_rows_of_labels_with_names(tmp_path):
    path = three(tmp_path, "a,b\nb,c\nc,d\n", labels="a,0\nb,0\nc,1\nd,1\n")
    assert io.load(path).edge_list().tolist() == CHAIN


def test_labels_without_ids_follow_the_rows_of_features_with_names(tmp_path):
    path = three(tmp_path, "a,b\nb,c\nc,d\n", "a,1,0\nb,0,1\nc,1,0\nd,0,1\n")
    assert io.load(path).labels.tolist() == [0, 0, 1, 1]
    assert "labels.csv: no id column: row by row as in features.csv" in warnings_of(path)


def test_a_name_that_no_row_has_is_told_with_its_row(tmp_path):
    path = three(tmp_path, "a,b\nb,x\n", "a,1,0\nb,0,1\nc,1,0\nd,0,1\n")
    assert "edges.csv: row 2: node 'x' does not exist; expected one of the 4 ids" in errors_of(path)


def test_nodes_without_a_label_are_of_unknown_class(tmp_path):
    path = three(tmp_path, labels="node,label\n0,0\n1,0\n3,1\n2,1\n", features=None)
    assert io.load(path).labels.tolist() == [0, 0, 1, 1]
    path = three(
        tmp_path / "less",
        features="id,a,b\n0,1,0\n1,0,1\n2,1,0\n3,0,1\n",
        labels="node,label\n0,0\n3,0\n",
    )
    assert io.load(path).labels.tolist() == [0, -1, -1, 0]
    assert "labels.csv: no label for 2 nodes" in warnings_of(path)


def test_edges_alone_number_the_ids_that_occur(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("5,9\n9,20\n")
    assert io.load(path).edge_list().tolist() == [[0, 1], [1, 2]]
    assert "3 ids between 5 and 20, with gaps: numbered from 0 in order" in warnings_of(path)
    path.write_text("1,2\n2,3\n")
    assert io.load(path).edge_list().tolist() == [[0, 1], [1, 2]]
    assert "ids count from 1" in warnings_of(path)
    path.write_text("bob,ann\ncy,bob\n")
    assert io.load(path).edge_list().tolist() == [[0, 1], [1, 2]]
    assert "3 named nodes, numbered by alphabet" in said(report_on(io, path), "ok")


# Blocks


@pytest.mark.parametrize("block", [1, 3, 7, 1 << 20])
def test_rows_that_span_blocks_are_whole(tmp_path, monkeypatch, block):
    monkeypatch.setattr(table, "BLOCK", block)
    path = three(tmp_path, "".join(f"{at % 4},{(at + 1) % 4}\n" for at in range(40)) + "\n\n")
    assert io.load(path).edges == 4


@pytest.mark.parametrize("block", [1, 5, 1 << 20])
def test_a_row_is_named_rightly_in_a_later_block(tmp_path, monkeypatch, block):
    monkeypatch.setattr(table, "BLOCK", block)
    edges = "u,v\n" + "0,1\n" * 30 + "0,x\n" + "0,1\n"
    assert "edges.csv: row 32: node 'x'" in errors_of(three(tmp_path, edges))
    edges = "0,1\n" * 30 + "\n\n\n" + "0,1\n"
    assert "edges.csv: row 31: an empty line" in errors_of(three(tmp_path / "blank", edges))


@settings(max_examples=40, deadline=None)
@given(
    pairs_=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30),
    seed=st.integers(0, 2**16),
)
def test_the_order_of_edges_and_of_their_ends_does_not_matter(tmp_path_factory, pairs_, seed):
    rng = np.random.default_rng(seed)
    pairs_ = [*pairs_, (0, 1)]
    turned = [pair[::-1] if rng.random() < 0.5 else pair for pair in pairs_]
    shuffled = [turned[at] for at in rng.permutation(len(turned))]
    labels = "\n".join("0101010101") + "\n"
    folder = tmp_path_factory.mktemp("order")
    one, other = (
        three(folder / name, "".join(f"{u} {v}\n" for u, v in rows), None, labels)
        for name, rows in (("one", pairs_), ("other", shuffled))
    )
    assert (io.load(one).adjacency != io.load(other).adjacency).nnz == 0


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.lists(
            st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3
        ),
        min_size=4,
        max_size=4,
    )
)
def test_features_written_as_text_are_read_back_equal(tmp_path_factory, rows):
    text = "".join(",".join(map(repr, row)) + "\n" for row in rows)
    path = three(tmp_path_factory.mktemp("features"), features=text)
    assert (io.load(path).features.toarray() == np.float32(rows)).all()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"train": [0], "val": [1]}',
        "[0, 1]\n",
        '\ufeff \t{\n "edgy": [\n',
        "[[0, 1], [1, 2]]",
    ],
)
def test_json_is_no_graph(tmp_path, text):
    path = tmp_path / "split.csv"
    path.write_text(text, encoding="utf-8")
    assert not io.sniff(path)
    assert errors_of(path).startswith("split.csv: ")
    assert "JSON" in errors_of(path) or "lists of nodes and links" in errors_of(path)


def test_json_for_labels_is_refused_by_its_name(tmp_path):
    assert "labels.csv: JSON" in errors_of(three(tmp_path, labels='[\n"a"\n]\n'))
