"""Small grounds for the defences to be trained on."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch

from engine.data.split.split import Split
from engine.methods.gagn.case import Case
from engine.methods.gagn.defences import Ground
from tests.methods.gagn.graphs import planted

NAMES = ["mlp", "gcn", "gat", "jaccard", "svd", "rgcn", "gnnguard", "prognn"]
GRAPH_BASED = [name for name in NAMES if name != "mlp"]


def ground(*, nodes: int = 60, order: np.ndarray | None = None) -> Ground:
    """A planted graph; its nodes numbered anew where an order is given."""
    adjacency, words, labels = planted(nodes=nodes, width=30)
    parts = np.array_split(np.random.default_rng(9).permutation(nodes), 3)
    split = Split(*map(np.sort, parts))
    if order is not None:
        adjacency, words = adjacency[order][:, order], words[order]
        labels, place = labels[order], np.argsort(order)
        split = Split(*(np.sort(place[part]) for part in split.parts().values()))
    case = Case(
        sp.csr_array(adjacency), None, sp.csr_array(words), labels, split, np.arange(nodes), False
    )
    return Ground(case, "cpu")


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def closed(adjacency: sp.csr_array) -> torch.Tensor:
    """[N, N] A + I, dense."""
    return torch.from_numpy(adjacency.toarray()).float() + torch.eye(adjacency.shape[0])


def normalised(matrix: torch.Tensor) -> torch.Tensor:
    scale = matrix.sum(1).rsqrt()
    return scale[:, None] * matrix * scale


def words(place: Ground) -> torch.Tensor:
    return torch.from_numpy(place.features.toarray()).float()


def toggled(adjacency: sp.csr_array, u: int, v: int) -> sp.csr_array:
    """The same graph with the edge (u, v) added, or removed where it is there."""
    dense = adjacency.toarray()
    dense[u, v] = dense[v, u] = 1 - dense[u, v]
    return sp.csr_array(dense)
