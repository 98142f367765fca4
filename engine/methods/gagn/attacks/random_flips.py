"""Random flips: what damage is worth without any aim. Reads no label.

`add` joins pairs and `remove` parts them, each uniformly; `flip` takes pairs uniformly from all,
which in a sparse graph nearly always joins.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from engine.methods.gagn.attacks.victim import Attack, Flips, Victim, require_budget

BATCH = 256  # flips per step
TRIES = 100  # rounds of drawing without a legal pair before there is held to be none


class RandomFlips(Attack):
    def __init__(
        self,
        victim: Victim,
        budget: int | None,
        *,
        rng: np.random.Generator,
        kind: Literal["add", "remove", "flip"] = "flip",
        law: bool = False,
    ):
        super().__init__(victim, rng=rng, law=law)
        self.budget, self.kind = require_budget(budget), kind
        self.total = math.ceil(self.budget / BATCH)

    def step(self) -> dict[str, float]:
        count = min(BATCH, self.budget - len(self.record))
        if self.kind == "remove":
            part(self.record, self.record.edges, count, self.rng)
        else:
            draw(self.record, count, self.rng, self._wanted)
        return {"flips": len(self.record)}

    def _wanted(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return ~self.record.joined(u, v) if self.kind == "add" else np.ones(len(u), bool)


def part(record: Flips, edges: np.ndarray, count: int, rng: np.random.Generator) -> int:
    """Remove up to `count` of these edges, drawn uniformly; returns how many could be."""
    u, v = edges[rng.permutation(len(edges))].T
    return record.take(u, v, count)


def draw(record: Flips, count: int, rng: np.random.Generator, wanted) -> int:
    """Flip up to `count` uniform pairs for which `wanted(u, v)` holds; returns how many."""
    taken = tries = 0
    while taken < count and tries < TRIES:
        u, v = rng.integers(0, record.nodes, (2, 4 * BATCH))
        keep = wanted(u, v)
        more = record.take(u[keep], v[keep], count - taken)
        taken, tries = taken + more, 0 if more else tries + 1
    return taken
