"""Multipliers, ranges, and gradients through what is rounded."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from engine.methods.kaleidoscope import quantise
from engine.methods.kaleidoscope.quantise import Affine, Embedding, Lanes, Range, Signal


def nearest(ratio: float) -> Fraction:
    """The best of all pairs, by trying every shift."""
    found = []
    for shift in range(1, 32):
        m = min(max(round(ratio * 2**shift), 1), 32767)
        found.append(Fraction(m, 2**shift))
    return min(found, key=lambda one: abs(one - Fraction(ratio)))


@pytest.mark.parametrize("seed", range(20))
def test_the_multiplier_is_the_best_of_fifteen_bits(seed):
    ratio = float(10 ** np.random.default_rng(seed).uniform(-9, 4))
    m, s = quantise.best_multiplier(ratio)
    assert 1 <= m <= 32767
    assert 1 <= s <= 31
    assert abs(Fraction(m, 2**s) - Fraction(ratio)) == abs(nearest(ratio) - Fraction(ratio))


@pytest.mark.parametrize("ratio", [1e-12, 32767.9 / 32768, 0.5, 1.0, 16383.9, 1e9])
def test_multipliers_at_the_edges_stay_inside(ratio):
    m, s = quantise.best_multiplier(ratio)
    assert 1 <= m <= 32767
    assert 1 <= s <= 31
    assert abs(Fraction(m, 2**s) - Fraction(ratio)) == abs(nearest(ratio) - Fraction(ratio))


def test_a_range_is_the_moving_mean_of_a_percentile():
    one = Range()
    one.observe(torch.arange(1, 1001.0))
    assert float(one.top) == 0.0  # nobody asked it to observe
    one.observing = True
    one.observe(torch.arange(1, 1001.0))
    assert float(one.top) == 999.0
    one.observe(-2 * torch.arange(1, 1001.0))
    assert float(one.top) == pytest.approx(0.95 * 999 + 0.05 * 1998)
    assert one.step == pytest.approx(float(one.top) / 127)
    fixed = Range(1 / 128)
    fixed.observing = True
    fixed.observe(torch.full((10,), 99.0))
    assert fixed.step == pytest.approx(1 / 128)


def test_weights_are_symmetric_in_one_step_per_layer():
    layer = Affine("a", 4, 3).double()
    found = layer.integers((0.5, 2), (0.25, 2))
    scaled = layer.weight.detach() * torch.tensor([0.5, 0.5, 0.25, 0.25])
    assert found.step == pytest.approx(float(scaled.abs().max()) / 127)
    assert float(found.weight.detach().abs().max()) == 127
    assert (
        float((found.weight.detach() * found.step - scaled).abs().max()) <= found.step / 2 + 1e-12
    )
    assert (
        float((found.bias * found.step - layer.bias).detach().abs().max()) <= found.step / 2 + 1e-12
    )


def test_rounding_is_half_up_and_its_gradient_passes_where_nothing_is_clipped():
    x = torch.tensor([-200.0, -1.5, -0.5, 0.5, 1.5, 200.0], requires_grad=True)
    y = quantise.rounded(x, -128)
    assert y.tolist() == [-128.0, -1.0, 0.0, 1.0, 2.0, 127.0]
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    assert quantise.rounded(x, 0).tolist() == [0.0, 0.0, 0.0, 1.0, 2.0, 127.0]


@pytest.mark.parametrize("activation", ["none", "relu", "tanh", "sigmoid"])
def test_gradients_in_integers_are_those_of_the_real_layer(activation):
    """Where rounding is fine enough, both modes pull the weights the same way."""
    torch.manual_seed(0)
    layer = Affine("a", 16, 8, activation).double()
    layer.out.observing = True
    x = torch.randint(-127, 128, (64, 16)).double()
    pull = torch.randn(64, 8).double()
    step = 1 / 128

    def gradient(signal):
        layer.zero_grad()
        found = layer(signal)
        (found.values * found.step * pull).sum().backward()
        return layer.weight.grad.flatten().clone()

    exact = gradient(Signal(x * step))
    layer.integer = True
    rounded = gradient(Signal(x, step))
    cosine = torch.nn.functional.cosine_similarity(exact, rounded, dim=0)
    assert float(cosine) > 0.99
    assert float(rounded.norm() / exact.norm()) == pytest.approx(1, abs=0.05)


def test_an_embedding_learns_only_rows_that_it_saw():
    layer = Embedding("e", 8)
    layer.integer = True
    found = layer(torch.tensor([[-128, 127], [-128, 0]]))
    (found.values * found.step).sum().backward()
    counts = layer.weight.grad.mean(dim=1)
    assert counts[[0, 128, 255]].tolist() == pytest.approx([2.0, 1.0, 1.0])
    assert int((counts != 0).sum()) == 3


def test_lanes_refuse_to_add_what_has_another_step():
    lanes = Lanes("sum", "add")
    lanes.integer = True
    x = torch.ones(1, 4)
    assert lanes(Signal(x, 0.5), Signal(x, 0.5)).step == 0.5
    with pytest.raises(ValueError, match=r"sum: steps 0\.5 and 0\.25"):
        lanes(Signal(x, 0.5), Signal(x, 0.25))
    product = Lanes("times", "mul", 7)
    product.integer = True
    assert product(Signal(x, 1 / 128), Signal(x, 1 / 128)).step == 1 / 128
