from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from engine.data.graph.graph import UNKNOWN, Graph, adjacency_of


def graph(nodes: int, pairs: list[tuple[int, int]], labels: list[int] | None = None) -> Graph:
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Graph(
        adjacency=adjacency_of(nodes, ends[:, 0], ends[:, 1]),
        features=csr_array(np.eye(nodes, dtype=np.float32)),
        labels=None if labels is None else np.array(labels, dtype=np.int64),
    )


def test_pairs_become_a_symmetric_matrix_of_ones_without_a_diagonal():
    matrix = adjacency_of(3, np.array([0, 1, 0, 2]), np.array([1, 0, 1, 2]))
    assert matrix.toarray().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert matrix.dtype == np.float32
    assert matrix.has_sorted_indices


def test_each_edge_is_counted_and_listed_once():
    triangle = graph(3, [(2, 0), (1, 0), (1, 2)])
    assert triangle.edges == 3
    assert triangle.edge_list().tolist() == [[0, 1], [0, 2], [1, 2]]


def test_homophily_is_the_share_of_edges_inside_a_class():
    assert graph(4, [(0, 1), (1, 2), (2, 3), (0, 3)], [0, 0, 1, 1]).homophily() == 0.5


def test_homophily_leaves_out_edges_to_unknown_classes():
    assert graph(3, [(0, 1), (1, 2)], [0, 0, UNKNOWN]).homophily() == 1.0
    assert graph(2, [(0, 1)], [0, UNKNOWN]).homophily() is None
    assert graph(2, [(0, 1)]).homophily() is None


def test_the_largest_component_keeps_the_order_of_its_nodes():
    whole = graph(6, [(0, 3), (5, 1), (1, 4)], [0, 1, 2, 0, 1, 2])
    part, kept = whole.largest_component()
    assert kept.tolist() == [1, 4, 5]
    assert part.edge_list().tolist() == [[0, 1], [0, 2]]
    assert part.labels.tolist() == [1, 1, 2]
    assert part.features.toarray().tolist() == np.eye(6)[[1, 4, 5]].tolist()
    assert part.adjacency.has_sorted_indices


def test_of_equal_components_the_first_is_taken():
    assert graph(4, [(2, 3), (0, 1)]).largest_component()[1].tolist() == [0, 1]


def test_a_subgraph_keeps_the_number_of_the_largest_class():
    assert graph(3, [(0, 1), (1, 2)], [0, 2, 1]).classes == 3
