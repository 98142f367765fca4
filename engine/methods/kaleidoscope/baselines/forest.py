"""A random forest of 100 trees on the same raw bytes: the honest baseline.

It splits on single byte values, which suits protocol headers, and it runs on no co-processor.
"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier

TREES = 100


def fit(data: np.ndarray, labels: np.ndarray, *, seed: int) -> RandomForestClassifier:
    """Of bytes (n, inputs) and classes (n,)."""
    return RandomForestClassifier(TREES, random_state=seed, n_jobs=1).fit(data, labels)


def answers(forest: RandomForestClassifier, data: np.ndarray) -> np.ndarray:
    """(n,) classes."""
    return forest.predict(data)
