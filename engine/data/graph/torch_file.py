"""Graphs that PyTorch saved (.pt): a dict of tensors, or a `Data` of torch_geometric.

The few classes of torch_geometric that make up a `Data` are let in as a stand-in of ours that
keeps their content, so nothing of that library runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Source
from engine.data.graph.build import FEW, Edges, Parts, sparse_rows
from engine.data.graph.npz import MAX_FEATURES, MAX_NODES
from engine.data.graph.pairs import MAX_ROWS
from engine.data.kind import Report
from engine.data.torch_files import dense, load

CLASSES = ("data.data.Data", "data.storage.GlobalStorage")
CLASSES += ("data.data.DataTensorAttr", "data.data.DataEdgeAttr")
MASKS = ("train_mask", "val_mask", "test_mask")
EXPECTED = (
    "expected tensors alone, as of torch.save({'x': data.x, 'edge_index': data.edge_index, "
    "'y': data.y}, path)"
)


class _Kept:
    """Stands for a class of torch_geometric: keeps what the file says of it."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


def read_torch(path: Path, source: Source, report: Report) -> Parts:
    """`source` is the path, opened and found within the limits of archives."""
    classes = [(_Kept, f"torch_geometric.{name}") for name in CLASSES]
    content = _content(load(path, expected=EXPECTED, classes=classes), source.name)
    given = {key: value for key, value in content.items() if type(key) is str and value is not None}
    if "edge_index" not in given:
        there = ", ".join(ascii(key[:30]) for key in list(given)[:FEW]) or "nothing"
        raise UserError(source.name, f"holds {there}, but no edge_index; {EXPECTED}")
    ends = _edge_index(given)
    features = _table(given["x"], "x") if "x" in given else None
    labels = _labels(given["y"]) if "y" in given else None
    nodes = _count(given, ends, features, labels)
    _refuse_outside(ends, nodes)
    used = {"edge_index", "x", "y", "edge_weight", "num_nodes", *MASKS}
    left = sorted(set(given) - used)
    if left:
        names = ", ".join(ascii(key[:30]) for key in left[:FEW])
        report.ok(source.name, f"not needed and left out: {names}")
    _tell_masks(given, nodes, report)
    weights = _array(given["edge_weight"], "edge_weight") if "edge_weight" in given else None
    if weights is not None and weights.shape != ends.shape[1:]:
        raise UserError(
            "edge_weight", f"shape {weights.shape}; expected ({ends.shape[1]},), one per edge"
        )
    return Parts(
        nodes,
        Edges("edge_index", ends[0], ends[1], weights),
        features=None if features is None else sparse_rows(features, "x"),
        features_where="x",
        labels=labels,
        labels_where="y",
    )


def _content(value: Any, where: str) -> dict[Any, Any]:
    """The tensors by name: of a dict, of a `Data`, or of a processed dataset of one graph."""
    if isinstance(value, tuple) and len(value) in (2, 3) and value[1] is None:
        value = value[0]  # as torch_geometric's datasets save (data, slices) and the class
    if isinstance(value, _Kept):
        value = _state(value)
        if isinstance(value.get("_store"), _Kept):  # since torch_geometric 2.0
            value = _state(_state(value["_store"]).get("_mapping"))
    if isinstance(value, dict):
        return value
    if isinstance(value, list | tuple):
        raise UserError(where, f"a {type(value).__name__} of {len(value):,}; expected one graph")
    raise UserError(where, f"a {type(value).__name__}; {EXPECTED}")


def _state(value: Any) -> dict[Any, Any]:
    found = value.state if isinstance(value, _Kept) else value
    return found if isinstance(found, dict) else {}


def _array(value: Any, where: str) -> np.ndarray:
    import torch

    tensor = dense(value, where)
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    return tensor.contiguous().numpy()


def _edge_index(given: dict[str, Any]) -> np.ndarray:
    """(2, M) int64."""
    ends = _array(given["edge_index"], "edge_index")
    if ends.ndim != 2 or ends.shape[0] != 2 or ends.dtype.kind not in "iu":
        raise UserError(
            "edge_index", f"{ends.dtype} of shape {ends.shape}; expected whole numbers, (2, edges)"
        )
    if ends.shape[1] > MAX_ROWS:
        raise UserError("edge_index", f"over {MAX_ROWS:,} columns, which is the most allowed")
    return ends.astype(np.int64)


def _table(value: Any, where: str) -> np.ndarray:
    """(N, F)."""
    values = _array(value, where)
    if values.ndim != 2 or not 0 < values.shape[1] <= MAX_FEATURES:
        raise UserError(where, f"shape {values.shape}; expected a row of features per node")
    return values


def _labels(value: Any) -> np.ndarray:
    """(N,), or what `build.py` refuses by its shape."""
    labels = _array(value, "y")
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _count(
    given: dict[str, Any],
    ends: np.ndarray,
    features: np.ndarray | None,
    labels: np.ndarray | None,
) -> int:
    """How many nodes there are: as features, num_nodes or labels say, else by the edges."""
    known = given.get("num_nodes")
    if features is not None:
        nodes = features.shape[0]
    elif known is not None:
        if type(known) is not int:
            raise UserError("num_nodes", f"a {type(known).__name__}; expected a whole number")
        nodes = known
    elif labels is not None and labels.ndim:
        nodes = labels.shape[0]
    else:
        nodes = int(ends.max(initial=-1)) + 1
    if not 0 < nodes <= MAX_NODES:
        raise UserError("num_nodes", f"{nodes:,} nodes; expected 1 to {MAX_NODES:,}")
    return nodes


def _refuse_outside(ends: np.ndarray, nodes: int) -> None:
    wrong = np.flatnonzero(((ends < 0) | (ends >= nodes)).any(axis=0))
    if wrong.size:
        pair = ends[:, wrong[0]].tolist()
        raise UserError(
            "edge_index",
            f"column {wrong[0]} is {pair}; expected nodes from 0 to {nodes - 1} ({wrong.size:,} "
            "such columns)",
        )


def _tell_masks(given: dict[str, Any], nodes: int, report: Report) -> None:
    """What the masks say of a split, which is a dataset of its own."""
    said = []
    for name in (name for name in MASKS if name in given):
        mask = _array(given[name], name)
        if mask.dtype.kind != "b" or mask.shape[:1] != (nodes,):
            raise UserError(
                name, f"{mask.dtype} of shape {mask.shape}; expected a boolean for each node"
            )
        count = f"{int(mask.sum()):,}" if mask.ndim == 1 else f"{mask.shape[1]:,} splits"
        said.append(f"{name} {count}")
    if said:
        report.ok("masks", f"{', '.join(said)}; a split is uploaded by itself, as JSON")
