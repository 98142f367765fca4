"""Metattack: flip what most raises the loss of a model *trained on the flipped graph*
(Zügner, Günnemann, ICLR 2019; forms of gagn.md 1.9).

Per meta step a linear surrogate Z = ÂÂX W₁W₂ is trained anew on the graph so far and the loss
L = λ·CE(train, y) + (1−λ)·CE(rest, ŷ) is differentiated with respect to the graph, through the
training (exact: SGD with momentum, unrolled) or along it (approximate, "A-Meta": Adam, the sum
over its steps of ∂L/∂A with weights as constants). Labels ŷ come from a surrogate trained on the
clean graph; no label of a validation or test node is read. Then the best `per_step` legal flips.

Ours, the low-rank form: training sees the graph through B = (ÂÂX)[train] alone, a small dense
matrix, so neither variant unrolls through N × N. With K = X W₁W₂ and D = ∂L/∂Z,
    along the training       ∂L/∂Â = D (ÂK)ᵀ + (ÂD) Kᵀ,               rank 2C a step,
    through the training   + R (ÂX)ᵀ + (ÂR) Xᵀ, R = ∂L/∂B on train,   rank 2·|train|,
so one product of slim factors per meta step gives the scores of all pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import scipy.sparse as sp
import torch

from engine.core.errors import UserError
from engine.methods.gagn.attacks.surrogate import (
    Adam,
    Aim,
    Factors,
    Spread,
    believed,
    drawn,
    rest_of,
    softmax,
    trained,
)
from engine.methods.gagn.attacks.victim import Attack, Flips, Victim, require_budget

INNER = 100
TAUGHT = 100_000_000  # entries of B: 400 MB
RATE = 0.01
SGD_RATE, MOMENTUM = 0.1, 0.9

Weights = tuple[np.ndarray, np.ndarray]  # W₁ (F, h), W₂ (h, C)
Measure = Callable[[np.ndarray], tuple[float, np.ndarray]]  # logits -> loss, slope


class Metattack(Attack):
    most = 8000  # three N × N matrices of single precision are 768 MB

    def __init__(
        self,
        victim: Victim,
        budget: int | None,
        *,
        rng: np.random.Generator,
        exact: bool = True,
        loss: Literal["cross_entropy", "margin"] = "cross_entropy",
        train_share: float = 0.0,
        per_step: int = 1,
        inner: int = INNER,
        law: bool = False,
    ):
        """`train_share` is λ: 0 aims at the unlabelled nodes ("Self"), 1 at the training nodes."""
        if victim.split.train.size * victim.features.shape[1] > TAUGHT:
            raise UserError(
                "attack",
                f"metattack holds training nodes × features, at most {TAUGHT:,} entries: choose "
                "prbcd, or a split with fewer training nodes",
            )
        super().__init__(victim, rng=rng, law=law)
        self.budget, self.exact, self.loss = require_budget(budget), exact, loss
        self.per_step, self.inner = per_step, inner
        self.total = math.ceil(self.budget / per_step)
        labels = believed(victim, trained(victim, linear=True, rng=rng))
        self.aim = shared_aim(victim, labels, train_share)

    def step(self) -> dict[str, float]:
        victim, x = self.victim, self.victim.features
        spread = Spread(self.record.adjacency, x.dtype)
        weights = drawn(x.shape[1], victim.classes, self.rng, x.dtype)
        meta = through_training if self.exact else along_training
        measure = getattr(self.aim, self.loss)
        loss, logits, factors = meta(spread, victim, measure, weights, self.inner)
        count = min(self.per_step, self.budget - len(self.record))
        best = take_best(self.record, scores(factors, self.record), count)
        return {
            "loss": loss,
            "surrogate_accuracy": self.aim.accuracy(logits),
            "score": best,
            "flips": len(self.record),
        }

    def state(self):
        return {**super().state(), "labels": self.aim.labels}

    def restore(self, state) -> None:
        super().restore(state)
        self.aim = Aim(np.asarray(state["labels"], np.int64), self.aim.weight)


def shared_aim(victim: Victim, labels: np.ndarray, train_share: float) -> Aim:
    weight = np.zeros(victim.nodes)
    train, rest = victim.split.train, rest_of(victim)
    weight[train] = train_share / len(train)
    weight[rest] = (1 - train_share) / len(rest)
    return Aim(labels, weight)


def scores(factors: Factors, record: Flips) -> np.ndarray:
    """(N, N) what each flip would add to the loss, to first order; −∞ where it can't be made."""
    worth = factors.dense()
    u, v = record.edges.T
    worth[u, v] *= -1
    worth[v, u] *= -1
    np.fill_diagonal(worth, -np.inf)
    u, v = record.array.T
    worth[u, v] = worth[v, u] = -np.inf
    return worth


def take_best(record: Flips, worth: np.ndarray, count: int) -> float:
    """Make the `count` best legal flips; returns the score of the last, NaN if there was none."""
    rows, before = worth.max(axis=1), record.array
    wanted, pairs = 4 * count + 16, worth.shape[0] * (worth.shape[0] - 1) // 2
    while True:
        # The best k pairs lie in the k rows with the best maxima (each pair has two rows).
        lines = np.sort(np.argsort(-rows, kind="stable")[: 2 * wanted])
        part = worth[lines]
        place = np.argpartition(part.ravel(), -min(2 * wanted, part.size))[-2 * wanted :]
        u, v = lines[place // worth.shape[1]], place % worth.shape[1]
        value = part.ravel()[place]
        keep = (u < v) & np.isfinite(value)
        u, v, value = u[keep], v[keep], value[keep]
        order = np.lexsort((v, u, -value))
        taken = record.take(u[order], v[order], count)
        if taken == count or wanted >= pairs:
            return float(worth[tuple(record.array[-1])]) if taken else math.nan
        record.restore(before)  # too few were legal: judge more of them, from the first again
        wanted = min(4 * wanted, pairs)


def taught(spread: Spread, victim: Victim) -> np.ndarray:
    """B = (ÂÂX)[train], dense: all that the training sees of graph and features."""
    rows = spread.matrix[victim.split.train]
    return ((rows @ spread.matrix) @ victim.features).toarray()


def along_training(
    spread: Spread, victim: Victim, measure: Measure, weights: Weights, inner: int
) -> tuple[float, np.ndarray, Factors]:
    """A-Meta: Σ over training steps of ∂L/∂A, weights as constants."""
    b, train = taught(spread, victim), victim.split.train
    right = np.eye(victim.classes, dtype=b.dtype)[victim.labels[train]]
    first, second = weights
    adam = Adam(weights, rate=RATE)
    products = np.empty((len(first), inner, victim.classes), b.dtype)  # W₁W₂ of every step
    for step in range(inner):
        products[:, step] = first @ second
        hidden = b @ first
        slope = (softmax(hidden @ second) - right) / len(train)
        adam.step((b.T @ (slope @ second.T), hidden.T @ slope))
    k = victim.features @ products.reshape(len(first), -1)  # (N, T·C)
    once = spread.matrix @ k
    logits = (spread.matrix @ once).reshape(victim.nodes, inner, victim.classes)
    _, slope = measure(logits)
    last = logits[:, -1]
    d = slope.reshape(victim.nodes, -1)
    left, right = np.column_stack((d, spread.matrix @ d)), np.column_stack((once, k))
    return measure(last)[0], last, Factors.of(spread, left, right)


def through_training(
    spread: Spread, victim: Victim, measure: Measure, weights: Weights, inner: int
) -> tuple[float, np.ndarray, Factors]:
    """The exact meta-gradient of the loss after `inner` unrolled steps of SGD."""
    b = torch.from_numpy(taught(spread, victim)).requires_grad_()
    product = unrolled(b, torch.from_numpy(victim.labels[victim.split.train]), weights, inner)
    x, a = victim.features, spread.matrix
    k = x @ product.detach().numpy()
    once = a @ k
    logits = a @ once
    loss, d = measure(logits)
    of_product = torch.from_numpy(x.T @ (a @ (a @ d)))  # ∂L/∂(W₁W₂), (F, C)
    (of_b,) = torch.autograd.grad(product, b, of_product)  # R on the training rows
    reach = sp.csr_array(a[:, victim.split.train]).toarray()  # Â's columns, (N, n)
    ones = np.zeros_like(reach)
    ones[victim.split.train, np.arange(len(victim.split.train))] = 1
    m = x @ of_b.numpy().T  # X Rᵀ, (N, n)
    left = np.column_stack((d, a @ d, ones, reach))
    right = np.column_stack((once, k, a @ m, m))
    return loss, logits, Factors.of(spread, left, right)


def unrolled(
    b: torch.Tensor, labels: torch.Tensor, weights: tuple[np.ndarray, np.ndarray], inner: int
) -> torch.Tensor:
    """W₁W₂ after `inner` steps of SGD with momentum, as a differentiable function of B."""
    now = [torch.from_numpy(w).requires_grad_() for w in weights]
    speed = [torch.zeros_like(w) for w in now]
    for _ in range(inner):
        loss = torch.nn.functional.cross_entropy(b @ now[0] @ now[1], labels)
        gradient = torch.autograd.grad(loss, now, create_graph=True)
        speed = [MOMENTUM * s + g for s, g in zip(speed, gradient, strict=True)]
        now = [w - SGD_RATE * s for w, s in zip(now, speed, strict=True)]
    return now[0] @ now[1]
