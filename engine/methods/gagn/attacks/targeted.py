"""What attacks on single nodes share: the targets in their order, and a budget for each.

Targets are attacked one after the other in the same graph, each with the flips of those before it
in place, as the supplied Nettack graphs were made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.methods.gagn.attacks.victim import Attack, Victim, require_budget


class Targeted(Attack):
    """`budget` flips for each target, or with None its degree + 2 (Nettack's protocol)."""

    def __init__(
        self,
        victim: Victim,
        budget: int | None,
        *,
        rng: np.random.Generator,
        law: bool = False,
        reference_quirk: bool = False,
    ):
        super().__init__(victim, rng=rng, law=law, reference_quirk=reference_quirk)
        if victim.targets is None or not len(victim.targets):
            raise UserError("targets", "expected at least one node for a targeted attack")
        self.targets = np.asarray(victim.targets, np.int64)
        if budget is None:
            self.each = np.diff(victim.adjacency.indptr)[self.targets] + 2
        else:
            self.each = np.full(len(self.targets), require_budget(budget))
        self.order = np.repeat(np.arange(len(self.targets)), self.each)
        self.total, self.done = int(self.each.sum()), 0

    def step(self) -> dict[str, float]:
        """One flip for the target whose turn it is; none where no legal flip is left."""
        place = int(self.order[self.done])
        found = self.attack(int(self.targets[place]))
        self.done += 1
        return {**found, "target": place, "flips": len(self.record)}

    def attack(self, target: int) -> dict[str, float]:
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        return {**super().state(), "done": self.done}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.done = state["done"]
