"""Where to draw nodes: a quick force layout, the same for the same graph and stream."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

STEPS = 150
STRANGERS = 6  # nodes that push each node in a step


def layout(adjacency: sp.csr_array, rng: np.random.Generator) -> np.ndarray:
    """(N, 2) in [−1, 1]: edges pull, a few random strangers push, steps shrink."""
    n = adjacency.shape[0]
    degree = np.maximum(np.diff(adjacency.indptr), 1)[:, None]
    mean = sp.csr_array(sp.diags_array(1 / degree.ravel()) @ adjacency)
    place = rng.standard_normal((n, 2))
    for _ in range(10):  # neighbours start near one another
        place = 0.5 * place + 0.5 * (mean @ place)
    place = (place - place.mean(0)) / (place.std(0) + 1e-9)
    for step in range(STEPS):
        heat = 0.3 * (1 - step / STEPS) + 0.02
        pull = mean @ place - place
        apart = place[:, None] - place[rng.integers(0, n, (n, STRANGERS))]
        push = (apart / (0.05 + (apart**2).sum(-1, keepdims=True))).mean(1)
        move = pull + 0.12 * push - 0.01 * place
        length = np.linalg.norm(move, axis=1, keepdims=True)
        place = place + heat * move / np.maximum(1, length)
    place -= np.median(place, axis=0)
    reach = np.quantile(np.abs(place), 0.98) + 1e-9
    return np.clip(place / reach, -1, 1)
