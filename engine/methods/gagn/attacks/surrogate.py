"""The two-layer GCN that attacks take in the victim's place, and what its loss says of each pair.

Z = Â act(Â X W₁) W₂ with Â = D̃^{-1/2}(A+I)D̃^{-1/2}, hidden 16, act the identity (linear) or ReLU.
With D = ∂loss/∂Z the gradient with respect to Â is a sum of outer products,
    ∂loss/∂Â = D (act(·) W₂)ᵀ + ((Â D W₂ᵀ) ∘ act') (X W₁)ᵀ = L Rᵀ,
and the way back through the normalisation (gagn.md 1.9) keeps that form: with one column more,
    ∂loss/∂A_uv + ∂loss/∂A_vu = l_u·r_v + l_v·r_u.
So one row, any list of pairs or the whole N × N matrix are read off two slim factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from engine.methods.gagn.attacks.victim import Victim

HIDDEN = 16
EPOCHS, RATE, DECAY = 200, 0.01, 5e-4
CHUNK = 1 << 18  # pairs whose gradient is computed at once


class Spread:
    """The normalised adjacency of a graph, whose edges may be weighted."""

    def __init__(self, adjacency: sp.csr_array, dtype: np.dtype):
        closed = sp.csr_array(adjacency + sp.eye_array(adjacency.shape[0]))
        self.degree = np.asarray(closed.sum(axis=1)).ravel().astype(dtype)  # d̃, (N,)
        self.scale = self.degree**-0.5
        self.matrix = sp.csr_array(closed * self.scale[:, None] * self.scale).astype(dtype)


class Factors(NamedTuple):
    """The gradient g_uv = left_u·right_v + left_v·right_u of a pair, in two (N, r) matrices."""

    left: np.ndarray
    right: np.ndarray

    @classmethod
    def of(cls, spread: Spread, left: np.ndarray, right: np.ndarray) -> Factors:
        """From ∂loss/∂Â = left·rightᵀ, through the normalisation."""
        along = left * (spread.matrix @ right) + right * (spread.matrix @ left)
        loss_of_degree = along.sum(axis=1) / (2 * spread.degree)  # r_u / 2d̃_u
        scale = spread.scale[:, None]
        return cls(
            np.column_stack((scale * left, -loss_of_degree)),
            np.column_stack((scale * right, np.ones_like(loss_of_degree))),
        )

    def dense(self) -> np.ndarray:
        half = self.left @ self.right.T
        return half + half.T

    def row(self, u: int) -> np.ndarray:
        return self.right @ self.left[u] + self.left @ self.right[u]

    def at(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        parts = []
        for first in range(0, len(u), CHUNK):
            a, b = u[first : first + CHUNK], v[first : first + CHUNK]
            one = np.einsum("kr,kr->k", self.left[a], self.right[b])
            parts.append(one + np.einsum("kr,kr->k", self.left[b], self.right[a]))
        return np.concatenate(parts) if parts else np.zeros(0, self.left.dtype)


@dataclass(frozen=True)
class Aim:
    """What an attack wants raised: Σ weight·loss over nodes, against these labels."""

    labels: np.ndarray  # (N,) int64
    weight: np.ndarray  # (N,) sums to 1; 0 where a node is not aimed at

    def cross_entropy(self, logits: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss and its gradient with respect to the logits, (N, C) or (N, T, C): T models."""
        index, weight = self._spread(logits)
        slope = softmax(logits)
        right = np.take_along_axis(slope, index, -1)
        loss = -(weight * np.log(np.maximum(right, 1e-30))).sum()
        np.put_along_axis(slope, index, right - 1, -1)
        return float(loss), slope * weight

    def margin(self, logits: np.ndarray) -> tuple[float, np.ndarray]:
        """tanh of (best other class − right class): it spends nothing on nodes already lost."""
        index, weight = self._spread(logits)
        others = logits.copy()
        np.put_along_axis(others, index, -np.inf, -1)
        best = others.argmax(axis=-1)[..., None]
        lead = np.take_along_axis(others, best, -1) - np.take_along_axis(logits, index, -1)
        height = np.tanh(lead)
        steep = weight * (1 - height**2)
        slope = np.zeros_like(logits)
        np.put_along_axis(slope, best, steep, -1)
        np.put_along_axis(slope, index, -steep, -1)
        return float((weight * height).sum()), slope

    def accuracy(self, logits: np.ndarray) -> float:
        """The share of the nodes aimed at that still get their label."""
        aimed = self.weight > 0
        return float((logits[aimed].argmax(axis=-1) == self.labels[aimed]).mean())

    def _spread(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Labels and weights in the logits' shape, one class wide."""
        shape = (-1, *(1,) * (logits.ndim - 1))
        index = np.broadcast_to(self.labels.reshape(shape), (*logits.shape[:-1], 1))
        return index, self.weight.reshape(shape).astype(logits.dtype)


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def uniform_aim(labels: np.ndarray, nodes: np.ndarray) -> Aim:
    weight = np.zeros(len(labels))
    weight[nodes] = 1 / len(nodes)
    return Aim(labels, weight)


class Adam:
    """Adam on numpy arrays, in place."""

    def __init__(self, weights: tuple[np.ndarray, ...], *, rate: float, decay: float = 0.0):
        self.weights, self.rate, self.decay = weights, rate, decay
        self.slots = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]
        self.steps = 0

    def step(self, gradients: tuple[np.ndarray, ...]) -> None:
        self.steps += 1
        first, second = 1 - 0.9**self.steps, 1 - 0.999**self.steps
        for weight, gradient, (mean, square) in zip(
            self.weights, gradients, self.slots, strict=True
        ):
            gradient = gradient + self.decay * weight
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient * gradient - square)
            weight -= (self.rate / first) * mean / (np.sqrt(square / second) + 1e-8)


def drawn(
    inputs: int, classes: int, rng: np.random.Generator, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """W₁ and W₂, each uniform in ±1/√(its columns), as Metattack's surrogate begins."""
    shapes = (inputs, HIDDEN), (HIDDEN, classes)
    first, second = (rng.uniform(-1, 1, s) / np.sqrt(s[1]) for s in shapes)
    return first.astype(dtype), second.astype(dtype)


@dataclass(frozen=True)
class Pass:
    inside: np.ndarray  # X W₁, (N, h)
    hidden: np.ndarray  # act(Â X W₁), (N, h)
    carried: np.ndarray  # hidden · W₂, (N, C)
    logits: np.ndarray  # Â · carried, (N, C)


class Surrogate:
    def __init__(self, first: np.ndarray, second: np.ndarray, *, linear: bool):
        self.first, self.second, self.linear = first, second, linear

    def forward(self, spread: Spread, features: sp.csr_array) -> Pass:
        inside = features @ self.first
        hidden = spread.matrix @ inside
        if not self.linear:
            hidden = np.maximum(hidden, 0)
        carried = hidden @ self.second
        return Pass(inside, hidden, carried, spread.matrix @ carried)

    def back(self, spread: Spread, seen: Pass, slope: np.ndarray) -> np.ndarray:
        """∂loss/∂(Â X W₁), (N, h), for the slope ∂loss/∂Z."""
        back = (spread.matrix @ slope) @ self.second.T
        return back if self.linear else back * (seen.hidden > 0)

    def factors(self, spread: Spread, seen: Pass, slope: np.ndarray) -> Factors:
        left = np.column_stack((slope, self.back(spread, seen, slope)))
        return Factors.of(spread, left, np.column_stack((seen.carried, seen.inside)))


def trained(
    victim: Victim, *, linear: bool, rng: np.random.Generator, epochs: int = EPOCHS
) -> Surrogate:
    """A surrogate taught by the clean graph and the training labels: it sees no others."""
    features = victim.features
    first, second = drawn(features.shape[1], victim.classes, rng, features.dtype)
    surrogate = Surrogate(first, second, linear=linear)
    spread = Spread(victim.adjacency, features.dtype)
    train = victim.split.train
    aim = uniform_aim(np.where(victim.labels < 0, 0, victim.labels), train)
    adam = Adam((first, second), rate=RATE, decay=DECAY)
    across = sp.csr_array(features.T)
    for _ in range(epochs):
        seen = surrogate.forward(spread, features)
        _, slope = aim.cross_entropy(seen.logits)
        inner = spread.matrix @ surrogate.back(spread, seen, slope)
        adam.step((across @ inner, seen.hidden.T @ (spread.matrix @ slope)))
    return surrogate


def believed(victim: Victim, surrogate: Surrogate) -> np.ndarray:
    """(N,) the labels that an attacker works with: known where they train, else predicted."""
    spread = Spread(victim.adjacency, victim.features.dtype)
    labels = surrogate.forward(spread, victim.features).logits.argmax(axis=1)
    labels[victim.split.train] = victim.labels[victim.split.train]
    return labels.astype(np.int64)


def rest_of(victim: Victim) -> np.ndarray:
    """The nodes whose label nobody was told."""
    return np.setdiff1d(np.arange(victim.nodes), victim.split.train)
