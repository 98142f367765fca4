"""How alike the two ends of each edge are, by their features."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

TINY = 1e-12


def ends(adjacency: sp.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """The undirected edges, u < v."""
    upper = sp.triu(adjacency, k=1).tocoo()
    return upper.row.astype(np.int64), upper.col.astype(np.int64)


def cosine(features: sp.csr_array, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    length = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
    return _shared(features, u, v) / np.maximum(length[u] * length[v], TINY)


def jaccard(features: sp.csr_array, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Jaccard of the non-zero features; of features that are not 0/1, their cosine."""
    if not np.isin(features.data, (0, 1)).all():
        return cosine(features, u, v)
    both = _shared(features, u, v)
    size = np.asarray(features.sum(axis=1)).ravel()
    return both / np.maximum(size[u] + size[v] - both, TINY)


def _shared(features: sp.csr_array, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.asarray(features[u].multiply(features[v]).sum(axis=1)).ravel()


def places(whole: sp.csr_array, part: sp.csr_array) -> np.ndarray:
    """(k,) where the entries of `part` are among those of `whole`, which has them all."""
    wanted, known = (_keys(matrix) for matrix in (part, whole))
    return np.searchsorted(known, wanted)


def rows(matrix: sp.csr_array) -> np.ndarray:
    """(nnz,) the row of each entry."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def _keys(matrix: sp.csr_array) -> np.ndarray:
    return rows(matrix) * matrix.shape[1] + matrix.indices


def of_edges(nodes: int, u: np.ndarray, v: np.ndarray) -> sp.csr_array:
    """The adjacency of undirected edges."""
    entries = (np.ones(2 * len(u), np.float32), (np.r_[u, v], np.r_[v, u]))
    return sp.csr_array(entries, shape=(nodes, nodes))
