"""GraphML and node-link JSON: read as networkx writes them, and refused by node, edge and name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.graph import attributes, io, nodelink
from engine.data.graph.graph import Graph
from tests.engine.data.making import folder_of, report_on, said, zip_of

CHAIN = [[0, 1], [1, 2], [2, 3]]
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="a" for="node" attr.name="a" attr.type="double"/>
<key id="b" for="node" attr.name="b" attr.type="boolean"><default>false</default></key>
<key id="c" for="node" attr.name="class" attr.type="int"/>
<key id="t" for="node" attr.name="title" attr.type="string"/>
<key id="w" for="edge" attr.name="weight" attr.type="double"/>
"""
NODES = """<node id="0"><data key="a">1.5</data><data key="c">0</data></node>
<node id="1"><data key="b">true</data><data key="c">0</data></node>
<node id="2"><data key="a">-1</data><data key="c">1</data></node>
<node id="3"><data key="a">0</data><data key="c">1</data></node>
"""
EDGES = "".join(f'<edge source="{at}" target="{at + 1}"/>' for at in range(3))
TAIL = "</graph></graphml>"


def graphml(
    folder: Path,
    *,
    nodes: str = NODES,
    edges: str = EDGES,
    head: str = HEAD,
    graph: str = '<graph edgedefault="undirected">',
    tail: str = TAIL,
) -> Path:
    path = folder / "graph.graphml"
    path.write_text(head + graph + nodes + edges + tail, encoding="utf-8")
    return path


def content(**changes: Any) -> dict[str, Any]:
    """0 - 1 - 2 - 3 as node-link JSON."""
    found: dict[str, Any] = {
        "directed": False,
        "multigraph": False,
        "graph": {},
        "nodes": [
            {"id": 0, "x": [1, 0], "label": 0},
            {"id": 1, "x": [0, 1], "label": 0},
            {"id": 2, "x": [1, 0.5], "label": 1},
            {"id": 3, "x": [0, True], "label": 1},
        ],
        "links": [{"source": at, "target": at + 1} for at in range(3)],
    }
    return {key: value for key, value in (found | changes).items() if value is not None}


def saved(folder: Path, whole: Any) -> Path:
    path = folder / "graph.json"
    path.write_text(whole if isinstance(whole, str) else json.dumps(whole), encoding="utf-8")
    return path


def nodes(*changed: dict[str, Any]) -> dict[str, Any]:
    """The JSON graph with attributes of its first nodes changed; None takes one away."""
    whole = content()
    for node, change in zip(whole["nodes"], changed, strict=False):
        node |= change
        for key in [key for key, value in change.items() if value is None]:
            del node[key]
    return whole


def error(path: Path) -> str:
    return said(report_on(io, path), "error")


def warning(path: Path) -> str:
    return said(report_on(io, path), "warning")


# GraphML


def test_graphml_is_read(tmp_path):
    path = graphml(tmp_path)
    graph = io.load(path)
    assert graph.edge_list().tolist() == CHAIN
    assert graph.features.toarray().tolist() == [[1.5, 0], [0, 1], [-1, 0], [0, 0]]
    assert graph.labels.tolist() == [0, 0, 1, 1]
    assert io.sniff(path)
    told = said(report_on(io, path), "ok")
    assert "GraphML: 4 nodes, 3 edges" in told
    assert "features are the attributes 'a', 'b'" in told
    assert "the class is the attribute 'class'" in told


def test_the_names_of_nodes_and_classes_are_kept(tmp_path):
    path = tmp_path / "graph.json"
    people = [{"id": name, "label": kind} for name, kind in (("b", "tea"), ("a", "air"))]
    links = [{"source": "a", "target": "b"}]
    path.write_text(json.dumps(content(nodes=people, links=links)))
    graph = io.load(path)
    assert graph.node_names.tolist() == ["b", "a"]
    assert graph.class_names.tolist() == ["air", "tea"]
    assert graph.labels.tolist() == [1, 0]
    renamed = "".join(f'<edge source="{at}" target="{at + 1}"/>' for at in (10, 20))
    listed = "".join(f'<node id="{at}"/>' for at in (21, 20, 11, 10))
    graph = io.load(graphml(tmp_path, nodes=listed, edges=renamed))
    assert graph.node_names.tolist() == ["21", "20", "11", "10"]
    assert graph.class_names is None


def test_absent_values_are_counted_and_defaults_are_values(tmp_path):
    assert "1 value of features absent: read as 0" in warning(graphml(tmp_path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_graphml_is_read_in_the_encoding_that_it_declares(tmp_path, encoding):
    path = tmp_path / "graph.xml"
    head = HEAD.replace("UTF-8", encoding.removesuffix("-sig"))
    text = head + "<graph><desc>ä</desc>" + NODES + EDGES + TAIL
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    folder = folder_of(tmp_path / "folder", {"graph.xml": path.read_bytes()})
    assert io.load(folder).edge_list().tolist() == CHAIN


def test_a_namespace_is_not_needed(tmp_path):
    path = graphml(
        tmp_path, head=HEAD.replace(' xmlns="http://graphml.graphdrawing.org/xmlns"', "")
    )
    assert io.load(path).edges == 3


def test_drawings_of_yed_are_read_for_their_edges(tmp_path):
    head = """<graphml xmlns:y="http://www.yworks.com/xml/graphml">
    <key for="node" id="d6" yfiles.type="nodegraphics"/><graph edgedefault="directed" id="G">"""
    node = """<node id="n{}"><data key="d6"><y:ShapeNode><y:Fill color="#FF"/></y:ShapeNode></data>
    </node>"""
    edge = '<edge id="e0" source="n0" target="n1"/>'
    path = graphml(tmp_path, head=head, graph="", nodes=node.format(0) + node.format(1), edges=edge)
    graph = io.load(path)
    assert (graph.nodes, graph.edges, graph.features, graph.labels) == (2, 1, None, None)


def test_nodes_may_follow_the_edges_that_name_them(tmp_path):
    assert io.load(graphml(tmp_path, nodes=EDGES, edges=NODES)).edge_list().tolist() == CHAIN


def test_weights_of_graphml_are_ignored_and_counted(tmp_path):
    edges = """<edge source="0" target="1"><data key="w">2.5</data></edge>
    <edge source="1" target="2"><data key="w">0</data></edge><edge source="2" target="3"/>"""
    told = warning(graphml(tmp_path, edges=edges))
    assert "no weight on 1 edge, unlike on others: taken as 1" in told
    assert "1 entry of weight 0 dropped" in told
    assert "1 weight other than 1 ignored" in told


def test_loops_repeats_and_directions_of_graphml_are_counted(tmp_path):
    pairs = [(0, 0), (0, 1), (0, 1), (1, 0), (1, 2)]
    edges = "".join(f'<edge source="{one}" target="{other}"/>' for one, other in pairs)
    told = warning(graphml(tmp_path, edges=edges))
    assert "graph.graphml: 1 self-loop dropped" in told
    assert "graph.graphml: 1 repeated entry dropped" in told
    assert "3 directed entries (2 of them in both directions) made 2 undirected edges" in told
    assert "graph: 1 node without an edge" in told


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"nodes": NODES + '<node id="2"/>'}, "node 5: node '2' is there twice"),
        ({"nodes": NODES + "<node/>"}, "node 5: an empty id; expected the id of a node"),
        ({"nodes": f'<node id="{"x" * 201}"/>'}, "node 1: an id of 201 characters"),
        ({"nodes": '<node id="8"/>'}, "edge 1: node 0 does not exist; expected one of the 1 ids"),
        ({"nodes": "", "edges": ""}, "lists no nodes; expected at least two"),
        ({"edges": EDGES + '<edge source="0" target="9"/>'}, "edge 4: node 9 does not exist;"),
        ({"edges": EDGES + '<edge source="0" target="4"/>'}, "edge 4: node 4 does not exist;"),
        ({"edges": EDGES + '<edge source="0" target="é"/>'}, r"edge 4: node '\xe9' does not exist"),
        ({"edges": EDGES + '<edge source="0"/>'}, "edge 4: an empty id; expected the id of a node"),
        ({"edges": ""}, "graph.graphml: no edge between two nodes"),
        (
            {"edges": '<edge source="0" target="1"><data key="w">x</data></edge>'},
            "edge 1: 'weight' is 'x'; expected a double",
        ),
        (
            {"edges": '<edge source="0" target="1"><data key="w">NaN</data></edge>'},
            "1 weight NaN or infinite, entry 0",
        ),
        (
            {"nodes": NODES.replace(">1.5<", ">one<")},
            "node 1: 'a' is 'one'; expected a double",
        ),
        ({"nodes": NODES.replace(">true<", ">yes<")}, "node 2: 'b' is 'yes'; expected a boolean"),
        ({"nodes": NODES.replace(">1.5<", ">NaN<")}, "node 0, feature 0: NaN, infinite or beyond"),
        ({"nodes": NODES.replace(">1.5<", ">1e99<")}, "node 0, feature 0: NaN, infinite or beyond"),
        ({"nodes": NODES.replace('"c">0', '"c">-2')}, "node 0: label -2; expected a class number"),
        (
            {"nodes": NODES.replace('key="a">1.5', 'key="q">1.5')},
            "node 1: data of key 'q', which no <key> declares",
        ),
        (
            {"nodes": NODES.replace('key="b"', 'key="c"')},
            "node 2: 'class' is there twice",
        ),
        ({"head": HEAD + '<key id="a"/>'}, "key 'a' is there twice, or without an id"),
        (
            {"head": HEAD + '<key id="z" attr.name="z" attr.type="vector"/>'},
            "key 'z': type 'vector'; expected boolean, double, float, int, integer, long, string",
        ),
        ({"nodes": NODES + "<hyperedge/>"}, "a hyperedge; expected nodes and edges"),
        ({"nodes": "<node id='7'><port name='p'/></node>"}, "a port; expected nodes and edges"),
        ({"nodes": "<node id='7'><graph/></node>"}, "a second graph; expected one"),
        ({"graph": "", "nodes": "", "edges": "", "tail": "</graphml>"}, "XML without a <graph>"),
        ({"tail": ""}, "no element found; expected XML"),
        ({"tail": "</graph></grphml>"}, "line 12, column "),
        ({"nodes": "<a>" * 40}, "elements 32 deep"),
        ({"nodes": f"<node id='0'><data key='t'>{'x' * 70_000}</data></node>"}, "of over 65,536"),
        ({"head": HEAD.replace("UTF-8", "no-such")}, "an encoding that is not known"),
    ],
)
def test_a_broken_graphml_is_told_with_its_place(tmp_path, parts, message):
    told = error(graphml(tmp_path, **parts))
    assert told.startswith("graph.graphml: ")
    assert message in told


BOMB = '<!DOCTYPE g [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>\n'
OUTSIDE = '<!DOCTYPE g [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n'


@pytest.mark.parametrize("doctype", [BOMB, OUTSIDE, '<!DOCTYPE g SYSTEM "http://x/y.dtd">\n'])
def test_no_document_type_is_read_and_so_no_entity(tmp_path, doctype):
    head, rest = HEAD.split("\n", 1)
    told = error(graphml(tmp_path, head=f"{head}\n{doctype}{rest.replace('double', '&a;', 1)}"))
    assert told == (
        "graph.graphml: a <!DOCTYPE>; expected GraphML without one: entities are never expanded"
    )


# Node-link JSON


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


# Both


def test_a_zip_or_folder_with_one_of_them_is_read_and_with_two_refused(tmp_path):
    text = json.dumps(content())
    assert io.load(zip_of(tmp_path / "a.zip", {"data/g.json": text, "README.md": "#"})).edges == 3
    both = folder_of(tmp_path / "both", {"g.json": text, "h.graphml": HEAD})
    assert "both: 2 graphs (g.json, h.graphml); expected one" in error(both)


def test_beside_a_file_of_edges_they_are_left_out(tmp_path):
    folder = folder_of(tmp_path / "graph", {"edges.csv": "0,1\n1,2\n", "about.json": "{}"})
    assert io.load(folder).edges == 2
    assert "not part of a graph, left out: about.json" in said(report_on(io, folder), "ok")


@st.composite
def networks(draw: st.DrawFn) -> nx.Graph:
    """A graph of networkx with classes, numbers and truth values, some of them absent."""
    count = draw(st.integers(2, 9))
    name = draw(st.sampled_from([lambda at: at, lambda at: f"n{at}", lambda at: at * 7 + 2]))
    network = nx.DiGraph() if draw(st.booleans()) else nx.Graph()
    for at in range(count):
        network.add_node(name(at), subject=["a", "b", "a", "b", "c"][at % 5], flag=at % 3 == 0)
        if draw(st.booleans()):
            network.nodes[name(at)]["size"] = draw(st.floats(-9, 9, width=32))
    place = st.integers(0, count - 1)
    for one, other in draw(st.lists(st.tuples(place, place))):
        network.add_edge(name(one), name(other))
    network.add_edge(name(0), name(1), weight=2.0)
    return network


def as_networkx_has_it(graph: Graph, network: nx.Graph) -> bool:
    plain = network.to_undirected()
    plain.remove_edges_from(list(nx.selfloop_edges(plain)))
    known = nx.to_numpy_array(plain, weight=None)
    subjects = sorted(set(nx.get_node_attributes(plain, "subject").values()))
    classes = [subjects.index(node["subject"]) for _, node in plain.nodes(data=True)]
    columns = {"flag": [], "size": []}
    for _, node in plain.nodes(data=True):
        for name, column in columns.items():
            column.append(node.get(name, 0))
    there = [column for name, column in columns.items() if nx.get_node_attributes(plain, name)]
    return (
        (graph.adjacency.toarray() == known).all()
        and graph.labels.tolist() == classes
        and (graph.features.toarray() == np.array(there, dtype=np.float32).T).all()
    )


@settings(max_examples=60, deadline=None)
@given(network=networks())
def test_what_networkx_writes_is_read_as_networkx_has_it(tmp_path_factory, network):
    folder = tmp_path_factory.mktemp("networks")
    for key in ("links", "edges"):
        path = saved(folder, nx.node_link_data(network, edges=key))
        assert as_networkx_has_it(io.load(path), network)
    nx.write_graphml(network, folder / "graph.graphml")
    graph = io.load(folder / "graph.graphml")
    if report_on(io, folder / "graph.graphml").facts["feature_count"] == 2:
        # networkx declares keys in the order of a set: columns may have changed places
        flag = [node["flag"] for _, node in network.nodes(data=True)]
        if graph.features.toarray()[:, 0].tolist() != flag:
            graph = Graph(graph.adjacency, graph.features[:, [1, 0]], graph.labels)
    assert as_networkx_has_it(graph, network)
