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


def test_places_fill_the_drawing_and_stay_in_it():
    adjacency, _ = cliques(5, 9)
    place = layout(adjacency, np.random.default_rng(1))
    assert place.shape == (45, 2)
    assert np.abs(place).max() < 1
    assert (np.ptp(place, axis=0) > 1).all()
    assert len(np.unique(place.round(4), axis=0)) == 45


def test_the_same_stream_draws_the_same_and_loners_are_drawn_too():
    adjacency = sp.csr_array(sp.block_diag((cliques(3, 5)[0], sp.csr_array((4, 4)))))
    first, second = (layout(adjacency, np.random.default_rng(2)) for _ in range(2))
    assert (first == second).all()
    assert np.isfinite(first).all()
