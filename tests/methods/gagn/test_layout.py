"""Where nodes are drawn."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from engine.methods.gagn.layout import layout


def cliques(count: int, size: int) -> tuple[sp.csr_array, np.ndarray]:
    """Cliques in a ring, each with one edge to the next."""
    group = np.repeat(np.arange(count), size)
    dense = (group[:, None] == group).astype(np.float32)
    for at in range(count):
        a, b = at * size, (at + 1) % count * size + 1
        dense[a, b] = dense[b, a] = 1
    np.fill_diagonal(dense, 0)
    return sp.csr_array(dense), group


def test_what_belongs_together_is_drawn_together():
    adjacency, group = cliques(8, 12)
    place = layout(adjacency, np.random.default_rng(0))
    middle = np.stack([place[group == each].mean(0) for each in range(8)])
    nearest = ((place[:, None] - middle) ** 2).sum(-1).argmin(1)
    assert (nearest == group).mean() > 0.95


def test_neighbours_are_nearer_than_strangers_and_nothing_piles_up():
    adjacency, _ = cliques(5, 9)
    place = layout(adjacency, np.random.default_rng(1))
    assert place.shape == (45, 2)
    assert np.abs(place).max() < 1
    far = np.linalg.norm(place[:, None] - place, axis=-1)
    joined = adjacency.toarray() > 0
    stranger = ~joined & ~np.eye(45, dtype=bool)
    assert np.median(far[joined]) < 0.5 * np.median(far[stranger])
    assert far[~np.eye(45, dtype=bool)].min() > 1e-3


def test_the_same_stream_draws_the_same_and_loners_are_drawn_apart():
    adjacency = sp.csr_array(sp.block_diag((cliques(3, 5)[0], sp.csr_array((4, 4)))))
    first, second = (layout(adjacency, np.random.default_rng(2)) for _ in range(2))
    assert (first == second).all()
    assert np.isfinite(first).all()
    assert len(np.unique(first.round(3), axis=0)) == len(first)


def test_a_graph_of_one_node_has_one_place():
    assert layout(sp.csr_array((1, 1), dtype=np.float32), np.random.default_rng(0)).shape == (1, 2)
