"""Planetoid's eight files: read without unpickling, placed by test.index, refused by name."""

from __future__ import annotations

import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_matrix

from engine.core.errors import UserError
from engine.data.archive import open_source
from engine.data.graph import io, pickled, planetoid
from tests.engine.data.making import folder_of, planetoid_files, report_on, said, zip_of

CHAIN = [[at, at + 1] for at in range(6)]


def toy(folder: Path, protocol: int = 2, **changes: Any) -> Path:
    return folder_of(folder / "toy", planetoid_files(protocol=protocol, **changes))


def error(path: Path) -> str:
    return said(report_on(io, path), "error")


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_the_files_make_the_graph_in_every_protocol(tmp_path, protocol):
    path = toy(tmp_path, protocol)
    graph = io.load(path)
    assert graph.edge_list().tolist() == CHAIN
    assert graph.features.toarray().argmax(axis=1).tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert graph.labels.tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert io.sniff(path)
    assert said(report_on(io, path), "warning") == ""


def test_a_zip_with_the_files_in_a_folder_and_a_readme_is_read(tmp_path):
    files = {f"data/{name}": raw for name, raw in planetoid_files().items()}
    path = zip_of(tmp_path / "toy.zip", files | {"data/README.md": "# words"})
    assert io.load(path).edges == 6


def test_the_public_split_is_told(tmp_path):
    told = said(report_on(io, toy(tmp_path)), "ok")
    assert "train 0 to 1, validation 500 from 2 on, test the 3 nodes of test.index" in told


def test_nodes_that_no_file_describes_have_neither_features_nor_class(tmp_path):
    """As the isolated nodes of Citeseer."""
    path = toy(tmp_path, index=b"5\n7\n4\n", graph={0: [1], 1: [0, 4, 7], 4: [1], 5: [7], 7: [5]})
    graph = io.load(path)
    assert graph.nodes == 8
    assert graph.labels.tolist() == [0, 1, 0, 1, 0, 1, -1, 0]
    assert graph.features.toarray()[[5, 6, 7]].tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    told = said(report_on(io, path), "warning")
    assert "ind.toy.test.index: 1 node from 4 to 7 not named" in told


def test_repeats_loops_and_directions_are_counted(tmp_path):
    told = said(report_on(io, toy(tmp_path, graph={0: [1, 1, 0], 1: [0, 2]})), "warning")
    assert "ind.toy.graph: 1 self-loop dropped" in told
    assert "ind.toy.graph: 1 repeated entry dropped" in told
    assert "3 directed entries (2 of them in both directions) made 2 undirected edges" in told


ONE = np.eye(2, dtype=np.int32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": ONE}, "ind.toy.x: expected a scipy csr matrix of features"),
        ({"x": {"indptr": [0]}}, "ind.toy.x: expected a scipy csr matrix"),
        ({"allx": [1, 2]}, "ind.toy.allx: expected a scipy csr matrix"),
        ({"ally": csr_matrix(ONE)}, "ind.toy.ally: expected an array with a row per node"),
        ({"ally": np.array([0, 1, 0, 1])}, "ind.toy.ally: expected an array with a row per node"),
        ({"ally": ONE[[0, 1, 0]]}, "ind.toy.ally: 3 rows; ind.toy.allx has 4: expected as many"),
        ({"ally": ONE[[0, 1, 0, 1]] * 2}, "ind.toy.ally: row 0, class 0: 2; expected 0 or 1"),
        ({"ally": np.full((4, 2), np.nan)}, "ind.toy.ally: row 0, class 0: nan; expected 0 or 1"),
        ({"ally": np.ones((4, 2))}, "ind.toy.ally: row 0 has several classes (4 such rows)"),
        ({"y": ONE[[1, 1]]}, "ind.toy.y: not the first rows of ally"),
        ({"x": csr_matrix(np.ones((2, 3)))}, "ind.toy.x: not the first rows of allx"),
        ({"x": csr_matrix(np.ones((2, 5)))}, "ind.toy.x: 5 features; allx has 3"),
        ({"tx": csr_matrix(np.ones((3, 2)))}, "ind.toy.tx: 2 features; allx has 3"),
        ({"index": b"5\n6\n"}, "ind.toy.test.index: 2 nodes; tx has 3 rows: expected as many"),
        ({"index": b"5\n3\n4\n"}, "test.index: row 2: '3'; expected a node behind allx, 4 to"),
        ({"index": b"5\nx\n4\n"}, "test.index: row 2: 'x'; expected a node"),
        ({"index": b"5\n4\n4\n"}, "test.index: row 3: node 4 is there twice"),
        ({"index": b"5\n4\n99999999\n"}, "test.index: row 3: '99999999'; expected a node"),
        ({"graph": {}}, "ind.toy.graph: expected a dict with the neighbours of each node"),
        ({"graph": [[1], [0]]}, "ind.toy.graph: expected a dict with the neighbours"),
        ({"graph": {0: [1], "a": [0]}}, "ind.toy.graph: key 'a'; expected a node's number"),
        ({"graph": {0: [1], -1: [0]}}, "ind.toy.graph: key '-1'; expected a node's number"),
        ({"graph": {0: [1], 1: 0}}, "ind.toy.graph: node 1: expected a list of neighbours"),
        ({"graph": {0: [1], 1: [0.5]}}, "ind.toy.graph: node 1: neighbour '0.5'"),
        ({"graph": {0: [1], 1: [[0]]}}, "ind.toy.graph: node 1: neighbour '[0]'"),
        ({"graph": {0: [1], 1: [9]}}, "graph: node 1: neighbour 9; expected both from 0 to 6"),
        ({"graph": {0: [0]}}, "ind.toy.graph: no edge between two nodes"),
        ({"allx": csc_matrix(np.ones((4, 3)))}, "a pickle that names 'scipy.sparse._csc.csc_matri"),
        ({"ally": np.array([["a", "b"]] * 4)}, "an array of type 'U1'; expected numbers"),
        ({"ally": np.array([[0, 1]] * 4, dtype=object)}, "an array of type 'O8'; expected numbers"),
        ({"ally": np.ones((4, 2, 1))}, "an array of another shape than a row or a table"),
        ({"graph": {0: {1}, 1: {0}}}, "graph: a pickle that names '__builtin__.set'"),
    ],
)
def test_a_broken_file_is_told_by_its_name(tmp_path, changes, message):
    assert message in error(toy(tmp_path, **changes))


def test_nan_among_the_features_is_told_with_its_place(tmp_path):
    rows = np.eye(4, 3)
    rows[1, 2] = np.nan
    path = toy(tmp_path, allx=csr_matrix(rows), x=csr_matrix(rows[:2]))
    assert "ind.toy.allx: node 1, feature 2: NaN" in error(path)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"indices": np.array([0, 9])}, "ind.toy.allx indices: 1 entry outside 0 to 2"),
        ({"indptr": np.array([0, 2, 1, 2, 2])}, "ind.toy.allx indptr: falls after row 1"),
        ({"indptr": np.array([0, 2])}, "ind.toy.allx indptr: int64 of shape (2,); expected 5"),
        ({"data": np.array([1.0])}, "ind.toy.allx data: float64 of shape (1,); expected 2"),
        ({"_shape": (4, -3)}, "ind.toy.allx: shape (4, -3); expected 1 to 1,000,000"),
        ({"_shape": (4, 10**9)}, "ind.toy.allx: shape (4, 1000000000)"),
        ({"_shape": "large"}, "ind.toy.allx: shape large; expected"),
    ],
)
def test_a_matrix_that_contradicts_itself_never_reaches_scipy(tmp_path, state, message):
    matrix = csr_matrix((np.ones(2), np.array([0, 1]), np.array([0, 1, 2, 2, 2])), shape=(4, 3))
    matrix.__dict__.update(state)
    assert message in error(toy(tmp_path, allx=matrix))


def test_a_missing_file_is_named_and_so_are_two_graphs(tmp_path):
    files = planetoid_files()
    del files["ind.toy.tx"]
    assert "files without ind.toy.tx; expected all eight" in error(
        folder_of(tmp_path / "less", files)
    )
    both = planetoid_files() | planetoid_files("cora")
    assert "Planetoid files of 2 graphs ('cora', 'toy'); expected 1" in error(
        folder_of(tmp_path / "both", both)
    )
    twice = planetoid_files() | {"old/ind.toy.x": b""}
    assert "ind.toy.x is there twice" in error(folder_of(tmp_path / "twice", twice))


# The reader of pickles


def value_of(folder: Path, raw: bytes) -> Any:
    with open_source(folder_of(folder / "one", {"file": raw})) as source:
        return pickled.read_pickle(next(iter(source)))


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize(
    "value",
    [
        {0: [1, 2], 1: [], 70_000: [-1, 2**40]},
        defaultdict(list, {5: [6]}),
        [1, 2.5, "text", None, True, False, (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ()],
        {"a": {"b": [[], {}]}},
        [],
        "ä",
    ],
)
def test_plain_values_come_out_as_they_went_in(tmp_path, protocol, value):
    assert value_of(tmp_path, pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.asfortranarray(np.random.default_rng(0).random((3, 4))),
        np.array([True, False]),
        np.array(7),
        np.zeros((0, 3), np.float32),
        np.arange(200, dtype=np.uint8),
    ],
)
def test_arrays_come_out_as_they_went_in(tmp_path, protocol, array):
    found = value_of(tmp_path, pickle.dumps(array, protocol))
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.shape == array.shape
    assert (found == array).all()


def test_a_list_that_occurs_twice_is_the_same_list(tmp_path):
    row = [1, 2]
    found = value_of(tmp_path, pickle.dumps([row, row], 2))
    assert found == [[1, 2], [1, 2]]
    assert found[0] is found[1]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "file: a damaged pickle"),
        (b"\x80\x02", "a damaged pickle"),
        (b"\x80\x02].]", None),
        (b"\x80\x02]", "a damaged pickle"),
        (b"\x80\x05].", "expected a pickle of protocol 2, 3 or 4"),
        (b"].", "expected a pickle of protocol 2, 3 or 4"),
        (b"\x80\x02.", "takes a value where there is none"),
        (b"\x80\x02]].", "ends with values left over"),
        (b"\x80\x02(.", "takes a value where there is none"),
        (b"\x80\x02e.", "closes a list that was not opened"),
        (b"\x80\x02h\x05.", "takes up value 5, which was not kept"),
        (b"\x80\x02r\xff\xff\xff\xff.", "takes a value where there is none"),
        (b"\x80\x02}K\x01e.", "closes a list that was not opened"),
        (b"\x80\x02}(K\x01e.", "an entry of a list outside of one"),
        (b"\x80\x02](K\x01K\x02u.", "an entry of a dict outside of one"),
        (b"\x80\x02}(K\x01u.", "an entry of a dict outside of one"),
        (b"\x80\x02}(]K\x01u.", "a key of a dict that is neither a number nor text"),
        (b"\x80\x02}(K\x01NK\x01Nu.", "key '1' of a dict is there twice"),
        (b"\x80\x02X\xff\xff\xff\x7fabc.", "a damaged pickle"),  # a text of 2 GB
        (b"\x80\x02\x8b\xff\xff\xff\x7f\x01.", "a damaged pickle"),  # a number of 2 GB
        (b"\x80\x02cnumpy\nndarray\n.", "a type where a value is expected"),
        (b"\x80\x02cnumpy\nndarray\n)R.", "a call that no array, matrix or dict is written with"),
        (b"\x80\x02ccollections\ndefaultdict\ncnumpy\nndarray\n\x85R.", "a call that no array"),
        (b"\x80\x02]K\x01b.", "content that no array or matrix is written with"),
        (b"\x80\x02cscipy.sparse.csr\ncsr_matrix\n)\x81.", "a matrix without content"),
        (
            b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R.",
            "an array without content",
        ),
        (b"\x80\x02\x82\x01.", "operation EXT1, which no array, dict or list is written with"),
        (b"\x80\x02Pname\n.", "operation PERSID"),
        (b"\x80\x02(cos\nsystem\nU\x02idi0\n.", "a pickle that names 'os.system'"),
        (b"\x80\x04K\x01K\x02\x93.", "a global without a name"),
    ],
)
def test_a_pickle_that_no_array_is_written_with_is_refused(tmp_path, raw, message):
    if message is None:  # what follows the end is not looked at, as Python does not
        assert value_of(tmp_path, raw) == []
        return
    with pytest.raises(UserError, match="file: ") as caught:
        value_of(tmp_path, raw)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (b"K\x05", "an array that claims 20 bytes, where 16 are there"),
        (b"\x8a\x07" + b"\x7f" * 7, "an array of another shape than a row or a table"),
        (b"J\xff\xff\xff\xff", "an array of another shape than a row or a table"),
    ],
)
def test_an_array_may_not_claim_other_bytes_than_are_there(tmp_path, length, message):
    raw = pickle.dumps(np.arange(4, dtype=np.int32), 4)
    assert raw.count(b"K\x04\x85") == 1
    with pytest.raises(UserError, match=message):
        value_of(tmp_path, raw.replace(b"K\x04\x85", length + b"\x85"))


def test_the_steps_and_the_bytes_of_a_pickle_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(pickled, "MAX_STEPS", 100)
    assert "over 100 operations, the most of a pickle" in error(
        toy(tmp_path, graph={0: list(range(100))})
    )
    monkeypatch.setattr(pickled, "MAX_STEPS", 10_000)
    monkeypatch.setattr(pickled, "MAX_BYTES", 2000)
    assert "ind.toy.graph: 2,758 bytes; expected at most 2,000" in error(
        toy(tmp_path, graph={0: list(range(1000))})
    )


def test_arrays_made_of_the_same_bytes_count_each_time(tmp_path, monkeypatch):
    """Else a small file could ask for any amount of memory."""
    monkeypatch.setattr(pickled, "MAX_BYTES", 10_000)
    raw = pickle.dumps(np.zeros(100), 4)
    again = b"h\x13b"  # take up the kept content, number 19, and build of it
    assert value_of(tmp_path, raw[:-1] + again * 9 + b".").size == 100
    with pytest.raises(UserError, match="arrays of over 10,000 bytes"):
        value_of(tmp_path, raw[:-1] + again * 20 + b".")


def test_neighbours_that_occur_many_times_are_counted_before_they_are_joined(tmp_path, monkeypatch):
    row = list(range(4))
    monkeypatch.setattr(planetoid, "MAX_ROWS", 20)
    told = error(toy(tmp_path, graph=dict.fromkeys(range(6), row)))
    assert "ind.toy.graph: over 20 neighbours, which is the most allowed" in told


def test_a_pickle_nested_without_end_needs_no_stack(tmp_path):
    with pytest.raises(UserError, match="file: ") as caught:
        value_of(tmp_path, b"\x80\x02" + b"(" * 500_000 + b".")
    assert "takes a value where there is none" in str(caught.value)
    deep = value_of(tmp_path, b"\x80\x02" + b"]" * 300_000 + b"a" * 299_999 + b".")
    assert len(deep) == 1
