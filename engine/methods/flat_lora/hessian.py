"""Curvature of a loss at some weights: the Hessian's top eigenvalue and its trace.

Both ask for products with the Hessian only. All products walk the one graph of the gradient, which
takes two thirds of the time that making it anew would, and stays in memory meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import eigh_tridiagonal
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.core.seed import torch_stream

Product = Callable[[Sequence[Tensor]], list[Tensor]]  # v -> Hv, one tensor per weight
ITERATIONS = 15  # at most


@dataclass(frozen=True)
class Top:
    """The eigenvalue λ of largest magnitude, how it was approached, and how well it was met: there
    is an eigenvalue within the residual of it."""

    value: float
    history: tuple[float, ...]  # λ after each iteration
    residual: float  # ‖Hv − λv‖ of the unit vector v that has vᵀHv = λ


@dataclass(frozen=True)
class Trace:
    mean: float
    se: float  # of the mean
    values: tuple[float, ...]  # vᵀHv of each probe v


@contextmanager
def products(loss: Callable[[], Tensor], weights: Sequence[Tensor]) -> Iterator[Product]:
    """Within: Hv = ∇(vᵀ∇L) at the weights as they are, of a scalar that is twice differentiable."""
    before = [weight.requires_grad for weight in weights]
    try:
        for weight in weights:
            weight.requires_grad_()
        # The fused attention kernels have no second derivative.
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            gradient = torch.autograd.grad(loss(), weights, create_graph=True)
        yield lambda vector: list(
            torch.autograd.grad(
                gradient, weights, vector, retain_graph=True, materialize_grads=True
            )
        )
    finally:
        for weight, needed in zip(weights, before, strict=True):
            weight.requires_grad_(needed)


def top_eigenvalue(
    product: Product,
    weights: Sequence[Tensor],
    *,
    seed: int,
    iterations: int = ITERATIONS,
    tolerance: float = 1e-3,
) -> Top:
    """By Lanczos iteration (Golub and Van Loan, section 10.1), until the residual is `tolerance` of
    λ. Power iteration stays undecided between an eigenvalue and one nearly as large of the other
    sign, as networks have them. The last two vectors are kept, and not all to make a new one
    orthogonal to them: that is lost only once an eigenvalue is met, where this ends.

    λ is nan where a product is not finite.
    """
    before, vector = None, _unit(_normal(weights, seed))
    diagonal: list[float] = []
    beside: list[float] = []
    history: list[float] = []
    for _ in range(iterations):
        image = product(vector)
        diagonal.append(_dot(vector, image))
        rest = [h - diagonal[-1] * v for h, v in zip(image, vector, strict=True)]
        if before is not None:
            rest = [r - beside[-1] * b for r, b in zip(rest, before, strict=True)]
        length = _norm(rest)
        if not math.isfinite(diagonal[-1] + length):
            return Top(math.nan, (*history, math.nan), math.nan)
        values, bases = eigh_tridiagonal(diagonal, beside)
        place = int(np.abs(values).argmax())
        value, residual = float(values[place]), length * abs(float(bases[-1, place]))
        history.append(value)
        if residual <= tolerance * abs(value):
            break
        before, vector = vector, [part / length for part in rest]
        beside.append(length)
    return Top(value, tuple(history), residual)


def trace(product: Product, weights: Sequence[Tensor], *, seed: int, probes: int) -> Trace:
    """By Hutchinson's estimator: E vᵀHv = tr H for entries v = ±1. Two probes at least."""
    if probes < 2:
        raise ValueError("the trace takes two probes at least, for its standard error")
    draw = torch_stream(seed, "trace", weights[0].device)
    values = []
    for _ in range(probes):
        signs = [_signs(weight, draw) for weight in weights]
        values.append(_dot(signs, product(signs)))
    se = float(np.std(values, ddof=1)) / math.sqrt(probes)
    return Trace(float(np.mean(values)), se, tuple(values))


def _normal(weights: Sequence[Tensor], seed: int) -> list[Tensor]:
    draw = torch_stream(seed, "top eigenvalue", weights[0].device)
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
