"""Who trains and who judges: whole captures, or single flows to show what that hides.

Flows of one capture are alike (one host, one client, one server), so a split of flows tests what
was trained on; the difference is the leakage.
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from engine.core.errors import UserError

By = Literal["capture", "flow"]
Fold = tuple[np.ndarray, np.ndarray]  # places that train, and that test

FOLDS = 3
STATES = (0, 1, 2)  # of the nine fixed folds (brief, addenda)


def folds(
    labels: np.ndarray, captures: np.ndarray, *, state: int, by: By = "capture", count: int = FOLDS
) -> list[Fold]:
    """Stratified folds of samples with labels (n,) and captures (n,)."""
    if by == "capture":
        groups = len(np.unique(captures))
        if groups < count:
            raise UserError(
                "captures", f"expected {count} with labelled flows for {count} folds, got {groups}"
            )
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=state)
    else:
        splitter, captures = StratifiedKFold(count, shuffle=True, random_state=state), None
    if np.bincount(labels).max() < count:
        raise UserError("labels", f"expected {count} flows of a class for {count} folds")
    if len(np.unique(labels)) < 2:
        raise UserError("labels", "expected two classes or more, all flows are of one")
    with warnings.catch_warnings():  # a class with fewer samples than folds: `rare` tells of it
        warnings.filterwarnings("ignore", message="The least populated class")
        return list(splitter.split(labels, labels, captures))


def nine(labels: np.ndarray, captures: np.ndarray, *, by: By = "capture") -> list[Fold]:
    """The nine fixed folds: three splits into three."""
    return [fold for state in STATES for fold in folds(labels, captures, state=state, by=by)]


def normal_folds(captures: np.ndarray, *, state: int, count: int = FOLDS) -> list[Fold]:
    """Folds by capture of samples of one kind, with captures (n,): a detector trains on these."""
    groups = len(np.unique(captures))
    if groups < count:
        raise UserError("captures", f"expected {count} with normal flows, got {groups}")
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=state)
    alike = np.zeros(len(captures), np.int64)
    return list(splitter.split(alike, alike, captures))


def rare(labels: np.ndarray, captures: np.ndarray) -> list[int]:
    """Classes of one capture only: they are never both trained on and tested."""
    pairs = np.unique(np.stack([labels, captures], axis=1), axis=0)
    return [int(code) for code in np.unique(labels) if (pairs[:, 0] == code).sum() < 2]
