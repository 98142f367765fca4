"""GraphML: read as networkx writes it, and refused by node, edge and name."""

from __future__ import annotations

import json

import pytest

from engine.data.graph import io
from tests.engine.data.graph.documents import (
    CHAIN,
    EDGES,
    HEAD,
    NODES,
    TAIL,
    content,
    error,
    graphml,
    warning,
)
from tests.engine.data.making import folder_of, report_on, said


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
