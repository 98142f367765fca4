"""PGD on the structure (Xu et al., IJCAI 2019; form of gagn.md 1.9): a relaxed flip P_uv ∈ [0, 1]
for every pair, A' = A + (1−I−2A)∘P, gradient ascent on a trained GCN's loss, projection onto
{0 ≤ P ≤ 1, ΣP ≤ Δ}, and at last Bernoulli samples of P, of which the best on the real graph stays.

The GCN attacked is a surrogate with ReLU, trained on the clean graph; as evasion its flips meet a
model that never trained on them, as poisoning one that does. P is sparse after each projection,
so the forward pass is too; only the gradient of all pairs is N × N. The attack that keeps to
random blocks of pairs instead is `prbcd.py`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from engine.methods.gagn.attacks.surrogate import (
    Factors,
    Spread,
    Surrogate,
    believed,
    rest_of,
    trained,
    uniform_aim,
)
from engine.methods.gagn.attacks.victim import (
    Attack,
    Victim,
    flipped,
    require_budget,
)

STEPS, SAMPLES = 200, 20
PACE = {"cross_entropy": 200.0, "margin": 0.1}  # step length, over √t


def projected(p: np.ndarray, budget: float, *, tolerance: float = 1e-5) -> np.ndarray:
    """The nearest point with 0 ≤ p ≤ 1 and Σp ≤ budget: clip(p−μ, 0, 1), μ by bisection."""
    inside = p.clip(0, 1)
    if inside.sum() <= budget:
        return inside
    low, high = 0.0, float(p.max())
    some = p[p > 0]  # the others stay 0 whatever μ is
    while high - low > tolerance / max(len(some), 1):
        middle = (low + high) / 2
        if not low < middle < high:
            break  # two neighbouring numbers: no bisection goes further
        low, high = (middle, high) if (some - middle).clip(0, 1).sum() > budget else (low, middle)
    return (p - high).clip(0, 1).astype(p.dtype)


class Pgd(Attack):
    most = 4000  # 8 million pairs

    def __init__(
        self,
        victim: Victim,
        budget: int | None,
        *,
        rng: np.random.Generator,
        loss: Literal["cross_entropy", "margin"] = "cross_entropy",
        nodes: Literal["train", "rest", "all"] = "all",
        steps: int = STEPS,
        samples: int = SAMPLES,
        law: bool = False,
    ):
        super().__init__(victim, rng=rng, law=law)
        self.budget, self.loss, self.steps = require_budget(budget), loss, steps
        self.run = steps + samples
        self.total, self.done = self.run, 0
        self.u, self.v = self.pairs()
        every = {"train": victim.split.train, "rest": rest_of(victim)}
        self.aim = uniform_aim(self.begin(), every.get(nodes, np.arange(victim.nodes)))
        self.best = (-np.inf, np.zeros((0, 2), np.int64))  # loss and flips of the best sample
        self.sign = 1 - 2 * self.record.joined(self.u, self.v).astype(victim.features.dtype)
        self.p = np.zeros(len(self.u), victim.features.dtype)

    def begin(self) -> np.ndarray:
        """Make the model that is attacked; (N,) the labels that the attacker works with."""
        self.surrogate = trained(self.victim, linear=False, rng=self.rng)
        return believed(self.victim, self.surrogate)

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The pairs that may flip, u < v."""
        u, v = np.triu_indices(self.victim.nodes, 1)
        return u.astype(np.int32), v.astype(np.int32)

    def gradient(self, factors: Factors) -> np.ndarray:
        return factors.dense()[self.u, self.v]

    def pace(self) -> float:
        return PACE[self.loss] / np.sqrt(self.at + 1)

    @property
    def at(self) -> int:
        """The step within this run; only an attack on random blocks makes more than one."""
        return self.done % self.run

    @property
    def flips(self) -> np.ndarray:
        return self.best[1]

    def step(self) -> dict[str, float]:
        if self.at == 0:
            self.start()
        found = self.ascend() if self.at < self.steps else self.sample()
        self.done += 1
        return found

    def start(self) -> None:
        """Where a run begins: here with no flip at all."""

    def ascend(self) -> dict[str, float]:
        some = np.flatnonzero(self.p)
        chosen = np.column_stack((self.u[some], self.v[some]))
        loss, accuracy, factors = self.look(flipped(self.victim.adjacency, chosen, self.p[some]))
        self.p += self.pace() * self.gradient(factors) * self.sign
        self.p = projected(self.p, self.budget)
        return {
            "loss": loss,
            "surrogate_accuracy": accuracy,
            "mass": float(self.p.sum()),
            "candidates": int((self.p > 0).sum()),
        }

    def look(self, adjacency) -> tuple[float, float, Factors]:
        """Loss, accuracy and gradient of the surrogate on this graph."""
        spread = Spread(adjacency, self.victim.features.dtype)
        seen = self.surrogate.forward(spread, self.victim.features)
        loss, slope = getattr(self.aim, self.loss)(seen.logits)
        return loss, self.aim.accuracy(seen.logits), self.surrogate.factors(spread, seen, slope)

    def judge(self, adjacency: sp.csr_array) -> tuple[float, float]:
        """Loss and accuracy of a sample: what is chosen by."""
        loss, accuracy, _ = self.look(adjacency)
        return loss, accuracy

    def sample(self) -> dict[str, float]:
        """The first takes the heaviest pairs, the others draw; likelier pairs have precedence."""
        first = self.at == self.steps
        drawn = self.p if first else self.p * (self.rng.random(len(self.p)) < self.p)
        some = np.flatnonzero(drawn)
        some = some[np.argsort(-drawn[some], kind="stable")]
        self.record.clear()
        self.record.take(self.u[some], self.v[some], self.budget)
        loss, accuracy = self.judge(self.record.adjacency)
        if loss > self.best[0]:
            self.best = (loss, self.record.array)
        return {"loss": loss, "surrogate_accuracy": accuracy, "flips": len(self.flips)}

    def state(self) -> dict[str, Any]:
        some = np.flatnonzero(self.p)
        return {
            "flips": self.flips,
            "best": self.best[0] if np.isfinite(self.best[0]) else None,
            "stream": self.rng.bit_generator.state,
            "done": self.done,
            "pairs": np.column_stack((self.u[some], self.v[some])).astype(np.int64),
            "p": self.p[some],
            "labels": self.aim.labels,
            **self.state_of_model(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        best = -np.inf if state["best"] is None else state["best"]
        self.best = (best, np.asarray(state["flips"], np.int64).reshape(-1, 2))
        self.rng.bit_generator.state = state["stream"]
        self.done = state["done"]
        self.restore_model(state)
        self.aim = type(self.aim)(np.asarray(state["labels"], np.int64), self.aim.weight)
        self.place(np.asarray(state["pairs"]), np.asarray(state["p"]))

    def state_of_model(self) -> dict[str, Any]:
        """What a checkpoint keeps of the model that is attacked."""
        return {"weights": [self.surrogate.first, self.surrogate.second]}

    def restore_model(self, state: dict[str, Any]) -> None:
        first, second = (np.asarray(w) for w in state["weights"])
        self.surrogate = Surrogate(first, second, linear=False)

    def place(self, pairs: np.ndarray, p: np.ndarray) -> None:
        u, v = pairs.T
        self.p[:] = 0
        self.p[u * self.victim.nodes - u * (u + 1) // 2 + v - u - 1] = p  # of triu_indices
