"""Nettack on the structure (Zügner, Akbarnejad, Günnemann, KDD 2018; form of gagn.md 1.9).

A linear surrogate Z = Â²XW trained on the clean graph; greedy flips that most lower the target's
margin Z_y − max of the other classes. y is the target's true class, as in the reference code, or
without `truth` its class on the clean graph as the surrogate sees it: then flips on a target that
the surrogate gets wrong may put it right (docs/results/gagn-attacks.md).
`direct` flips pairs of the target itself, otherwise pairs of influencers: its neighbours whose
best single flip hurts most. Flips that fail the power-law test are not taken unless `law` is off.

Scores of all candidates in one go (ours): with K = XW, κ = K/√d̃, Y = Āκ and, of the target's
row, q = (Ā_u/d̃)Ā, flipping (a, b) by δ gives
    √d̃'_u Z'_u = Σ_w Ā_uw Y_w/d̃_w + q_a Δκ_a + q_b Δκ_b + (what a and b, whose d̃ and Y change
    beyond that, add as neighbours of u) + δ(Y'_b/d̃'_b if a = u),
O(C) for each candidate and nothing per candidate and node.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from engine.methods.gagn.attacks.surrogate import trained
from engine.methods.gagn.attacks.targeted import Targeted
from engine.methods.gagn.attacks.victim import Victim, entries

INFLUENCERS = 5


class Nettack(Targeted):
    def __init__(
        self,
        victim: Victim,
        budget: int | None,
        *,
        rng: np.random.Generator,
        direct: bool = True,
        influencers: int = INFLUENCERS,
        law: bool = True,
        reference_quirk: bool = False,
        truth: bool = True,
    ):
        super().__init__(victim, budget, rng=rng, law=law, reference_quirk=reference_quirk)
        self.direct, self.count, self.truth = direct, influencers, truth
        surrogate = trained(victim, linear=True, rng=rng)
        self.meaning = victim.features @ (surrogate.first @ surrogate.second)  # K = XW, (N, C)
        self.classes = self.believed()

    def believed(self) -> np.ndarray:
        """(N,) the class of each node that the attacker works with."""
        seen = Scene(self.victim.adjacency, self.meaning).logits().argmax(axis=1)
        labels = self.victim.labels
        return np.where(labels >= 0, labels, seen) if self.truth else seen

    def attack(self, target: int) -> dict[str, float]:
        scene = Scene(self.record.adjacency, self.meaning)
        a, b = self.candidates(scene, target)
        value = margin(scene.after(target, a, b), self.classes[target])
        order = np.argsort(value, kind="stable")
        self.record.take(a[order], b[order], 1)
        return {"margin": float(self.margin_of(target))}

    def margin_of(self, target: int) -> float:
        scene = Scene(self.record.adjacency, self.meaning)
        return float(margin(scene.logits()[[target]], self.classes[target])[0])

    def candidates(self, scene: Scene, target: int) -> tuple[np.ndarray, np.ndarray]:
        sources = np.array([target]) if self.direct else self.influencers(target)
        a, b = self.pairs(sources, target)
        legal = self.record.legal(a, b)
        return a[legal], b[legal]

    def pairs(self, sources: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
        """Every source with every other node, each pair once; influencers leave u alone."""
        a = np.repeat(sources, self.victim.nodes)
        b = np.tile(np.arange(self.victim.nodes), len(sources))
        twice = np.isin(b, sources) & (b < a)
        keep = (a != b) & ~twice & (self.direct | (b != target))
        return a[keep], b[keep]

    def influencers(self, target: int) -> np.ndarray:
        """Neighbours on the clean graph whose best flip lowers the margin most."""
        clean = self.victim.adjacency
        near = clean.indices[clean.indptr[target] : clean.indptr[target + 1]].astype(np.int64)
        scene, best = Scene(clean, self.meaning), []
        for node in near:
            a, b = self.pairs(np.array([node]), target)
            best.append(margin(scene.after(target, a, b), self.classes[target]).min())
        return np.sort(near[np.argsort(best, kind="stable")[: self.count]])

    def state(self) -> dict[str, Any]:
        return {**super().state(), "meaning": self.meaning}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.meaning = np.asarray(state["meaning"])
        self.classes = self.believed()


def margin(logits: np.ndarray, right: int) -> np.ndarray:
    """(k, C) logits: the right class's lead over the best other, (k,)."""
    return logits[:, right] - np.delete(logits, right, axis=1).max(axis=1)


class Scene:
    """The linear surrogate on one graph, and on every graph one flip away from it."""

    def __init__(self, adjacency: sp.csr_array, meaning: np.ndarray):
        self.closed = sp.csr_array(adjacency + sp.eye_array(adjacency.shape[0]))  # Ā
        self.closed = self.closed.astype(meaning.dtype)
        self.degree = np.asarray(self.closed.sum(axis=1)).ravel()  # d̃
        self.meaning = meaning
        self.sent = meaning / np.sqrt(self.degree)[:, None]  # κ
        self.heard = self.closed @ self.sent  # Y

    def logits(self) -> np.ndarray:
        inner = self.closed @ (self.heard / self.degree[:, None])
        return inner / np.sqrt(self.degree)[:, None]

    def after(self, u: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(k, C) logits of u, one row for each flip (a, b) made alone."""
        row = self.closed[[u]].toarray()[0]  # Ā_u
        spread = row / self.degree
        q = self.closed.T @ spread
        joined = entries(self.closed, a, b)  # Ā_ab
        delta = 1 - 2 * joined
        degree = [self.degree[x] + delta for x in (a, b)]  # d̃' of a, of b
        sent = [self.meaning[x] / np.sqrt(d)[:, None] for x, d in zip((a, b), degree, strict=True)]
        change = [s - self.sent[x] for x, s in zip((a, b), sent, strict=True)]  # Δκ
        total = np.repeat((spread @ self.heard)[None], len(a), axis=0)
        for i, (x, y) in enumerate(((a, b), (b, a))):
            old = self.heard[x] + change[i] + joined[:, None] * change[1 - i]
            new = old + delta[:, None] * sent[1 - i]  # Y' of x
            shared = row[x][:, None] * (new / degree[i][:, None] - old / self.degree[x][:, None])
            met = np.where(y == u, delta, 0)[:, None] * new / degree[i][:, None]
            total += q[x][:, None] * change[i] + shared + met
        own = self.degree[u] + np.where((a == u) | (b == u), delta, 0)
        return total / np.sqrt(own)[:, None]
