"""FGA: the pair of the target with the largest gradient is flipped, then again (Chen et al.,
"Fast Gradient Attack on Network Embedding", 2018; form of gagn.md 1.9).

The gradient of the target's cross-entropy on a surrogate GCN with ReLU, trained on the clean
graph, goes through the normalisation; the surrogate is not trained again between flips.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.methods.gagn.attacks.surrogate import (
    Spread,
    Surrogate,
    believed,
    trained,
    uniform_aim,
)
from engine.methods.gagn.attacks.targeted import Targeted
from engine.methods.gagn.attacks.victim import Victim


class Fga(Targeted):
    def __init__(
        self,
        victim: Victim,
        budget: int | None,
        *,
        rng: np.random.Generator,
        law: bool = False,
    ):
        super().__init__(victim, budget, rng=rng, law=law)
        self.surrogate = trained(victim, linear=False, rng=rng)
        self.labels = believed(victim, self.surrogate)

    def attack(self, target: int) -> dict[str, float]:
        spread = Spread(self.record.adjacency, self.victim.features.dtype)
        seen = self.surrogate.forward(spread, self.victim.features)
        loss, slope = uniform_aim(self.labels, np.array([target])).cross_entropy(seen.logits)
        others = np.delete(np.arange(self.victim.nodes), target)
        ends = np.full(len(others), target)
        worth = self.surrogate.factors(spread, seen, slope).row(target)[others]
        worth = worth * (1 - 2 * self.record.joined(ends, others))
        order = np.argsort(-worth, kind="stable")
        self.record.take(ends[order], others[order], 1)
        return {"loss": loss}

    def state(self) -> dict[str, Any]:
        weights = [self.surrogate.first, self.surrogate.second]
        return {**super().state(), "weights": weights, "labels": self.labels}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        first, second = (np.asarray(w) for w in state["weights"])
        self.surrogate = Surrogate(first, second, linear=False)
        self.labels = np.asarray(state["labels"], np.int64)
