"""The preview of a graph: small, the same each time, and true to the graph."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from engine.data.graph.graph import UNKNOWN, Graph, adjacency_of
from engine.data.graph.picture import DRAWN_NODES, layout, picture


def random_graph(nodes: int, edges: int, classes: int = 3) -> Graph:
    rng = np.random.default_rng(1)
    ends = rng.integers(0, nodes, (edges, 2))
    features = csr_array(random_array((nodes, 20), density=0.2, rng=rng, format="csr"))
    return Graph(adjacency_of(nodes, *ends.T), features, rng.integers(0, classes, nodes))


def figures(graph: Graph) -> dict[str, dict]:
    return {entry["title"]: entry["figure"] for entry in picture(graph)["figures"]}


def test_a_large_graph_keeps_a_small_preview_of_plain_json():
    text = json.dumps(picture(random_graph(5000, 60_000)), allow_nan=False)
    assert len(text) < 200_000


def test_the_same_graph_is_drawn_the_same():
    graph = random_graph(300, 900)
    assert picture(graph) == picture(graph)


def test_the_drawing_shows_edges_that_exist_between_nodes_of_their_class():
    graph = random_graph(50, 150)
    drawing = figures(graph)["A neighbourhood of the graph"]["data"]
    places = {}
    for trace in drawing[1:]:
        for x, y, text in zip(trace["x"], trace["y"], trace["text"], strict=True):
            node = int(text.split(",")[0].removeprefix("node "))
            places[x, y] = node
            assert trace["name"] == f"class {graph.labels[node]}"
    lines = drawing[0]
    dense = graph.adjacency.toarray()
    for at in range(0, len(lines["x"]), 3):
        one, other = (places[lines["x"][at + end], lines["y"][at + end]] for end in (0, 1))
        assert dense[one, other] == 1
    assert len(lines["x"]) // 3 == graph.subgraph(np.array(sorted(places.values()))).edges


def test_a_drawing_has_at_most_four_hundred_nodes():
    drawing = figures(random_graph(3000, 9000))["A neighbourhood of the graph"]["data"]
    assert sum(len(trace["x"]) for trace in drawing[1:]) == DRAWN_NODES


def test_linked_nodes_lie_nearer_than_others():
    """Two cliques with a bridge."""
    pairs = [(u, v) for u in range(8) for v in range(u)]
    pairs += [(u + 8, v + 8) for u, v in pairs] + [(0, 8)]
    places = layout(Graph(adjacency_of(16, *np.array(pairs).T), None, None))
    apart = np.linalg.norm(places[:, None] - places, axis=-1)
    assert apart[:8, :8].mean() < 0.6 * apart[:8, 8:].mean()
    assert places.min() >= 0
    assert places.max() <= 1


def test_degrees_fall_into_bins_that_double():
    star = adjacency_of(7, np.zeros(5, int), np.arange(1, 6))  # 5, five times 1, one 0
    figure = figures(Graph(star, None, None))["Degrees"]["data"][0]
    assert dict(zip(figure["x"], figure["y"], strict=True)) == {"0": 1, "1": 5, "2–3": 0, "4–7": 1}


def test_the_table_of_classes_counts_their_edges():
    graph = Graph(
        adjacency_of(4, np.array([0, 1, 2]), np.array([1, 2, 3])),
        None,
        np.array([0, 0, 1, UNKNOWN]),
    )
    table = picture(graph)["tables"][0]
    assert table["columns"] == ["class", "nodes", "share", "mean degree", "edges inside the class"]
    assert table["rows"] == [
        ["0", 2, 0.5, 1.5, 2 / 3],
        ["1", 1, 0.25, 2.0, 0.0],
        ["unknown", 1, 0.25, None, None],
    ]


def test_classes_are_shown_by_their_names_too():
    graph = Graph(
        adjacency_of(4, np.array([0, 1, 2]), np.array([1, 2, 3])),
        None,
        np.array([0, 0, 0, 1]),
        class_names=np.array(["left", "r" * 40]),
    )
    shown, names = figures(graph), ["0 (left)", f"1 ({'r' * 29}…)"]
    assert shown["Class sizes"]["data"][0]["x"] == names
    legend = [trace["name"] for trace in shown["A neighbourhood of the graph"]["data"][1:]]
    assert legend == [f"class {name}" for name in names]
    (table,) = picture(graph)["tables"]
    assert [row[0] for row in table["rows"]] == names
    assert table["rows"][0][3] == 5 / 3  # shown in few digits, kept in all


@pytest.mark.parametrize("nodes", [2, 3, 4])
def test_tiny_graphs_have_a_drawing(nodes):
    graph = Graph(adjacency_of(nodes, np.array([0]), np.array([1])), None, None)
    json.dumps(picture(graph), allow_nan=False)


def test_very_many_classes_are_summed_up():
    graph = random_graph(500, 800, classes=120)
    figure = figures(graph)["Class sizes"]["data"][0]
    assert len(figure["x"]) == 41
    assert sum(figure["y"]) == 500


def test_no_figure_brings_colours_or_fonts():
    text = json.dumps(picture(random_graph(60, 100)))
    assert "color" not in text
    assert "font" not in text
