"""Small graphs to attack, and the slow, obvious forms of what attacks compute."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from engine.data.split.split import Split
from engine.methods.gagn.attacks.victim import Victim
from tests.methods.gagn.graphs import planted


def victim(
    *, nodes: int = 120, seed: int = 0, dtype: type = np.float32, targets: list[int] | None = None
) -> Victim:
    adjacency, words, labels = planted(nodes=nodes, width=max(15, nodes // 2), seed=seed)
    order = np.random.default_rng(seed).permutation(nodes)
    parts = order[: nodes // 3], order[nodes // 3 : nodes // 2], order[nodes // 2 :]
    return Victim(
        adjacency,
        sp.csr_array(words.astype(dtype)),
        labels,
        Split(*(np.sort(part) for part in parts)),
        classes=3,
        targets=None if targets is None else np.array(targets),
    )


def tiny(seed: int = 0) -> Victim:
    """12 nodes in double precision, for central differences."""
    return victim(nodes=12, seed=seed, dtype=np.float64)


def weighted(given: Victim, seed: int = 0) -> np.ndarray:
    """A dense symmetric graph whose weights are anything but 0 and 1."""
    rng = np.random.default_rng(seed)
    noise = np.triu(rng.uniform(0.05, 0.4, given.adjacency.shape), 1)
    dense = given.adjacency.toarray().astype(np.float64)
    return np.abs(dense - noise - noise.T) * (1 - np.eye(len(dense)))


def central_differences(
    loss: Callable[[np.ndarray], float], graph: np.ndarray, *, step: float = 1e-5
) -> np.ndarray:
    """(N, N) the derivative by each pair's weight, both of its entries moved at once."""
    found = np.zeros_like(graph)
    for u, v in zip(*np.triu_indices(len(graph), 1), strict=True):
        both = []
        for sign in (1, -1):
            moved = graph.copy()
            moved[u, v] += sign * step
            moved[v, u] += sign * step
            both.append(loss(moved))
        found[u, v] = found[v, u] = (both[0] - both[1]) / (2 * step)
    return found


def normalised(graph: np.ndarray) -> np.ndarray:
    closed = graph + np.eye(len(graph))
    scale = closed.sum(axis=1) ** -0.5
    return scale[:, None] * closed * scale


def off_diagonal(matrix: np.ndarray) -> np.ndarray:
    return matrix[~np.eye(len(matrix), dtype=bool)]


def relative(got: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(got - expected).max() / np.abs(expected).max())
