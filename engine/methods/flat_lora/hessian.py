"""Curvature of a loss at some weights: the Hessian's top eigenvalue and its trace.

A loss comes in terms, one per batch, whose sum it is: a product with the Hessian then holds the
graph of one batch at a time. Each product calls every term once, where a job may also tell its
progress, or raise to stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.core.seed import torch_stream

Term = Callable[[], Tensor]  # a scalar, twice differentiable


@dataclass(frozen=True)
class Top:
    """The eigenvalue λ of largest magnitude, how it was approached, and how well it was met."""

    value: float
    history: tuple[float, ...]  # λ after each iteration
    residual: float  # ‖Hv − λv‖ of the last unit vector v


@dataclass(frozen=True)
class Trace:
    mean: float
    se: float  # of the mean
    values: tuple[float, ...]  # vᵀHv of each probe v


def top_eigenvalue(
    terms: Sequence[Term],
    weights: Sequence[Tensor],
    *,
    seed: int,
    iterations: int = 15,
    tolerance: float = 1e-3,
) -> Top:
    """By power iteration, until λ changes by less than `tolerance` of itself."""
    vector = _unit(_normal(weights, seed))
    history: list[float] = []
    with _differentiable(weights):
        for _ in range(iterations):
            image = product(terms, weights, vector)
            value = _dot(vector, image)
            residual = _norm([h - value * v for h, v in zip(image, vector, strict=True)])
            history.append(value)
            if residual == 0 or _settled(history, tolerance):
                break
            vector = _unit(image)
    return Top(value, tuple(history), residual)


def trace(terms: Sequence[Term], weights: Sequence[Tensor], *, seed: int, probes: int) -> Trace:
    """By Hutchinson's estimator: E vᵀHv = tr H for entries v = ±1. Two probes at least."""
    if probes < 2:
        raise ValueError("the trace takes two probes at least, for its standard error")
    draw = torch_stream(seed, "trace", weights[0].device)
    values = []
    with _differentiable(weights):
        for _ in range(probes):
            signs = [_signs(weight, draw) for weight in weights]
            values.append(_dot(signs, product(terms, weights, signs)))
    se = float(np.std(values, ddof=1)) / math.sqrt(probes)
    return Trace(float(np.mean(values)), se, tuple(values))


def product(
    terms: Sequence[Term], weights: Sequence[Tensor], vector: Sequence[Tensor]
) -> list[Tensor]:
    """Hv, one tensor per weight: the gradient of vᵀ∇L. The weights require gradients."""
    total = [torch.zeros_like(weight) for weight in weights]
    for term in terms:
        # The fused attention kernels have no second derivative.
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            gradient = torch.autograd.grad(term(), weights, create_graph=True)
            parts = torch.autograd.grad(gradient, weights, vector, materialize_grads=True)
        for whole, part in zip(total, parts, strict=True):
            whole += part
    return total


@contextmanager
def _differentiable(weights: Sequence[Tensor]):
    before = [weight.requires_grad for weight in weights]
    try:
        for weight in weights:
            weight.requires_grad_()
        yield
    finally:
        for weight, needed in zip(weights, before, strict=True):
            weight.requires_grad_(needed)


def _settled(history: list[float], tolerance: float) -> bool:
    return len(history) > 1 and abs(history[-1] - history[-2]) <= tolerance * abs(history[-1])


def _normal(weights: Sequence[Tensor], seed: int) -> list[Tensor]:
    draw = torch_stream(seed, "power iteration", weights[0].device)
    return [
        torch.randn(weight.shape, generator=draw, device=weight.device, dtype=weight.dtype)
        for weight in weights
    ]


def _signs(weight: Tensor, draw: torch.Generator) -> Tensor:
    coins = torch.randint(2, weight.shape, generator=draw, device=weight.device, dtype=weight.dtype)
    return coins.mul_(2).sub_(1)


def _dot(left: Sequence[Tensor], right: Sequence[Tensor]) -> float:
    pairs = zip(left, right, strict=True)
    return math.fsum(float((one.detach() * other).sum()) for one, other in pairs)


def _norm(vector: Sequence[Tensor]) -> float:
    return math.sqrt(_dot(vector, vector))


def _unit(vector: Sequence[Tensor]) -> list[Tensor]:
    length = _norm(vector)
    return [part / length for part in vector]
