"""The three-level filter's rules on scored edges (README, "The filter"). Plain numpy.

Published: attention, degree inference and neighbour confidence each filter edges. That they
gate one another, and the rules themselves, are our reconstruction.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

ATTENTION, DEGREE, CONFIDENCE = 1, 2, 4  # bits of `levels`
KEPT, SPARED, REMOVED = 0, 1, 2  # verdicts
STEPS = 41  # thresholds of a scan


@dataclass(frozen=True)
class Scores:
    """One entry per undirected edge (u < v)."""

    u: np.ndarray
    v: np.ndarray
    alpha_uv: np.ndarray  # u's attention on v
    alpha_vu: np.ndarray
    share: np.ndarray  # the smaller attention as a multiple of the uniform one
    e_u: np.ndarray  # log degree of u above what u's other neighbours infer
    e_v: np.ndarray
    c_uv: np.ndarray  # the jury's mean confidence

    def as_state(self) -> dict[str, np.ndarray]:
        return asdict(self)

    def __len__(self) -> int:
        return len(self.u)

    @cached_property
    def strongest(self) -> tuple[np.ndarray, np.ndarray]:
        """The nodes that have edges, and of each its edge of the highest confidence."""
        ends = np.concatenate((self.u, self.v))
        edge = np.tile(np.arange(len(self)), 2)
        order = np.lexsort((edge, self.c_uv[edge], ends))  # the last of each node is its best
        ends, edge = ends[order], edge[order]
        last = np.r_[ends[1:] != ends[:-1], True] if len(ends) else np.zeros(0, bool)
        return ends[last], edge[last]


@dataclass(frozen=True)
class Rule:
    mode: str  # "confidence", "multi", "strict"
    tau: float
    kappa: float = 1.0
    allow_isolated: bool = False

    def words(self) -> str:
        return f"{self.mode}, τ={self.tau:g}, κ={self.kappa:g}"


def levels(scores: Scores, rule: Rule) -> np.ndarray:
    """Which levels suspect each edge, as bits."""
    return (
        ATTENTION * (scores.share < rule.kappa)
        + DEGREE * (np.maximum(scores.e_u, scores.e_v) > 0)
        + CONFIDENCE * (scores.c_uv < rule.tau)
    ).astype(np.int8)


def decide(scores: Scores, rule: Rule, nodes: int) -> np.ndarray:
    """KEPT, SPARED or REMOVED for each edge."""
    bits = levels(scores, rule)
    third = (bits & CONFIDENCE) > 0
    if rule.mode == "confidence":
        condemned = third
    elif rule.mode == "multi":
        condemned = third & ((bits & (ATTENTION | DEGREE)) > 0)
    else:
        condemned = bits == ATTENTION | DEGREE | CONFIDENCE
    verdict = np.where(condemned, REMOVED, KEPT).astype(np.int8)
    if not rule.allow_isolated:
        verdict[_last_resort(scores, condemned, nodes)] = SPARED
    return verdict


def _last_resort(scores: Scores, condemned: np.ndarray, nodes: int) -> np.ndarray:
    """Of every node whose edges are all condemned: the edge with the highest confidence."""
    degree = np.bincount(scores.u, minlength=nodes) + np.bincount(scores.v, minlength=nodes)
    lost = np.bincount(scores.u[condemned], minlength=nodes)
    lost += np.bincount(scores.v[condemned], minlength=nodes)
    bare = (degree > 0) & (lost == degree)
    ends, edge = scores.strongest
    return np.unique(edge[bare[ends]])


def scan(
    scores: Scores, rule: Rule, nodes: int, adversarial: np.ndarray | None
) -> list[dict[str, Any]]:
    """What other thresholds would cut under the same mode and floor, as rows of a curve."""
    rows = []
    for tau in np.linspace(0, 1, STEPS):
        removed = decide(scores, replace(rule, tau=float(tau)), nodes) == REMOVED
        row: dict[str, Any] = {"tau": round(float(tau), 3), "removed": int(removed.sum())}
        rows.append(row | (judged(removed, adversarial) if adversarial is not None else {}))
    return rows


def judged(removed: np.ndarray, adversarial: np.ndarray) -> dict[str, float | None]:
    """How right the cuts are, where the truth is known."""
    hits = int((removed & adversarial).sum())
    cut, bad = int(removed.sum()), int(adversarial.sum())
    return {
        "precision": hits / cut if cut else None,
        "recall": hits / bad if bad else None,
    }


def area(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """Area under the ROC curve of `scores` for `positive`; None where one class is missing."""
    wins, pairs = int(positive.sum()), int((~positive).sum())
    if not wins or not pairs:
        return None
    _, where, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2  # mean rank of ties, from 1
    return float((rank[where][positive].sum() - wins * (wins + 1) / 2) / (wins * pairs))


def by_level(
    scores: Scores, rule: Rule, verdict: np.ndarray, adversarial: np.ndarray | None
) -> list[dict[str, Any]]:
    """Edges by the levels that suspect them and by verdict, as rows for tables and a Sankey."""
    bits = levels(scores, rule)
    rows = []
    for value in range(8):
        here = bits == value
        row: dict[str, Any] = {
            "attention": bool(value & ATTENTION),
            "degree": bool(value & DEGREE),
            "confidence": bool(value & CONFIDENCE),
            "kept": int((here & (verdict == KEPT)).sum()),
            "spared": int((here & (verdict == SPARED)).sum()),
            "removed": int((here & (verdict == REMOVED)).sum()),
        }
        if adversarial is not None:
            row["adversarial"] = int((here & adversarial).sum())
        rows.append(row)
    return rows
