"""Graphs in .npz: the layouts that are read, and what is refused in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import UserError
from engine.data.graph import build, io
from engine.data.graph.export import write_graph
from engine.data.graph.graph import Graph, adjacency_of
from tests.engine.data.making import npy, npz, report_on, said

ANY_FIXTURE = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def path_graph(**changes: Any) -> dict[str, Any]:
    """0 - 1 - 2 - 3 in the DeepRobust layout, both directions, with some arrays changed."""
    arrays = {
        "adj_data": np.ones(6, np.float32),
        "adj_indices": np.array([1, 0, 2, 1, 3, 2], np.int32),
        "adj_indptr": np.array([0, 1, 3, 5, 6], np.int32),
        "adj_shape": np.array([4, 4]),
        "attr_data": np.ones(4, np.float32),
        "attr_indices": np.array([0, 1, 0, 1], np.int32),
        "attr_indptr": np.array([0, 1, 2, 3, 4], np.int32),
        "attr_shape": np.array([4, 2]),
        "labels": np.array([0, 0, 1, 1], np.int8),
    }
    arrays |= changes
    return {key: value for key, value in arrays.items() if value is not None}


def checked(folder: Path, **changes: Any) -> tuple[str, str, dict[str, Any]]:
    """Errors, warnings and facts of the path graph with these changes."""
    report = report_on(io, npz(folder / "graph.npz", path_graph(**changes)))
    return said(report, "error"), said(report, "warning"), report.facts


def test_the_deeprobust_layout_is_read(tmp_path):
    path = npz(tmp_path / "graph.npz", path_graph())
    graph = io.load(path)
    assert graph.edge_list().tolist() == [[0, 1], [1, 2], [2, 3]]
    assert graph.features.toarray().tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert graph.features.dtype == np.float32
    assert graph.labels.tolist() == [0, 0, 1, 1]
    assert graph.labels.dtype == np.int64
    assert io.sniff(path)


def test_a_whole_graph_passes_without_a_warning_and_with_all_facts(tmp_path):
    errors, warnings, facts = checked(tmp_path)
    assert (errors, warnings) == ("", "")
    assert facts == {
        "nodes": 4,
        "edges": 3,
        "features": True,
        "feature_count": 2,
        "labels": True,
        "classes": 2,
        "homophily": round(2 / 3, 6),
        "directed_input": False,
        "components": 1,
        "largest_component_nodes": 4,
        "largest_component_edges": 3,
        "isolated_nodes": 0,
    }


def test_the_dotted_layout_and_dense_features_are_read(tmp_path):
    dotted = {key.replace("adj_", "adj_matrix."): value for key, value in path_graph().items()}
    dotted = {key: value for key, value in dotted.items() if not key.startswith("attr")}
    dotted["attr_matrix"] = np.asfortranarray([[1, 0], [0, 2], [0, 0.5], [3, 0]], dtype=">f8")
    graph = io.load(npz(tmp_path / "graph.npz", dotted))
    assert graph.edges == 3
    assert graph.features.toarray().tolist() == [[1, 0], [0, 2], [0, 0.5], [3, 0]]


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix])
def test_sparse_matrices_as_scipy_saves_them_are_read(tmp_path, form, container):
    pairs = np.array([[0, 1], [1, 2], [3, 0]])
    matrix = container(adjacency_of(5, pairs[:, 0], pairs[:, 1])).asformat(form)
    sp.save_npz(tmp_path / "m.npz", matrix)
    graph = io.load(tmp_path / "m.npz")
    assert graph.edge_list().tolist() == [[0, 1], [0, 3], [1, 2]]
    assert graph.nodes == 5
    assert graph.features is None
    assert graph.labels is None


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_a_matrix_that_is_not_square_is_refused(tmp_path, form):
    sp.save_npz(tmp_path / "m.npz", sp.coo_array(np.ones((2, 3))).asformat(form))
    assert "shape: 2 x 3; expected a square" in said(report_on(io, tmp_path / "m.npz"), "error")


def test_edges_alone_warn_that_features_are_missing(tmp_path):
    sp.save_npz(tmp_path / "m.npz", adjacency_of(3, np.array([0, 1]), np.array([1, 2])))
    report = report_on(io, tmp_path / "m.npz")
    assert "features: no features: defences that compare features" in said(report, "warning")
    assert report.facts["features"] is False
    assert report.facts["homophily"] is None


def test_matrices_of_other_forms_are_refused(tmp_path):
    sp.save_npz(tmp_path / "m.npz", sp.eye_array(4, format="dia"))
    assert "format: 'dia'; expected csr, csc or coo" in said(
        report_on(io, tmp_path / "m.npz"), "error"
    )


def test_big_endian_and_wide_arrays_are_read(tmp_path):
    arrays = {
        key: value.astype(value.dtype.newbyteorder(">")) for key, value in path_graph().items()
    }
    arrays["adj_indices"] = arrays["adj_indices"].astype(">u8")
    assert io.load(npz(tmp_path / "graph.npz", arrays)).edges == 3


def test_arrays_that_are_not_needed_stay_shut(tmp_path):
    """As in the real cora.npz, which carries two pickled dicts."""
    objects = npy(np.array({"a": 1}, dtype=object), pickled=True)
    path = npz(tmp_path / "graph.npz", path_graph(idx_to_node=objects, other=b"no array"))
    report = report_on(io, path)
    assert report.passed
    assert "not needed and not opened: 'idx_to_node', 'other'" in said(report, "ok")


def test_an_npz_of_something_else_is_refused_by_what_it_holds(tmp_path):
    path = npz(tmp_path / "x.npz", {"weights": np.ones(3)})
    assert not io.sniff(path)
    assert "an npz of weights; expected adj_data" in said(report_on(io, path), "error")


def test_an_archive_of_no_array_is_told_what_is_expected(tmp_path: Path):
    np.savez(tmp_path / "graph.npz")
    assert "an npz of no array; expected adj_data" in said(
        report_on(io, tmp_path / "graph.npz"), "error"
    )


@pytest.mark.parametrize("name", ["graph.npz", "graph.ZIP"])
def test_a_text_that_is_called_an_archive_is_told_so(tmp_path: Path, name):
    (tmp_path / name).write_text("0 1\n1 2\n")
    assert "expected a zip archive, as the name says" in said(
        report_on(io, tmp_path / name), "error"
    )


def test_a_picture_that_is_called_an_archive_is_told_to_be_one(tmp_path: Path):
    (tmp_path / "graph.npz").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    assert "graph.npz: a PNG picture; expected a zip archive, as the name says" in said(
        report_on(io, tmp_path / "graph.npz"), "error"
    )


# Edges


def test_a_directed_matrix_is_made_undirected_and_told(tmp_path):
    _, warnings, facts = checked(
        tmp_path,
        adj_indices=np.array([1, 0, 2, 3], np.int32),
        adj_data=np.ones(4),
        adj_indptr=np.array([0, 1, 3, 4, 4]),
    )
    assert "4 directed entries (2 of them in both directions) made 3 undirected edges" in warnings
    assert facts["directed_input"] is True
    assert facts["edges"] == 3


def test_an_upper_triangle_is_taken_for_both(tmp_path):
    errors, warnings, facts = checked(
        tmp_path,
        adj_indices=np.array([1, 2, 3], np.int32),
        adj_data=np.ones(3),
        adj_indptr=np.array([0, 1, 2, 3, 3]),
    )
    assert (errors, warnings) == ("", "")
    assert facts["directed_input"] is False


def test_loops_weights_and_repeats_are_dropped_and_counted(tmp_path):
    _, warnings, facts = checked(
        tmp_path,
        adj_indices=np.array([0, 1, 1, 0, 2, 1, 3, 2], np.int32),
        adj_data=np.array([1, 1, 1, 0.5, 1, 1, 0, 1]),
        adj_indptr=np.array([0, 3, 5, 7, 8]),
    )
    assert "adjacency: 1 self-loop dropped" in warnings
    assert "adjacency: 1 repeated entry dropped" in warnings
    assert "adjacency: 1 entry of weight 0 dropped" in warnings
    assert "adjacency: 1 weight other than 1 ignored" in warnings
    assert facts["edges"] == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adj_data": np.array([1, 1, np.nan, 1, 1, 1])}, "1 weight NaN or infinite, entry 2"),
        ({"adj_data": np.ones(5)}, "adj_data: float64 of shape (5,); expected 6 numbers"),
        ({"adj_data": np.array(["a"] * 6)}, "adj_data: <U1 of shape (6,)"),
        ({"adj_indices": np.array([1, 0, 2, 1, 4, 2])}, "adj_indices: 1 entry outside 0 to 3"),
        ({"adj_indices": np.array([1, 0, 2, 1, -1, 2])}, "entry 4 = -1 the first"),
        ({"adj_indices": np.array([1.0, 0, 2, 1, 3, 2])}, "adj_indices: float64"),
        ({"adj_indices": np.ones((6, 1), int)}, "adj_indices: int64 of shape (6, 1)"),
        ({"adj_indptr": np.array([0, 1, 3, 6])}, "expected 5 whole numbers for 4 rows"),
        (
            {"adj_indptr": np.array([0, 1, 3, 5, 7])},
            "adj_indptr: runs from 0 to 7; expected 0 to 6",
        ),
        ({"adj_indptr": np.array([1, 1, 3, 5, 6])}, "adj_indptr: runs from 1 to 6"),
        ({"adj_indptr": np.array([0, 5, 3, 5, 6])}, "adj_indptr: falls after row 1"),
        ({"adj_indptr": np.array([0, 9**12, 3, 5, 6])}, "adj_indptr: falls after row 1"),
        ({"adj_shape": np.array([4, 5])}, "adj_shape: 4 x 5; expected a square"),
        ({"adj_shape": np.array([4.0, 4.0])}, "adj_shape: float64"),
        ({"adj_shape": np.array([4])}, "expected two whole numbers"),
        ({"adj_shape": np.array([0, 0])}, "adj_shape: 0 x 0"),
        ({"adj_shape": np.array([10**12, 10**12])}, "expected 1 to 1,000,000 on each side"),
        ({"adj_shape": np.array([-4, -4])}, "adj_shape: -4 x -4"),
        ({"adj_indices": None}, "expected an array 'adj_indices'; there are: adj_data"),
        ({"adj_data": np.zeros(6)}, "adjacency: no edge between two nodes"),
        (
            {"attr_shape": np.array([5, 2]), "attr_indptr": np.arange(6).clip(max=4)},
            "5 rows; the graph has 4",
        ),
        ({"attr_indices": np.array([0, 1, 0, 2])}, "attr_indices: 1 entry outside 0 to 1"),
        ({"labels": np.array([0, 1])}, "labels: 2 labels; the graph has 4 nodes"),
        ({"labels": np.eye(4, dtype=int)}, "labels: shape (4, 4); expected one class number"),
        ({"labels": np.array([0, -2, 1, 1])}, "labels: node 1: label -2; expected a class number"),
        ({"labels": np.array([0, 0.5, 1, 1])}, "labels: node 1: label 0.5"),
        ({"labels": np.array([0, np.nan, 1, 1])}, "labels: node 1: label nan"),
        ({"labels": np.array([0, np.inf, 1, 1])}, "labels: node 1: label inf"),
        ({"labels": np.array([True, False, True, True])}, "labels: type bool"),
        ({"attr_data": np.array([1, np.nan, 1, 1])}, "features: node 1, feature 1: NaN"),
        ({"attr_data": np.array([1, 1, 1, -np.inf])}, "features: node 3, feature 1: NaN, infinite"),
        ({"attr_data": np.array([1, 1, 1, 1e300])}, "beyond 32 bits"),
    ],
)
def test_a_broken_array_is_told_by_its_name_and_place(tmp_path, changes, message):
    errors, _, _ = checked(tmp_path, **changes)
    assert message in errors


def test_the_message_is_also_what_loading_raises(tmp_path):
    path = npz(tmp_path / "graph.npz", path_graph(labels=np.array([0, -2, 1, 1])))
    with pytest.raises(UserError, match="labels: node 1: label -2"):
        io.load(path)


@pytest.mark.parametrize("label", [2**53 + 1, 2**63, 2**64 - 1])
def test_a_class_beyond_signed_numbers_is_refused(tmp_path, label):
    """Read as a signed number 2**64 - 1 would be -1: a known class as an unknown one."""
    labels = np.array([0, label, 1, 1], np.uint64)
    with pytest.raises(UserError, match=f"labels: node 1: label {label}"):
        io.load(npz(tmp_path / "graph.npz", path_graph(labels=labels)))


@pytest.mark.parametrize("key", ["row", "col"])
def test_pairs_outside_of_a_coo_matrix_are_refused(tmp_path, key):
    arrays = {
        "format": np.array(b"coo"),
        "shape": np.array([3, 3]),
        "data": np.ones(2),
        "row": np.array([0, 1]),
        "col": np.array([1, 2]),
    }
    arrays[key] = np.array([0, 3])
    report = report_on(io, npz(tmp_path / "m.npz", arrays))
    assert f"{key}: 1 entry outside 0 to 2, entry 1 = 3 the first" in said(report, "error")


# Features and labels


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attr_data": np.array([1, 0, 1, 1])}, "features: only zeros in 1 node"),
        ({"labels": np.array([0, 0, -1, 1])}, "labels: 1 node of unknown class (-1)"),
        ({"labels": np.array([0, 0, 0, 1])}, "labels: 1 class of a single node: 1"),
        ({"labels": np.array([0.0, 0, 1, 1])}, "labels are written as decimals"),
        ({"labels": np.array([1, 1, 7, 7])}, "classes 1, 7 renumbered from 0 to 1"),
        ({"labels": np.array([2, 2, 2, 2])}, "labels: only one class"),
        (
            {"labels": np.array([-1] * 4)},
            "labels: every label is unknown (-1 or empty), so there are no labels",
        ),
        (
            {
                "adj_shape": np.array([5, 5]),
                "adj_indptr": np.array([0, 1, 3, 5, 6, 6]),
                "attr_data": None,
                "attr_indices": None,
                "attr_indptr": None,
                "attr_shape": None,
                "labels": None,
            },
            "graph: 1 node without an edge",
        ),
    ],
)
def test_what_is_odd_but_usable_is_a_warning(tmp_path, changes, message):
    errors, warnings, _ = checked(tmp_path, **changes)
    assert errors == ""
    assert message in warnings


@pytest.mark.parametrize("features", [np.eye(4), np.eye(4, 9)[[2, 0, 1, 3]] * 0.5])
def test_features_of_which_no_two_nodes_share_one_are_told_to_mean_nothing(tmp_path, features):
    """As of an upload without features that somebody filled with an identity matrix."""
    sparse = {f"attr_{part}": None for part in ("data", "indices", "indptr", "shape")}
    errors, warnings, _ = checked(tmp_path, features=features, **sparse)
    assert errors == ""
    assert "features: no two nodes share a feature, as in an identity matrix" in warnings


def test_dense_features_are_read_in_blocks_as_a_whole(tmp_path, monkeypatch):
    values = np.random.default_rng(0).integers(0, 3, (4, 7)).astype(np.float64)
    sparse = {f"attr_{part}": None for part in ("data", "indices", "indptr", "shape")}
    path = npz(tmp_path / "graph.npz", path_graph(features=values, **sparse))
    for cells in (1, 7, 20, 1000):
        monkeypatch.setattr(build, "BLOCK", cells)
        assert (io.load(path).features.toarray() == values).all()


def test_more_values_than_allowed_are_refused_with_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "MAX_VALUES", 6)
    sparse = {f"attr_{part}": None for part in ("data", "indices", "indptr", "shape")}
    errors, _, _ = checked(tmp_path, features=np.ones((4, 2)), **sparse)
    assert "features: over 6 values that are not zero, the most allowed" in errors


def test_features_without_columns_are_refused(tmp_path):
    sparse = {f"attr_{part}": None for part in ("data", "indices", "indptr", "shape")}
    errors, _, _ = checked(tmp_path, features=np.ones((4, 0)), **sparse)
    assert "features: shape (4, 0); expected a row of features per node" in errors


def test_names_of_classes_are_numbered_by_alphabet(tmp_path):
    path = npz(tmp_path / "graph.npz", path_graph(labels=np.array(["ml", "db", "ml", ""])))
    assert io.load(path).labels.tolist() == [1, 0, 1, -1]
    assert "2 named classes, by alphabet: 0 = 'db', 1 = 'ml'" in said(report_on(io, path), "ok")


def test_only_the_first_faults_are_listed_and_the_rest_counted(tmp_path):
    bad = np.ones((400, 2))
    bad[:, 1] = np.nan
    pairs = np.arange(399)
    matrix = adjacency_of(400, pairs, pairs + 1)
    arrays = {
        f"adj_{part}": getattr(matrix, part) for part in ("data", "indices", "indptr", "shape")
    }
    report = report_on(io, npz(tmp_path / "graph.npz", {**arrays, "features": bad}))
    assert len(said(report, "error").splitlines()) == 21
    assert "380 more of these" in said(report, "error")


# Round trips


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    nodes = draw(st.integers(2, 12))
    node = st.integers(0, nodes - 1)
    pairs = draw(
        st.lists(st.tuples(node, node).filter(lambda pair: pair[0] != pair[1]), min_size=1)
    )
    ends = np.array(pairs)
    words = draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    features = sp.csr_array(rng.integers(0, 3, (nodes, words)).astype(np.float32))
    labels = np.unique(rng.integers(0, 3, nodes), return_inverse=True)[1].astype(np.int64)
    return Graph(adjacency_of(nodes, ends[:, 0], ends[:, 1]), features, labels)


def same(one: Graph, other: Graph) -> bool:
    return (
        (one.adjacency != other.adjacency).nnz == 0
        and one.adjacency.shape == other.adjacency.shape
        and (one.features.toarray() == other.features.toarray()).all()
        and (one.labels == other.labels).all()
    )


@ANY_FIXTURE
@given(graph=graphs())
def test_a_graph_written_and_read_is_the_same(tmp_path_factory, graph):
    path = tmp_path_factory.mktemp("round") / "graph.npz"
    write_graph(path, graph)
    assert same(io.load(path), graph)


@ANY_FIXTURE
@given(graph=graphs(), seed=st.integers(0, 2**16))
def test_the_order_of_entries_in_a_matrix_does_not_matter(tmp_path_factory, graph, seed):
    matrix = sp.coo_array(graph.adjacency)
    order = np.random.default_rng(seed).permutation(matrix.nnz)
    arrays = {
        "format": np.array(b"coo"),
        "shape": np.array(matrix.shape),
        "data": matrix.data,
        "row": matrix.coords[0][order],
        "col": matrix.coords[1][order],
    }
    path = npz(tmp_path_factory.mktemp("round") / "m.npz", arrays)
    assert (io.load(path).adjacency != graph.adjacency).nnz == 0
