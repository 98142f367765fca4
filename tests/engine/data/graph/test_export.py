"""Graphs as files: what others read, what we read back, and the same bytes each time."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from engine.data.graph import io
from engine.data.graph.export import write_adjacency, write_graph
from engine.data.graph.graph import UNKNOWN, Graph, adjacency_of


def graph() -> Graph:
    rng = np.random.default_rng(3)
    ends = rng.integers(0, 30, (2, 60))
    words = sp.random_array((30, 8), density=0.3, rng=rng, dtype=np.float32, format="csr")
    labels = rng.integers(0, 3, 30)
    labels[5] = UNKNOWN
    return Graph(adjacency_of(30, *ends), words, labels)


def test_an_attacked_graph_is_read_by_scipy_and_by_us(tmp_path):
    matrix = graph().adjacency
    write_adjacency(tmp_path / "m.npz", matrix)
    loaded = sp.load_npz(tmp_path / "m.npz")
    assert loaded.format == "csr"
    assert (loaded != matrix).nnz == 0
    read = io.load(tmp_path / "m.npz")
    assert (read.adjacency != matrix).nnz == 0
    assert (read.features, read.labels) == (None, None)


def test_a_whole_graph_comes_back_with_features_and_labels(tmp_path):
    one = graph()
    write_graph(tmp_path / "g.npz", one)
    other = io.load(tmp_path / "g.npz")
    assert (one.adjacency != other.adjacency).nnz == 0
    assert (one.features != other.features).nnz == 0
    assert one.labels.tolist() == other.labels.tolist()


def test_a_graph_is_read_as_deeprobust_reads_it(tmp_path):
    """Its arrays and their names, put together by scipy."""
    one = graph()
    write_graph(tmp_path / "g.npz", one)
    with np.load(tmp_path / "g.npz", allow_pickle=False) as arrays:
        for prefix, matrix in (("adj", one.adjacency), ("attr", one.features)):
            parts = [arrays[f"{prefix}_{part}"] for part in ("data", "indices", "indptr")]
            rebuilt = sp.csr_matrix(tuple(parts), shape=arrays[f"{prefix}_shape"])
            assert (rebuilt != sp.csr_matrix(matrix)).nnz == 0
        assert arrays["labels"].tolist() == one.labels.tolist()


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_matrix, sp.csc_array, sp.coo_array])
def test_equal_matrices_are_equal_bytes_whatever_their_form_and_order(tmp_path, form):
    matrix = graph().adjacency
    write_adjacency(tmp_path / "one.npz", matrix)
    write_adjacency(tmp_path / "other.npz", form(matrix))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    mixed = matrix.copy()
    for start, end in zip(mixed.indptr[:-1], mixed.indptr[1:], strict=True):
        mixed.indices[start:end] = mixed.indices[start:end][::-1].copy()
    mixed.has_sorted_indices = False
    write_adjacency(tmp_path / "mixed.npz", mixed)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "mixed.npz").read_bytes()


def test_a_graph_of_edges_alone_has_no_other_arrays(tmp_path):
    write_graph(tmp_path / "g.npz", Graph(graph().adjacency, None, None))
    with np.load(tmp_path / "g.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"adj_data", "adj_indices", "adj_indptr", "adj_shape"}
