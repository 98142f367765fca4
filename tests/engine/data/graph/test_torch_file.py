"""Graphs that PyTorch saved: what is understood, and what is refused with what to save instead."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data, HeteroData

from engine.data.graph import io
from tests.engine.data.making import report_on, said

CHAIN = [[0, 1], [1, 2], [2, 3]]


def tensors(**changes: Any) -> dict[str, Any]:
    """0 - 1 - 2 - 3, in both directions."""
    found = {
        "x": torch.tensor([[1.0, 0], [0, 1], [1, 0], [0, 1]]),
        "edge_index": torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]),
        "y": torch.tensor([0, 0, 1, 1]),
    }
    return {key: value for key, value in (found | changes).items() if value is not None}


def saved(folder: Path, content: Any) -> Path:
    path = folder / "graph.pt"
    torch.save(content, path)
    return path


def told(folder: Path, level: str, **changes: Any) -> str:
    return said(report_on(io, saved(folder, tensors(**changes))), level)


@pytest.mark.parametrize(
    "form",
    [
        lambda data: data.to_dict(),
        lambda data: data,
        lambda data: (data, None),  # a processed dataset of torch_geometric before 2.4
        lambda data: (data.to_dict(), None, Data),  # and since
    ],
)
def test_every_form_in_which_a_graph_is_saved_is_read(tmp_path, form):
    path = saved(tmp_path, form(Data(**tensors())))
    graph = io.load(path)
    assert graph.edge_list().tolist() == CHAIN
    assert graph.features.toarray().tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert graph.labels.tolist() == [0, 0, 1, 1]
    assert io.sniff(path)
    assert said(report_on(io, path), "warning") == ""


def test_a_data_of_before_torch_geometric_2_is_read(tmp_path, monkeypatch):
    """It kept its tensors as attributes of its own."""

    class Old:
        pass

    Old.__module__, Old.__qualname__ = "torch_geometric.data.data", "Data"
    old = Old()
    old.__dict__ = tensors()
    monkeypatch.setattr("torch_geometric.data.data.Data", Old)
    path = saved(tmp_path, old)
    monkeypatch.undo()
    assert io.load(path).edge_list().tolist() == CHAIN


def test_nothing_of_torch_geometric_runs(tmp_path, monkeypatch):
    path = saved(tmp_path, Data(**tensors()))

    def ran(*_: Any) -> None:
        raise AssertionError("code of the library ran")

    monkeypatch.setattr(Data, "__setstate__", ran)
    monkeypatch.setattr("torch_geometric.data.storage.GlobalStorage.__setstate__", ran)
    assert io.load(path).edges == 3


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool]
)
def test_features_of_every_type_are_read(tmp_path, dtype):
    graph = io.load(saved(tmp_path, tensors(x=tensors()["x"].to(dtype))))
    assert graph.features.toarray().tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert graph.features.dtype == np.float32


def test_views_and_parameters_are_read_as_they_look(tmp_path):
    whole = torch.arange(12.0).reshape(3, 4)
    graph = io.load(saved(tmp_path, tensors(x=torch.nn.Parameter(whole.T[:, 1:]))))
    assert graph.features.toarray().tolist() == whole.T[:, 1:].tolist()


def test_the_number_of_nodes_is_taken_from_what_says_it(tmp_path):
    isolated = tensors(x=None, y=None, num_nodes=9)
    assert io.load(saved(tmp_path, isolated)).nodes == 9
    assert io.load(saved(tmp_path, tensors(x=None, y=torch.zeros(6, dtype=int)))).nodes == 6
    assert io.load(saved(tmp_path, tensors(x=None, y=None))).nodes == 4


def test_weights_are_ignored_and_told(tmp_path):
    weights = torch.tensor([1, 1, 0.5, 0.5, 0, 0])
    warnings = told(tmp_path, "warning", edge_weight=weights)
    assert "edge_index: 2 weights other than 1 ignored" in warnings
    assert "edge_index: 2 entries of weight 0 dropped" in warnings


def test_labels_may_stand_in_a_column(tmp_path):
    graph = io.load(saved(tmp_path, tensors(y=torch.tensor([[0], [0], [1], [1]]))))
    assert graph.labels.tolist() == [0, 0, 1, 1]


def test_masks_are_counted_and_what_is_not_needed_is_named(tmp_path):
    mask = torch.tensor([True, False, False, True])
    text = told(tmp_path, "ok", train_mask=mask, test_mask=~mask, pos=torch.ones(4, 2), name="toy")
    assert "masks: train_mask 2, test_mask 2; a split is uploaded by itself" in text
    assert "not needed and left out: 'name', 'pos'" in text
    assert "train_mask 10 splits" in told(tmp_path, "ok", train_mask=torch.ones(4, 10).bool())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edge_index": None}, "graph.pt: holds 'x', 'y', but no edge_index; expected tensors"),
        ({"edge_index": torch.ones(6, 2).long()}, "edge_index: int64 of shape (6, 2); expected"),
        ({"edge_index": torch.ones(2, 6)}, "edge_index: float32 of shape (2, 6); expected whole"),
        (
            {"edge_index": torch.tensor([[0, 1, 4], [1, 2, 9]])},
            "edge_index: column 2 is [4, 9]; expected nodes from 0 to 3 (1 such columns)",
        ),
        ({"edge_index": torch.tensor([[0, -1], [1, 2]])}, "edge_index: column 1 is [-1, 2]"),
        ({"edge_index": [[0, 1], [1, 2]]}, "edge_index: a list; expected a tensor"),
        ({"edge_index": torch.tensor([[1], [1]])}, "edge_index: no edge between two nodes"),
        ({"edge_weight": torch.ones(5)}, "edge_weight: shape (5,); expected (6,), one per edge"),
        ({"edge_weight": torch.full((6,), torch.nan)}, "6 weights NaN or infinite, entry 0"),
        ({"x": torch.ones(4)}, "x: shape (4,); expected a row of features per node"),
        ({"x": torch.ones(4, 0)}, "x: shape (4, 0); expected a row of features per node"),
        ({"x": torch.ones(4, 2).to_sparse()}, "x: a tensor of torch.sparse_coo; expected a dense"),
        ({"x": torch.ones(4, 2, dtype=torch.complex64)}, "x: a tensor of torch.complex64"),
        ({"x": torch.ones(1).expand(4, 10**6)}, "of fewer stored numbers; save x.clone()"),
        ({"x": torch.tensor([[1, 2], [3, torch.nan]] * 2)}, "x: node 1, feature 1: NaN"),
        ({"x": torch.tensor([[1e300, 2]] * 4, dtype=torch.float64)}, "beyond 32 bits"),
        ({"y": torch.tensor([0, 1])}, "y: 2 labels; the graph has 4 nodes"),
        ({"y": torch.eye(4).long()}, "y: shape (4, 4); expected one class number per node"),
        ({"y": torch.tensor([0, -2, 1, 1])}, "y: node 1: label -2; expected a class number"),
        ({"y": torch.tensor([0, 0.5, 1, 1])}, "y: node 1: label 0.5"),
        ({"train_mask": torch.ones(3).bool()}, "train_mask: bool of shape (3,); expected a bool"),
        ({"train_mask": torch.arange(4)}, "train_mask: int64 of shape (4,)"),
        ({"x": None, "num_nodes": 2.5}, "num_nodes: a float; expected a whole number"),
        ({"x": None, "num_nodes": 10**12}, "num_nodes: 1,000,000,000,000 nodes; expected 1 to"),
    ],
)
def test_a_broken_tensor_is_told_by_its_name(tmp_path, changes, message):
    assert message in told(tmp_path, "error", **changes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([Data(), Data()], "graph.pt: a list of 2; expected one graph"),
        ((tensors(), {"x": torch.tensor([0, 2, 4])}), "graph.pt: a tuple of 2; expected one graph"),
        (torch.ones(3), "graph.pt: a Tensor; expected tensors alone"),
        ({}, "graph.pt: holds nothing, but no edge_index"),
        (HeteroData(), "holds torch_geometric.data.hetero_data.HeteroData, which is never opened"),
        (torch.nn.Linear(2, 2), "holds torch.nn.modules.linear.Linear, which is never opened"),
    ],
)
def test_other_content_is_refused_with_what_to_save(tmp_path, content, message):
    assert message in said(report_on(io, saved(tmp_path, content)), "error")


def patched(path: Path, ending: str, change: Any) -> Path:
    """The file with the content of one member changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, change(content) if name.endswith(ending) else content)
    return path


@pytest.mark.parametrize(
    ("ending", "change", "message"),
    [
        ("data.pkl", lambda raw: raw[:90], "graph.pt: damaged ("),
        ("data.pkl", lambda raw: b"\x80\x02]q\x00(" + b"]" * 200_000 + b"e.", "graph.pt: a list"),
        ("data.pkl", lambda raw: b"\x80\x04\x95" + bytes(8) + b".", "graph.pt: damaged ("),
        ("data/0", lambda raw: raw[:5], "graph.pt: damaged ("),
        ("data.pkl", lambda raw: b"", "graph.pt: damaged ("),
    ],
)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_damaged_file_is_told_to_be_one(tmp_path, ending, change, message):
    path = patched(saved(tmp_path, tensors()), ending, change)
    assert said(report_on(io, path), "error").startswith(message)


def test_memory_that_ran_out_is_no_damage(tmp_path, monkeypatch):
    def exhausted(*_: Any, **__: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    path = saved(tmp_path, tensors())
    monkeypatch.setattr("torch.load", exhausted)
    with pytest.raises(MemoryError):
        io.load(path)
