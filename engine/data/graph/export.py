"""Writes graphs as the .npz files that the field reads, and that `npz.py` reads back.

Files are known by their content, so an archive bears no time and no machine: the same graph
is the same bytes, whenever and wherever it is written.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from engine.data.graph.graph import Graph

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold

Arrays = dict[str, np.ndarray]


def write_adjacency(path: Path, adjacency: csr_array) -> None:
    """The edges alone, (N, N), for `scipy.sparse.load_npz`: an attacked or a purified graph."""
    _write(path, {"format": np.array(b"csr"), **_compressed(adjacency, "")})


def write_graph(path: Path, graph: Graph) -> None:
    """Edges, features and labels in the layout of DeepRobust and nettack."""
    arrays = _compressed(graph.adjacency, "adj_")
    if graph.features is not None:
        arrays |= _compressed(graph.features, "attr_")
    if graph.labels is not None:
        arrays["labels"] = graph.labels
    _write(path, arrays)


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


def _write(path: Path, arrays: Arrays) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array), version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=EPOCH)
            info.create_system = 3
            archive.writestr(info, buffer.getvalue(), zipfile.ZIP_STORED)
