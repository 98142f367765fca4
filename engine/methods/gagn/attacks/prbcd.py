"""PRBCD: PGD on a random block of pairs, for graphs where all pairs are too many (Geisler et al.,
NeurIPS 2021; gagn.md 1.9). Memory follows the block, never N².

After each step of the first three quarters, pairs that the projection left without weight are
drawn anew; then the block stays and its weights settle. It aims by the tanh margin, as its
authors advise. Several restarts are several such runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.methods.gagn.attacks.pgd import SAMPLES, STEPS, Pgd
from engine.methods.gagn.attacks.surrogate import Factors
from engine.methods.gagn.attacks.victim import Victim, pair_keys

BLOCK = 200_000
RATE = 1000.0
DRAWING = 0.75  # the share of the steps that look for better pairs


class Prbcd(Pgd):
    most = None

    def __init__(
        self,
        victim: Victim,
        budget: int | None,
        *,
        rng: np.random.Generator,
        block: int = BLOCK,
        loss: str = "margin",
        nodes: str = "all",
        steps: int = STEPS,
        samples: int = SAMPLES,
        restarts: int = 1,
        law: bool = False,
    ):
        self.block = min(block, victim.nodes * (victim.nodes - 1) // 2)
        super().__init__(
            victim, budget, rng=rng, loss=loss, nodes=nodes, steps=steps, samples=samples, law=law
        )
        self.total = restarts * self.run

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        return np.divmod(self.fresh(np.zeros(0, np.int64)), self.victim.nodes)

    def fresh(self, kept: np.ndarray) -> np.ndarray:
        """Keys of a full block, ascending: the kept ones and uniform others, each pair once."""
        n, keys = self.victim.nodes, np.sort(kept)
        if n * (n - 1) // 2 <= 4 * self.block:  # so few pairs that luck would find the last late
            others = np.setdiff1d(pair_keys(*np.triu_indices(n, 1), n), keys)
            return np.sort(np.r_[keys, self.rng.permutation(others)[: self.block - len(keys)]])
        while len(keys) < self.block:
            u, v = self.rng.integers(0, n, (2, 2 * (self.block - len(keys)) + 16))
            new = np.setdiff1d(pair_keys(u, v, n)[u != v], keys)
            new = self.rng.permutation(new)[: self.block - len(keys)]
            keys = np.sort(np.r_[keys, new])
        return keys

    def gradient(self, factors: Factors) -> np.ndarray:
        return factors.at(self.u, self.v)

    def pace(self) -> float:
        """Its authors' pace, but on a small graph, where a gradient is large, no more than N/10:
        else every step throws the weights from one end to the other (ours, measured)."""
        since = max(0, self.at - int(DRAWING * self.steps))
        nodes = self.victim.nodes
        return min(self.budget / nodes * RATE, nodes / 10) / np.sqrt(since + 1)

    def start(self) -> None:
        """Each restart begins with a block of its own; the best sample of all of them stays."""
        if self.done:
            nothing = np.zeros(0, np.int64)
            self.arrange(self.fresh(nothing), nothing, self.p[:0])

    def ascend(self) -> dict[str, float]:
        found = super().ascend()
        if self.at < int(DRAWING * self.steps):
            some = np.flatnonzero(self.p)
            kept = pair_keys(self.u[some], self.v[some], self.victim.nodes)
            self.arrange(self.fresh(kept), kept, self.p[some])
        return found

    def arrange(self, keys: np.ndarray, kept: np.ndarray, p: np.ndarray) -> None:
        """Make these the block; `kept`, ascending, carry the weights p."""
        self.u, self.v = np.divmod(keys, self.victim.nodes)
        self.sign = 1 - 2 * self.record.joined(self.u, self.v).astype(p.dtype)
        self.p = np.zeros(len(keys), p.dtype)
        self.p[np.searchsorted(keys, kept)] = p

    def state(self) -> dict[str, Any]:
        return {**super().state(), "block": pair_keys(self.u, self.v, self.victim.nodes)}

    def restore(self, state: dict[str, Any]) -> None:
        keys = np.asarray(state["block"], np.int64)
        self.arrange(keys, keys[:0], self.p[:0])
        super().restore(state)

    def place(self, pairs: np.ndarray, p: np.ndarray) -> None:
        nodes = self.victim.nodes
        block = pair_keys(self.u, self.v, nodes)
        u, v = pairs.T
        self.arrange(block, pair_keys(u, v, nodes), p)
