"""Graphs in .npz: the DeepRobust and nettack layout, and matrices of `scipy.sparse.save_npz`.

Only the arrays that make the graph are read; files of this kind often hold pickled extras,
which stay shut. Index arrays are proven consistent before scipy sees them, since its
compiled loops trust them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Source
from engine.data.arrays import Arrays, open_arrays
from engine.data.graph.build import Edges, Parts, sparse_rows
from engine.data.kind import Report

# 1,000,000 nodes: index pointers of 8 MB; an edge costs 16 bytes while it is read, so the
# 1 GiB that an archive may unpack to bounds the rest.
MAX_NODES = 1_000_000
MAX_FEATURES = 1_000_000
ADJACENCY = ("adj_", "adj_matrix.")  # how the arrays of the matrix may be prefixed
ATTRIBUTES = ("attr_", "attr_matrix.")
DENSE = ("attr_matrix", "attr", "features")
LABELS = ("labels", "label")
COMPRESSED = {"csr", "csc"}


def holds_graph(source: Source) -> bool:
    names = set(source.members)
    prefixed = any(f"{prefix}indptr.npy" in names for prefix in ADJACENCY)
    return prefixed or {"format.npy", "shape.npy", "data.npy"} <= names


def read_npz(path: Path, report: Report) -> Parts:
    with open_arrays(path) as arrays:
        prefix = _prefix(arrays, ADJACENCY)
        if prefix is not None:
            return _attributed(arrays, prefix, report)
        if "format" in arrays and "shape" in arrays:
            return _adjacency_only(arrays, report)
        there = ", ".join(ascii(key[:30]) for key in sorted(arrays.keys())[:12])
        raise UserError(
            arrays.name,
            f"arrays {there}; expected adj_data, adj_indices, adj_indptr and adj_shape, "
            "or a matrix of scipy.sparse.save_npz",
        )


def _attributed(arrays: Arrays, prefix: str, report: Report) -> Parts:
    matrix = _compressed(arrays, prefix)
    nodes = _square(matrix.shape, f"{prefix}shape")
    used = {f"{prefix}{part}" for part in ("data", "indices", "indptr", "shape")}
    parts = Parts(nodes, _edges_of(matrix, "adjacency"))
    attributes = _prefix(arrays, ATTRIBUTES)
    if attributes is not None:
        parts.features = _compressed(arrays, attributes)
        used |= {f"{attributes}{part}" for part in ("data", "indices", "indptr", "shape")}
    else:
        dense = next((key for key in DENSE if key in arrays), None)
        if dense is not None:
            parts.features = _dense(arrays, dense)
            used.add(dense)
    key = next((key for key in LABELS if key in arrays), None)
    if key is not None:
        parts.labels, parts.labels_where = arrays[key], key
        used.add(key)
    shut = sorted(set(arrays.keys()) - used)
    if shut:
        names = ", ".join(ascii(name[:40]) for name in shut[:12])
        report.ok(arrays.name, f"not needed and not opened: {names}")
    return parts


def _adjacency_only(arrays: Arrays, report: Report) -> Parts:
    form = _format(arrays)
    nodes = _square(_shape(arrays, "shape"), "shape")
    if form in COMPRESSED:  # csc read as csr is the transpose: the same edges without direction
        edges = _edges_of(_compressed(arrays, ""), "matrix")
    else:
        edges = _pairs(arrays, nodes)
    report.ok(arrays.name, f"a sparse {form} matrix: edges only")
    return Parts(nodes, edges)


def _prefix(arrays: Arrays, prefixes: tuple[str, ...]) -> str | None:
    return next((prefix for prefix in prefixes if f"{prefix}indptr" in arrays), None)


def _format(arrays: Arrays) -> str:
    value = arrays["format"]
    if value.shape != () or value.dtype.kind not in "SU":
        raise UserError("format", "expected one word: csr, csc or coo")
    form = value[()].decode("ascii", "replace") if value.dtype.kind == "S" else str(value[()])
    if form not in {*COMPRESSED, "coo"}:
        raise UserError("format", f"{form[:20]!a}; expected csr, csc or coo")
    return form


def _shape(arrays: Arrays, key: str) -> tuple[int, int]:
    value = arrays[key]
    if value.shape != (2,) or value.dtype.kind not in "iu":
        raise UserError(key, f"{value.dtype} of shape {value.shape}; expected two whole numbers")
    rows, columns = (int(side) for side in value)
    if not (0 < rows <= MAX_NODES and 0 < columns <= max(MAX_NODES, MAX_FEATURES)):
        raise UserError(key, f"{rows} x {columns}; expected 1 to {MAX_NODES:,} on each side")
    return rows, columns


def _square(shape: tuple[int, int], where: str) -> int:
    if shape[0] != shape[1]:
        raise UserError(where, f"{shape[0]} x {shape[1]}; expected a square adjacency matrix")
    return shape[0]


def _compressed(arrays: Arrays, prefix: str) -> csr_array:
    sides = _shape(arrays, f"{prefix}shape")
    parts = {part: arrays[f"{prefix}{part}"] for part in ("indptr", "indices", "data")}
    return checked_csr(sides, **parts, where=prefix)


def checked_csr(
    sides: tuple[int, int],
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    *,
    where: str,
) -> csr_array:
    """A CSR matrix, once its parts fit each other. `where` stands before their names."""
    major, minor = sides
    data = _numbers(data, indices.size, f"{where}data")
    if indptr.dtype.kind not in "iu" or indptr.shape != (major + 1,):
        raise UserError(
            f"{where}indptr",
            f"{indptr.dtype} of shape {indptr.shape}; expected {major + 1} whole numbers "
            f"for {major} rows",
        )
    if indptr[0] != 0 or indptr[-1] != indices.size:
        raise UserError(
            f"{where}indptr",
            f"runs from {indptr[0]} to {indptr[-1]}; expected 0 to {indices.size}",
        )
    falls = np.flatnonzero(indptr[1:] < indptr[:-1])
    if falls.size:
        raise UserError(
            f"{where}indptr", f"falls after row {falls[0]}; expected numbers that never fall"
        )
    _refuse_outside(indices, minor, f"{where}indices")
    narrow = np.int32 if indices.size < 2**31 else np.int64
    return csr_array((data, indices.astype(narrow), indptr.astype(narrow)), shape=sides)


def _pairs(arrays: Arrays, nodes: int) -> Edges:
    rows, columns = arrays["row"], arrays["col"]
    for key, ends in (("row", rows), ("col", columns)):
        _refuse_outside(ends, nodes, key)
    if rows.size != columns.size:
        raise UserError("col", f"{columns.size} entries; row has {rows.size}")
    weights = _numbers(arrays["data"], rows.size, "data")
    sources, targets = rows.astype(np.int64), columns.astype(np.int64)
    return Edges("matrix", sources, targets, weights, matrix=True)


def _numbers(data: np.ndarray, size: int, where: str) -> np.ndarray:
    if data.dtype.kind not in "biuf" or data.shape != (size,):
        raise UserError(
            where, f"{data.dtype} of shape {data.shape}; expected {size} numbers, one per index"
        )
    return data.astype(np.float32) if data.dtype.kind == "b" or data.itemsize < 4 else data


def _refuse_outside(indices: np.ndarray, bound: int, where: str) -> None:
    if indices.dtype.kind not in "iu" or indices.ndim != 1:
        raise UserError(
            where, f"{indices.dtype} of shape {indices.shape}; expected a row of whole numbers"
        )
    wrong = np.flatnonzero((indices < 0) | (indices >= bound))
    if wrong.size:
        raise UserError(
            where,
            f"{counted(wrong.size, 'entry')} outside 0 to {bound - 1}, entry {wrong[0]} = "
            f"{indices[wrong[0]]} the first",
        )


def _dense(arrays: Arrays, key: str) -> csr_array:
    values = arrays[key]
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise UserError(
            key, f"{values.dtype} of shape {values.shape}; expected numbers, a row per node"
        )
    return sparse_rows(values, key)


def _edges_of(matrix: csr_array, where: str) -> Edges:
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return Edges(where, rows, matrix.indices.astype(np.int64), matrix.data, matrix=True)
