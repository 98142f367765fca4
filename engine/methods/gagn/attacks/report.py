"""How conspicuous an attack is: what it added and removed, and what that did to class mixing and
degrees. Reads all labels, so it is for the person at the bench, never for an attack or defence.
"""

from __future__ import annotations

import math

import numpy as np

from engine.methods.gagn.attacks.powerlaw import CUTOFF, PowerLaw
from engine.methods.gagn.attacks.victim import Victim, edge_pairs, entries, flipped


def imperceptibility(victim: Victim, flips: np.ndarray) -> dict[str, float]:
    """Numbers for people and summaries; NaN where there is nothing to divide by."""
    attacked = flipped(victim.adjacency, flips)
    pairs = np.asarray(flips, np.int64).reshape(-1, 2)
    there = entries(victim.adjacency, *pairs.T) > 0
    law = PowerLaw(np.diff(victim.adjacency.indptr))
    degrees = np.diff(attacked.indptr)
    law.observe(degrees)
    taught = np.isin(pairs, victim.split.train).any(axis=1)
    return {
        "flips": len(pairs),
        "added": int((~there).sum()),
        "removed": int(there.sum()),
        "homophily_before": _inside(edge_pairs(victim.adjacency), victim.labels),
        "homophily_after": _inside(edge_pairs(attacked), victim.labels),
        "heterophily_of_added": 1 - _inside(pairs[~there], victim.labels),
        "touching_train": float(taught.mean()) if len(pairs) else math.nan,
        "isolated": int(((degrees == 0) & (np.diff(victim.adjacency.indptr) > 0)).sum()),
        "degree_statistic": law.now,
        "degree_cutoff": CUTOFF,
    }


def _inside(pairs: np.ndarray, labels: np.ndarray) -> float:
    """The share of pairs inside a class, among those whose two labels are known."""
    ends = labels[pairs]
    known = (ends >= 0).all(axis=1)
    return float((ends[known, 0] == ends[known, 1]).mean()) if known.any() else math.nan
