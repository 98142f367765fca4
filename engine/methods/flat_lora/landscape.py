"""The loss around a model, along filter-normalised directions (Li et al., NeurIPS 2018).

A direction is Gaussian, each of its rows ("filters") scaled to the norm of the row of the weight
that it moves: one unit along it is as far, relative to the weights, in any model. On the merged
weights this is the full space; on the factors [A …, B …] the same functions cut LoRA's space.

Points come one at a time, so that a job can tell how far it is, keep what it has and stop; while
the caller has a point in hand, the weights are as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from engine.core.seed import entropy, numpy_stream
from engine.methods.flat_lora.normals import standard_normals

Loss = Callable[[], float]


@torch.no_grad()
def direction(weights: Sequence[Tensor], seed: int) -> list[Tensor]:
    """One tensor (m, n) per weight (m, n), its rows as long as the weight's."""
    key = entropy(seed, "direction")
    found = []
    for place, weight in enumerate(weights):
        drawn = torch.empty_like(weight)
        for rows, numbers in standard_normals(weight.shape, weight.device, key=key, place=place):
            length = torch.linalg.vector_norm(weight[rows], dim=1, keepdim=True)
            unit = numbers / torch.linalg.vector_norm(numbers, dim=1, keepdim=True)
            drawn[rows] = length * unit
        found.append(drawn)
    return found


def line(
    weights: Sequence[Tensor], loss: Loss, alphas: Sequence[float], directions: Sequence[int]
) -> np.ndarray:
    """(directions, alphas) loss at W + α d, for the directions of these seeds."""
    points = line_points(weights, loss, alphas, directions)
    return np.fromiter(points, float).reshape(len(directions), len(alphas))


def line_points(
    weights: Sequence[Tensor],
    loss: Loss,
    alphas: Sequence[float],
    directions: Sequence[int],
    *,
    start: int = 0,
) -> Iterator[float]:
    """The losses of `line`, direction by direction, from number `start` on."""
    for place, seed in enumerate(directions):
        along = direction(weights, seed)
        rest = islice(alphas, max(0, start - place * len(alphas)), None)
        yield from _losses(weights, loss, [along], ((alpha,) for alpha in rest))


def plane(
    weights: Sequence[Tensor], loss: Loss, xs: Sequence[float], ys: Sequence[float], *, seed: int
) -> np.ndarray:
    """(ys, xs) loss at W + x d₁ + y d₂, two directions of this seed."""
    return np.fromiter(plane_points(weights, loss, xs, ys, seed=seed), float).reshape(
        len(ys), len(xs)
    )


def plane_points(
    weights: Sequence[Tensor],
    loss: Loss,
    xs: Sequence[float],
    ys: Sequence[float],
    *,
    seed: int,
    start: int = 0,
) -> Iterator[float]:
    """The losses of `plane`, row by row, from number `start` on."""
    places = islice(((x, y) for y in ys for x in xs), start, None)
    return _losses(weights, loss, _pair(weights, seed), places)


def recheck(
    grid: np.ndarray,
    weights: Sequence[Tensor],
    loss: Loss,
    xs: Sequence[float],
    ys: Sequence[float],
    *,
    seed: int,
    points: int = 3,
) -> float:
    """The largest |difference| between `plane`'s grid and as many of its points, found anew."""
    cells = numpy_stream(seed, "recheck").choice(grid.size, min(points, grid.size), replace=False)
    rows, columns = np.unravel_index(cells, grid.shape)
    places = ((xs[column], ys[row]) for row, column in zip(rows, columns, strict=True))
    found = np.fromiter(_losses(weights, loss, _pair(weights, seed), places), float)
    return float(np.abs(grid[rows, columns] - found).max())


def _pair(weights: Sequence[Tensor], seed: int) -> list[list[Tensor]]:
    return [direction(weights, entropy(seed, axis)) for axis in ("x", "y")]


def _losses(
    weights: Sequence[Tensor],
    loss: Loss,
    directions: Sequence[Sequence[Tensor]],
    places: Iterator[tuple[float, ...]],
) -> Iterator[float]:
    """The loss at W + Σ place_k d_k for each place. W is back whenever a loss leaves here."""
    copies = [weight.detach().clone() for weight in weights]
    for place in places:
        try:
            _move(weights, copies, directions, place)
            value = loss()
        finally:
            _move(weights, copies, (), ())
        yield value


@torch.no_grad()
def _move(
    weights: Sequence[Tensor],
    copies: Sequence[Tensor],
    directions: Sequence[Sequence[Tensor]],
    place: Sequence[float],
) -> None:
    for index, (weight, copy) in enumerate(zip(weights, copies, strict=True)):
        weight.copy_(copy)
        for along, far in zip(directions, place, strict=True):
            weight.add_(along[index], alpha=far)
