"""Node-link JSON: read as networkx writes it, and refused by node, edge and name."""

from __future__ import annotations

import json

import pytest

from engine.data.graph import attributes, io, nodelink
from tests.engine.data.graph.documents import (
    CHAIN,
    content,
    error,
    nodes,
    saved,
    warning,
)
from tests.engine.data.making import report_on, said


@pytest.mark.parametrize("key", ["links", "edges"])
def test_node_link_json_is_read_with_both_keys(tmp_path, key):
    whole = content()
    whole[key] = whole.pop("links")
    path = saved(tmp_path, whole)
    graph = io.load(path)
    assert graph.edge_list().tolist() == CHAIN
    assert graph.features.toarray().tolist() == [[1, 0], [0, 1], [1, 0.5], [0, 1]]
    assert graph.labels.tolist() == [0, 0, 1, 1]
    assert io.sniff(path)
    assert "node-link JSON: 4 nodes, 3 edges" in said(report_on(io, path), "ok")
    assert warning(path) == ""


def test_a_byte_order_mark_is_left_out(tmp_path):
    path = saved(tmp_path, "\ufeff" + json.dumps(content()))
    assert io.load(path).edges == 3
    assert io.sniff(path)


def test_numbers_by_name_are_a_feature_each(tmp_path):
    whole = nodes(*({"x": None, "age": at, "old": at > 1, "note": "n"} for at in range(4)))
    path = saved(tmp_path, whole)
    assert io.load(path).features.toarray().tolist() == [[0, 0], [1, 0], [2, 1], [3, 1]]
    assert "features are the attributes 'age', 'old'" in said(report_on(io, path), "ok")
    assert "attributes left out: 'note'; a class is looked for under class" in warning(path)


def test_beside_a_list_of_features_other_attributes_are_left_out_and_named(tmp_path):
    whole = nodes({"age": 3, "pos": [1, 2], "more": {"a": 1}, "none": None})
    path = saved(tmp_path, whole)
    assert io.load(path).features.shape == (4, 2)
    assert "attributes left out: 'pos', 'more', 'age'" in warning(path)


def test_nodes_without_features_or_class_are_counted(tmp_path):
    path = saved(tmp_path, nodes({}, {"x": None}, {"label": None}))
    graph = io.load(path)
    assert graph.features.toarray()[1].tolist() == [0, 0]
    assert graph.labels.tolist() == [0, 0, -1, 1]
    told = warning(path)
    assert "graph.json: no features for 1 node: read as zeros" in told
    assert "graph.json: no class for 1 node" in told


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["b", "b", "a", "a"], [1, 1, 0, 0]),
        (["b", "b", "", "a"], [1, 1, -1, 0]),
        (["10", "10", "9", "9"], [1, 1, 0, 0]),  # numbers, not names by alphabet
        ([7, 7, -1, 3], [1, 1, -1, 0]),
        ([1.0, 1.0, 0.0, 0.0], [1, 1, 0, 0]),
    ],
)
def test_classes_are_numbers_or_names(tmp_path, values, labels):
    path = saved(tmp_path, nodes(*({"label": value} for value in values)))
    assert io.load(path).labels.tolist() == labels


def test_the_class_is_the_first_name_that_fits(tmp_path):
    """What draws a graph writes the node's name as label, and its place as x and y."""
    whole = nodes(
        *(
            {"x": 0.5 * at, "y": 1.5 * at, "label": f"node {at}", "group": at // 2}
            for at in range(4)
        )
    )
    path = saved(tmp_path, whole)
    graph = io.load(path)
    assert graph.labels.tolist() == [0, 0, 1, 1]
    assert graph.features.toarray().tolist() == [[0, 0], [0.5, 1.5], [1, 3], [1.5, 4.5]]
    told = warning(path)
    assert "'label' is not taken for the class: it differs at every node, as a name does" in told
    assert "'y' is not taken for the class: another attribute is the class" in told


def test_values_that_are_no_whole_numbers_are_features(tmp_path):
    path = saved(tmp_path, nodes(*({"x": None, "label": None, "y": at / 2} for at in range(4))))
    graph = io.load(path)
    assert graph.labels is None
    assert graph.features.toarray().ravel().tolist() == [0, 0.5, 1, 1.5]
    assert "'y' is not taken for the class: its values are no whole numbers" in warning(path)


def test_nodes_without_ids_are_named_by_their_place(tmp_path):
    """As D3 has it."""
    path = saved(tmp_path, nodes(*({"id": None, "name": f"n{at}"} for at in range(4))))
    assert io.load(path).edge_list().tolist() == CHAIN
    assert "nodes have no id: edges name their places in the list, from 0" in warning(path)


@pytest.mark.parametrize(
    ("ids", "order", "message"),
    [
        ([2, 0, 3, 1], [2, 0, 3, 1], ""),
        ([4, 2, 1, 3], [3, 1, 0, 2], "ids count from 1: node 1 of the file is node 0 here"),
        ([7, 5, 9, 2], [0, 1, 2, 3], "ids from 2 to 9 for 4 nodes: taken as names"),
        (["d", "b", "a", "c"], [0, 1, 2, 3], ""),
        (["0", "1", "2", "x"], [0, 1, 2, 3], ""),
    ],
)
def test_ids_are_numbers_where_they_are_a_count_and_names_elsewhere(tmp_path, ids, order, message):
    whole = content()
    for node, id in zip(whole["nodes"], ids, strict=True):
        node["id"] = id
    whole["links"] = [{"source": ids[at], "target": ids[at + 1]} for at in range(3)]
    path = saved(tmp_path, whole)
    graph = io.load(path)
    expected = sorted(sorted([order[at], order[at + 1]]) for at in range(3))
    assert graph.edge_list().tolist() == expected
    rows = [[1, 0], [0, 1], [1, 0.5], [0, 1]]
    assert graph.features.toarray()[order].tolist() == rows
    assert graph.labels[order].tolist() == [0, 0, 1, 1]
    assert message in warning(path)


@pytest.mark.parametrize(
    ("whole", "message"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes (line 1, column 2)"),
        ('{"nodes": [], "nodes": []}', "key 'nodes' is there twice; expected it once"),
        ('{"nodes": ' + "[" * 100_000, "nested too deeply; expected lists of nodes and edges"),
        ('{"nodes": [' + "9" * 5000 + "]}", "thousands of digits; expected numbers of at most 64"),
        ("[1, 2]", "a list at the top; expected an object with lists of nodes and links"),
        ({"nodes": [], "adjacency": []}, "holds 'nodes', 'adjacency'; expected an object with"),
        ({"elements": {}}, "holds 'elements'; expected an object with lists of nodes and links"),
        (content(edges=[]), "holds both links and edges; expected one of them"),
        (content(nodes={"0": {}}), "nodes: an object; expected a list"),
        (content(links=3), "links: a number; expected a list"),
        (content(nodes=[]), "lists no nodes; expected at least two"),
        (content(links=[]), "graph.json: no edge between two nodes"),
        (content(nodes=[{"id": 0}, 1]), "nodes[1]: a number; expected an object"),
        (content(links=[[0, 1]]), "links[0]: a list; expected an object"),
        (content(links=[{"source": 0}]), "links[0]: no target; expected one, as the others have"),
        (
            content(links=[{"source": 0, "target": 9}]),
            "links[0]: node 9 does not exist; expected",
        ),
        (
            content(links=[{"source": 0, "target": 4}]),
            "links[0]: node 4 does not exist; expected",
        ),
        (content(links=[{"source": 0, "target": None}]), "links[0].target: null; expected a whole"),
        (
            content(links=[{"source": 0, "target": 1, "weight": "x"}]),
            "links[0].weight: text; expected a number",
        ),
        (
            content(links=[{"source": 0, "target": 1, "weight": 10**400}]),
            "links[0].weight: beyond 64 bits; expected a number",
        ),
        (nodes({"id": None}), "nodes[0]: no id; expected one, as the others have"),
        (nodes({"id": 1}), "nodes[1]: node '1' is there twice"),
        (nodes({"id": 1.5}), "nodes[0].id: a decimal; expected a whole number or text"),
        (nodes({"id": True}), "nodes[0].id: true or false; expected a whole number or text"),
        (nodes({"id": [1]}), "nodes[0].id: a list; expected a whole number or text"),
        (nodes({"id": ""}), "nodes[0]: an empty id; expected the id of a node"),
        (nodes({}, {"x": [1]}), "nodes[1]: x of 1 numbers; expected 2, as before"),
        (nodes({"x": []}), "nodes[0]: x of 0 numbers; expected 1 to 1,000,000"),
        (nodes({}, {"x": [1, "2"]}), "nodes[1]: x[1]: '2'; expected a number"),
        (nodes({}, {"x": [None, 2]}), "nodes[1]: x[0]: null or nested; expected a number"),
        (nodes({}, {"x": [1, [2]]}), "nodes[1]: x[1]: null or nested; expected a number"),
        (nodes({}, {"x": [1, 10**400]}), "nodes[1]: x holds a number beyond 64 bits"),
        (nodes({}, {"x": [1, float("nan")]}), "node 1, feature 1: NaN, infinite or beyond 32"),
        (nodes({}, {"x": None, "feat": [1, 2]}), "nodes[1]: features under 'feat', and 'x' elsewh"),
        (nodes({}, {"label": "a"}), "nodes[1]: 'label' is text, and a number at other nodes"),
        (nodes({"age": 10**400}), "nodes[0]: 'age': beyond 64 bits; expected a number"),
        (nodes({"label": -3}), "graph.json: node 0: label -3; expected a class number from 0"),
    ],
)
def test_a_broken_json_is_told_with_its_place(tmp_path, whole, message):
    told = error(saved(tmp_path, whole))
    assert told.startswith("graph.json: ")
    assert message in told


def test_json_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "graph.json"
    path.write_bytes(b'{"nodes": "\xff"}')
    assert "not UTF-8 at byte 11; expected JSON" in error(path)


def test_sizes_above_the_limits_are_refused_with_the_limit(tmp_path, monkeypatch):
    path = saved(tmp_path, content())
    monkeypatch.setattr("engine.data.graph.listing.MAX_ROWS", 2)
    assert "graph.json: over 2 edges, which is the most allowed" in error(path)
    monkeypatch.setattr("engine.data.graph.listing.MAX_NODES", 3)
    assert "graph.json: over 3 nodes, which is the most allowed" in error(path)
    monkeypatch.undo()
    monkeypatch.setattr(attributes, "MAX_FEATURES", 1)
    assert "nodes[0]: x of 2 numbers; expected 1 to 1" in error(path)
    monkeypatch.undo()
    monkeypatch.setattr("engine.data.graph.build.MAX_VALUES", 3)
    assert "graph.json: over 3 values that are not zero, the most allowed" in error(path)
    monkeypatch.setattr(nodelink, "MAX_JSON", 20)
    assert f"graph.json: {path.stat().st_size} bytes; expected at most 20" in error(path)
