"""DICE: delete inside classes, connect across (Waniek et al., Nature Human Behaviour 2018, form of
gagn.md 1.9). Every flip is a deletion or an insertion by a fair coin.

It reads the true labels of all nodes, test nodes too: the strongest knowledge that an attack here
has. Nodes of unknown class are left alone. Where no edge inside a class can go, it inserts.
"""

from __future__ import annotations

import math

import numpy as np

from engine.methods.gagn.attacks.random_flips import BATCH, draw, part
from engine.methods.gagn.attacks.victim import Attack, Victim, require_budget


class Dice(Attack):
    def __init__(
        self,
        victim: Victim,
        budget: int | None,
        *,
        rng: np.random.Generator,
        law: bool = False,
    ):
        super().__init__(victim, rng=rng, law=law)
        self.budget = require_budget(budget)
        self.total = math.ceil(self.budget / BATCH)
        ends = victim.labels[self.record.edges]
        self.inside = self.record.edges[(ends[:, 0] == ends[:, 1]) & (ends[:, 0] >= 0)]

    def step(self) -> dict[str, float]:
        count = min(BATCH, self.budget - len(self.record))
        removed = part(self.record, self.inside, int(self.rng.binomial(count, 0.5)), self.rng)
        draw(self.record, count - removed, self.rng, self._across)
        return {"flips": len(self.record), "removed": removed}

    def _across(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        ends = self.victim.labels[u], self.victim.labels[v]
        apart = (ends[0] != ends[1]) & (ends[0] >= 0) & (ends[1] >= 0)
        return apart & ~self.record.joined(u, v)
