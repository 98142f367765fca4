"""Cuts through a quadratic, whose every point is known, and what they leave behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.methods.flat_lora.landscape import (
    direction,
    line,
    line_points,
    plane,
    plane_points,
    recheck,
)
from tests.methods.flat_lora.layers import layer

ALPHAS = (-1.0, -0.5, 0.0, 0.5, 1.0)
XS, YS = (-1.0, 0.0, 0.5), (-0.5, 0.0, 0.25, 1.0)


class Bowl:
    """½‖W‖² + c·W over two weights, in double precision."""

    def __init__(self):
        self.weights = [layer(12, 20, seed=seed).merged().double() for seed in (0, 1)]
        self.start = [weight.clone() for weight in self.weights]
        self.tilt = [layer(12, 20, seed=seed).merged().double() for seed in (2, 3)]

    def __call__(self) -> float:
        pairs = zip(self.weights, self.tilt, strict=True)
        return sum(float((weight**2 / 2 + weight * tilt).sum()) for weight, tilt in pairs)

    def at_rest(self) -> bool:
        return all(map(torch.equal, self.weights, self.start))


@pytest.fixture
def bowl():
    return Bowl()


def test_rows_of_a_direction_are_as_long_as_the_weights(bowl):
    for weight, along in zip(bowl.weights, direction(bowl.weights, 3), strict=True):
        torch.testing.assert_close(along.norm(dim=1), weight.norm(dim=1), rtol=1e-6, atol=0)
    again, other = direction(bowl.weights, 3), direction(bowl.weights, 4)
    assert torch.equal(again[0], direction(bowl.weights, 3)[0])
    assert abs(float(torch.cosine_similarity(again[0].flatten(), other[0].flatten(), dim=0))) < 0.3


def test_a_direction_is_gaussian_not_a_sign_pattern():
    weight = torch.ones(4, 5000)
    along = direction([weight], 0)[0]
    assert along.pow(4).mean() / along.pow(2).mean() ** 2 == pytest.approx(3, rel=0.1)


def test_a_line_through_a_quadratic_is_a_parabola(bowl):
    found = line(bowl.weights, bowl, ALPHAS, directions=[5, 6])
    for row, seed in zip(found, (5, 6), strict=True):
        along = direction(bowl.weights, seed)
        square = sum(float((one**2).sum()) for one in along)
        slope = sum(
            float((one * (weight + tilt)).sum())
            for one, weight, tilt in zip(along, bowl.start, bowl.tilt, strict=True)
        )
        expected = [bowl() + slope * alpha + square * alpha**2 / 2 for alpha in ALPHAS]
        np.testing.assert_allclose(row, expected, rtol=1e-9)
    assert bowl.at_rest()


def test_a_plane_has_the_clean_loss_at_its_origin_and_parabolas_along_its_axes(bowl):
    grid = plane(bowl.weights, bowl, XS, YS, seed=1)
    assert grid.shape == (4, 3)
    assert grid[1, 1] == bowl()
    # L(x, y) = L₀ + p x + q y + a x² + b y² + c xy: six numbers, by least squares
    y, x = np.meshgrid(YS, XS, indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x**2, y**2, x * y], axis=-1).reshape(-1, 6)
    fit, *_ = np.linalg.lstsq(terms, grid.ravel(), rcond=None)
    np.testing.assert_allclose(terms @ fit, grid.ravel(), rtol=1e-9)
    half = sum(float((weight**2).sum()) for weight in bowl.start) / 2
    assert fit[3] == pytest.approx(half, rel=1e-6)  # filter normalised: ‖d‖ is ‖W‖
    assert fit[4] == pytest.approx(half, rel=1e-6)


def test_points_go_on_where_they_stopped(bowl):
    grid = plane(bowl.weights, bowl, XS, YS, seed=2)
    rest = list(plane_points(bowl.weights, bowl, XS, YS, seed=2, start=5))
    assert rest == grid.ravel()[5:].tolist()
    rows = line(bowl.weights, bowl, ALPHAS, directions=[7, 8])
    for start in (3, 5, 7, 10):
        rest = list(line_points(bowl.weights, bowl, ALPHAS, [7, 8], start=start))
        assert rest == rows.ravel()[start:].tolist()


def test_weights_are_back_between_points(bowl):
    points = plane_points(bowl.weights, bowl, XS, YS, seed=3)
    for _ in range(3):
        next(points)
        assert bowl.at_rest()
    points.close()
    assert bowl.at_rest()


def test_weights_are_back_after_a_loss_that_raises(bowl):
    def loss():
        assert not bowl.at_rest()
        raise InterruptedError

    with pytest.raises(InterruptedError):
        line(bowl.weights, loss, [0.5], directions=[9])
    assert bowl.at_rest()


def test_a_grid_is_what_its_points_are_found_to_be(bowl):
    grid = plane(bowl.weights, bowl, XS, YS, seed=4)
    assert recheck(grid, bowl.weights, bowl, XS, YS, seed=4) == 0
    drawn = np.add.outer(np.square(YS), np.square(XS)) + bowl()  # a surface from a formula
    assert recheck(drawn, bowl.weights, bowl, XS, YS, seed=4) > 1
    grid[2, 1] += 1e-3
    assert recheck(grid, bowl.weights, bowl, XS, YS, seed=4, points=99) == pytest.approx(1e-3)


def test_the_same_cuts_go_through_the_space_of_the_factors():
    """Of [A, B]; at the start B is zero, and a direction leaves it there."""
    one = layer(12, 20)
    one.b.zero_()
    factors = [one.a, one.b]
    target = layer(12, 20, seed=1).merged()
    losses = line(factors, lambda: float((one.merged() - target).norm()), ALPHAS, directions=[1])
    assert np.ptp(losses) == 0
    one.b.copy_(layer(12, 20).b)
    losses = line(factors, lambda: float((one.merged() - target).norm()), ALPHAS, directions=[1])
    assert np.ptp(losses) > 0.1
