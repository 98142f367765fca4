"""The graph that methods work with: undirected, unweighted, without self-loops.

Reading files into it is `io.py`'s work; this module is only the value and what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array, triu
from scipy.sparse.csgraph import connected_components

UNKNOWN = -1  # the label of a node whose class is not known


@dataclass(frozen=True, eq=False)
class Graph:
    adjacency: csr_array  # (N, N) float32 0/1, symmetric, zero diagonal, sorted indices
    features: csr_array | None  # (N, F) float32
    labels: np.ndarray | None  # (N,) int64, UNKNOWN where not known
    # What the file calls nodes (N,) and classes (C,), as text, where that is not their number.
    node_names: np.ndarray | None = None
    class_names: np.ndarray | None = None

    @property
    def nodes(self) -> int:
        return self.adjacency.shape[0]

    @property
    def edges(self) -> int:
        """Undirected edges: each is counted once."""
        return self.adjacency.nnz // 2

    @property
    def classes(self) -> int:
        return 0 if self.labels is None or not self.labels.size else int(self.labels.max()) + 1

    @property
    def degrees(self) -> np.ndarray:
        return np.diff(self.adjacency.indptr).astype(np.int64)

    def edge_list(self) -> np.ndarray:
        """(E, 2) int64, each edge once with the smaller node first, in sorted order."""
        upper = triu(self.adjacency, k=1, format="coo")
        order = np.lexsort((upper.col, upper.row))
        return np.column_stack((upper.row, upper.col)).astype(np.int64)[order]

    def homophily(self) -> float | None:
        """The share of edges inside a class, among edges whose two labels are known."""
        if self.labels is None:
            return None
        ends = self.labels[self.edge_list()]
        known = (ends != UNKNOWN).all(axis=1)
        return float((ends[known, 0] == ends[known, 1]).mean()) if known.any() else None

    def components(self) -> np.ndarray:
        """(N,) the number of each node's connected component."""
        return connected_components(self.adjacency, directed=False)[1].astype(np.int64)

    def largest_component(self) -> tuple[Graph, np.ndarray]:
        """The largest component (the first of equals) and the kept nodes, in their order."""
        member = self.components()
        kept = np.flatnonzero(member == np.bincount(member).argmax())
        return self.subgraph(kept), kept

    def subgraph(self, kept: np.ndarray) -> Graph:
        adjacency = csr_array(self.adjacency[kept][:, kept])
        adjacency.sort_indices()
        return Graph(
            adjacency=adjacency,
            features=None if self.features is None else csr_array(self.features[kept]),
            labels=None if self.labels is None else self.labels[kept],
            node_names=None if self.node_names is None else self.node_names[kept],
            class_names=self.class_names,
        )


def adjacency_of(nodes: int, sources: np.ndarray, targets: np.ndarray) -> csr_array:
    """The symmetric 0/1 matrix of these pairs; direction, repetition and self-loops vanish."""
    apart = sources != targets
    rows = np.concatenate((sources[apart], targets[apart]))
    columns = np.concatenate((targets[apart], sources[apart]))
    matrix = coo_array((np.ones(rows.size, np.float32), (rows, columns)), shape=(nodes, nodes))
    matrix = csr_array(matrix)  # adds repeated entries up, and sorts
    matrix.sort_indices()
    matrix.data[:] = 1
    return matrix
