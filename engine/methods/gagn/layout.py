"""Where to draw nodes: a quick force layout, the same for the same graph and stream.

Forces are those of neighbour embeddings (UMAP, LargeVis): edges pull with 1/(1+r²), which lets go
of what is far, and a few random strangers push at short range. A hub is pulled by the mean of
its edges. A step costs edges + nodes, never nodes².
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

STEPS = 200
STRANGERS = 8  # nodes that push each node in a step
PULL, PUSH = 2.0, 3.0  # tuned by eye on Cora, clean and attacked, and BlogCatalog
FARTHEST = 4.0  # a node moves at most so far in a step
BEGIN = 3.0  # places start in a square of twice this width
EDGE = 4  # how late places bend towards the edge of the drawing


def layout(adjacency: sp.csr_array, rng: np.random.Generator) -> np.ndarray:
    """(N, 2) in [−1, 1]."""
    n = adjacency.shape[0]
    count = np.diff(adjacency.indptr)
    row, col = np.repeat(np.arange(n), count), adjacency.indices
    share = 1 / count[row]
    pulls = sp.csr_array((share, col, adjacency.indptr), shape=(n, n))
    place = _begin(pulls, rng)
    for step in range(STEPS):
        far = ((place[row] - place[col]) ** 2).sum(1)
        pulls.data = share / (1 + far)
        pull = pulls @ place - place * pulls.sum(axis=1)[:, None]
        apart = place[:, None] - place[rng.integers(0, n, (n, STRANGERS))]
        far = (apart**2).sum(-1, keepdims=True)
        push = (apart / ((0.01 + far) * (1 + far))).clip(-FARTHEST, FARTHEST).mean(1)
        move = (PULL * pull + PUSH * push).clip(-FARTHEST, FARTHEST)
        place = place + (1 - step / STEPS) * move
    low, high = np.quantile(place, (0.01, 0.99), axis=0)
    place = (2 * place - low - high) / (high - low + 1e-9)
    return place / (1 + np.abs(place) ** EDGE) ** (1 / EDGE)


def _begin(mean: sp.csr_array, rng: np.random.Generator) -> np.ndarray:
    """Noise, smoothed over edges so that neighbours start near one another, spread by rank."""
    place = rng.standard_normal((mean.shape[0], 2))
    if len(place) < 2:
        return np.zeros_like(place)
    for _ in range(30):
        place = 0.3 * place + 0.7 * (mean @ place)
    axes, _, _ = np.linalg.svd(place - place.mean(0), full_matrices=False)
    rank = axes.argsort(0, kind="stable").argsort(0, kind="stable")
    return BEGIN * (2 * (rank + 0.5) / len(place) - 1)
