"""Writes graphs as the .npz files that the field reads, and that `npz.py` reads back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from engine.data.arrays import write_npz
from engine.data.graph.graph import Graph

Arrays = dict[str, np.ndarray]


def write_adjacency(path: Path, adjacency: csr_array) -> None:
    """The edges alone, (N, N), for `scipy.sparse.load_npz`: an attacked or a purified graph."""
    write_npz(path, {"format": np.array(b"csr"), **_compressed(adjacency, "")})


def write_graph(path: Path, graph: Graph) -> None:
    """Edges, features and labels in the layout of DeepRobust and nettack."""
    arrays = _compressed(graph.adjacency, "adj_")
    if graph.features is not None:
        arrays |= _compressed(graph.features, "attr_")
    if graph.labels is not None:
        arrays["labels"] = graph.labels
    write_npz(path, arrays)


def _compressed(matrix: csr_array, prefix: str) -> Arrays:
    """Sorted, so that equal matrices are equal bytes."""
    ordered = csr_array(matrix)
    if not ordered.has_sorted_indices:
        ordered = ordered.sorted_indices()
    return {
        f"{prefix}data": ordered.data.astype(np.float32),
        f"{prefix}indices": ordered.indices.astype(np.int32),
        f"{prefix}indptr": ordered.indptr.astype(np.int32),
        f"{prefix}shape": np.array(ordered.shape, dtype=np.int64),
    }
