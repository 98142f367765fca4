"""GraphML and node-link JSON alike: in folders and zips, and against networkx."""

from __future__ import annotations

import json

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.graph import io
from engine.data.graph.graph import Graph
from tests.engine.data.graph.documents import (
    HEAD,
    content,
    error,
    saved,
)
from tests.engine.data.making import folder_of, report_on, said, zip_of


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
