"""Adaptive attacks: PRBCD through the very model that is attacked (gagn.md 1.9 c, d).

The attacker holds a trained model, GAgN's agents or a defence, with all its parameters and its
rule of cleaning. Relaxed flips make a graph of weighted edges, the model answers on it, and the
tanh margin of its answers is differentiated through all of that. What a model learns from the
graph it is attacked on is not unrolled: as evasion the flips meet the model that they were made
for, as poisoning one that is trained anew on them. The first of its runs starts from what other
attacks found, where that hurts this model, and none ends weaker than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from engine.methods.gagn.attacks.prbcd import Prbcd
from engine.methods.gagn.attacks.victim import Victim, pair_keys

STEPS, SAMPLES, RESTARTS = 60, 10, 3
BLOCK = 20_000
ROOM = 4  # pairs in the block for each flip of the budget, at least
SHARE = 4  # past a filter, the block is filled to this part at least
DRAWS = 20  # and no more often is it drawn for


class Model(Protocol):
    """What is asked of a trained model that is attacked."""

    def relaxed(self, pattern: sp.csr_array, weight: Tensor) -> Tensor:
        """(N, C) logits where each entry is there to some degree (nnz,), differentiable."""

    def logits(self, adjacency: sp.csr_array) -> Tensor:
        """(N, C) on another graph of the same nodes, without training on it (evasion)."""


class Adaptive(Prbcd):
    def __init__(
        self,
        victim: Victim,
        budget: int | None,
        *,
        rng: np.random.Generator,
        model: Model,
        aware: bool = False,
        block: int | None = None,
        steps: int = STEPS,
        samples: int = SAMPLES,
        restarts: int = RESTARTS,
        starts: Sequence[np.ndarray] = (),
        law: bool = False,
    ):
        """`aware`: no edge is added that the model, which then tells what it `hears`, would surely
        clean away. `starts`: flips (k, 2) of other attacks, to begin with those that transfer."""
        self.model, self.aware, self.starts = model, aware, starts
        super().__init__(
            victim,
            budget,
            rng=rng,
            block=block or max(BLOCK, ROOM * (budget or 0)),
            nodes="rest",
            steps=steps,
            samples=samples,
            restarts=restarts,
            law=law,
        )

    def begin(self) -> np.ndarray:
        """What the model answers undisturbed: of the test labels the attacker knows nothing."""
        victim = self.victim
        weight = torch.from_numpy(victim.adjacency.data.astype(np.float32))
        with torch.no_grad():
            shares = self.model.relaxed(victim.adjacency, weight)
        labels = shares.argmax(1).cpu().numpy().astype(np.int64)
        labels[victim.split.train] = victim.labels[victim.split.train]
        return labels

    def start(self) -> None:
        super().start()
        if not self.done:
            self.take_over()

    def take_over(self) -> None:
        """Begin with the flips of another attack, where some hurt this model: the worst for it."""
        least, _ = self.judge(self.victim.adjacency)
        for flips in self.starts:
            u, v = flips[:, 0], flips[:, 1]
            if self.aware:
                passing = self.record.joined(u, v) | self.model.hears(u, v)
                u, v = u[passing], v[passing]
            self.record.clear()
            self.record.take(u, v, self.budget)
            loss, _ = self.judge(self.record.adjacency)
            if loss > max(least, self.best[0]):
                self.best = (loss, self.record.array)
        if len(self.flips):
            taken = np.sort(pair_keys(self.flips[:, 0], self.flips[:, 1], self.victim.nodes))
            self.arrange(self.fresh(taken), taken, np.ones(len(taken), self.p.dtype))

    def fresh(self, kept: np.ndarray) -> np.ndarray:
        """Past a filter most pairs are of no use: they are drawn until some are together."""
        if not self.aware:
            return super().fresh(kept)
        keys = kept
        for _ in range(DRAWS):
            if len(keys) >= self.block // SHARE:
                break
            new = np.setdiff1d(super().fresh(keys), keys)
            u, v = np.divmod(new, self.victim.nodes)
            keys = np.union1d(keys, new[self.record.joined(u, v) | self.model.hears(u, v)])
        return keys

    def look(self, adjacency: sp.csr_array) -> tuple[float, float, Any]:
        """Loss and accuracy of the model on a graph of weighted edges, and the gradient's way."""
        n = self.victim.nodes
        upper = sp.triu(adjacency, k=1, format="coo")
        there = pair_keys(upper.row, upper.col, n)
        keys = np.union1d(there, pair_keys(self.u, self.v, n))  # the block's are asked about
        of_pair = np.zeros(len(keys), np.float32)
        of_pair[np.searchsorted(keys, there)] = upper.data
        pattern, place = both_ways(keys, n)
        weight = torch.from_numpy(of_pair).requires_grad_()
        logits = self.model.relaxed(pattern, weight[torch.from_numpy(place)])
        told = logits.detach().cpu().numpy()
        loss, slope = self.aim.margin(told)

        def gradient() -> np.ndarray:
            steep = torch.from_numpy(slope).to(logits)
            (found,) = torch.autograd.grad(logits, weight, steep)
            return found.numpy()[np.searchsorted(keys, pair_keys(self.u, self.v, n))]

        return loss, self.aim.accuracy(told), gradient

    def judge(self, adjacency: sp.csr_array) -> tuple[float, float]:
        """By what the model really answers: with its own filter, not the relaxed one."""
        with torch.no_grad():
            told = self.model.logits(adjacency).cpu().numpy()
        loss, _ = self.aim.margin(told)
        return loss, self.aim.accuracy(told)

    def gradient(self, factors: Any) -> np.ndarray:
        return factors()

    def state_of_model(self) -> dict[str, Any]:
        return {}  # it is kept by whoever trained it

    def restore_model(self, state: dict[str, Any]) -> None:
        pass


def both_ways(keys: np.ndarray, nodes: int) -> tuple[sp.csr_array, np.ndarray]:
    """The pattern of these pairs, and of each of its entries the place of the pair in `keys`."""
    u, v = np.divmod(keys, nodes)
    number = np.tile(np.arange(1, len(keys) + 1), 2)  # from 1: a zero would be no entry
    pattern = sp.csr_array((number, (np.r_[u, v], np.r_[v, u])), shape=(nodes, nodes))
    pattern.sort_indices()
    place = pattern.data - 1
    pattern.data = np.ones(len(place), np.float32)
    return pattern, place
