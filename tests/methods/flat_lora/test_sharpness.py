"""E-sharpness against the closed form of a quadratic, and what it leaves behind."""

from __future__ import annotations

import math

import pytest
import torch

from engine.methods.flat_lora.perturbation import Perturbation
from engine.methods.flat_lora.sharpness import SEED, Sharpness, e_sharpness, sharpness_under
from tests.methods.flat_lora.layers import layer


def quadratic(weights, curvatures):
    """½ Σ c‖W‖²: E loss(W + ε) − loss(W) = ½ Σ c σ²‖W‖²."""
    pairs = list(zip(weights, curvatures, strict=True))
    return lambda: sum(float(c * weight.square().sum() / 2) for weight, c in pairs)


@pytest.mark.parametrize("sigma", [0.1, 0.3])
def test_a_quadratic_has_the_sharpness_of_its_trace(sigma):
    weights = [layer(30, 40, seed=seed).merged() for seed in (0, 1)]
    loss = quadratic(weights, (2.0, 0.5))
    found = e_sharpness(weights, loss, sigma, draws=range(60))
    assert found.clean == loss()
    assert found.se is not None
    assert abs(found.mean - sigma**2 * found.clean) < 4 * found.se
    assert found.se < 0.2 * found.mean  # so that the line before says something
    assert found.se == pytest.approx(found.values.std(ddof=1) / math.sqrt(60))


def test_a_flat_function_has_none_and_a_peak_a_negative_one():
    weights = [layer(30, 40).merged()]
    assert e_sharpness(weights, lambda: 3.0, 0.3).mean == 0
    assert e_sharpness(weights, quadratic(weights, (-1.0,)), 0.3).mean < 0


def test_draws_are_the_same_for_every_model_and_sigma():
    """So differences between models are paired, and a sweep may be resumed draw by draw."""
    seen = []
    for scale, sigma in ((1.0, 0.1), (3.0, 0.1), (1.0, 0.3)):
        weights = [scale * layer(30, 40).merged()]
        clean = weights[0].clone()
        relative = []

        def loss(weights=weights, clean=clean, scale=scale, sigma=sigma, relative=relative):
            relative.append((weights[0] - clean) / (scale * sigma))
            return 0.0

        e_sharpness(weights, loss, sigma, draws=range(3))
        seen.append(relative[1:])
    for other in seen[1:]:
        for expected, found in zip(seen[0], other, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    weights = [layer(30, 40).merged()]
    loss = quadratic(weights, (1.0,))
    whole = e_sharpness(weights, loss, 0.1, draws=range(4))
    parts = [e_sharpness(weights, loss, 0.1, draws=[draw]) for draw in range(4)]
    assert [float(part.values[0]) for part in parts] == whole.values.tolist()
    assert parts[0].se is None


def test_weights_are_back_bit_by_bit_after_a_loss_that_raises():
    weights = [layer(30, 40).merged()]
    before = weights[0].clone()
    calls = []

    def loss():
        calls.append(torch.equal(weights[0], before))
        if len(calls) == 3:
            raise InterruptedError
        return 0.0

    with pytest.raises(InterruptedError):
        e_sharpness(weights, loss, 0.3)
    assert calls == [True, False, False]
    assert torch.equal(weights[0], before)


def test_a_model_in_training_is_judged_by_the_noise_of_its_merged_one():
    one = layer(30, 40)
    target = one.merged() + 1
    merged = [one.merged()]

    def apart(weight):
        return float((weight - target).square().sum() / 2)

    expected = e_sharpness(merged, lambda: apart(merged[0]), 0.3, range(5))
    perturbation = Perturbation([one], seed=SEED)
    found = sharpness_under(perturbation, lambda: apart(one.merged()), 0.3, range(5))
    assert found.values == pytest.approx(expected.values, rel=1e-3)


def test_no_draws_are_no_sharpness():
    with pytest.raises(ValueError, match="one draw"):
        e_sharpness([], lambda: 0.0, 0.1, draws=())


def test_a_mean_is_over_draws():
    values = torch.tensor([1.0, 2.0, 6.0]).numpy()
    found = Sharpness(0.1, 0.5, values)
    assert found.mean == 3
    assert found.se == pytest.approx(math.sqrt(7 / 3))
