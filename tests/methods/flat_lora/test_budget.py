"""The noise budget of a layer against the law and against the noise itself."""

from __future__ import annotations

import pytest
import torch

from engine.methods.flat_lora.budget import BINS, budget
from engine.methods.flat_lora.perturbation import Perturbation
from tests.methods.flat_lora.layers import layer

SIGMA = 0.5


@pytest.fixture
def perturbation():
    return Perturbation([layer(16, 24, seed=1), layer(200, 384)], seed=1, master=True)


def inputs(k, n):
    return torch.randn(k, n, generator=torch.Generator().manual_seed(2))


def test_the_budget_is_of_the_noise_that_training_sees(perturbation):
    one = perturbation.layers[1]
    clean = one.merged()
    x = inputs(64, 384)
    found = budget(perturbation, 1, SIGMA, 3, x)
    with perturbation.applied(SIGMA, 3):
        noisy = one.merged()
    assert found.name == one.name
    assert found.noise == pytest.approx(float((noisy - clean).norm()), rel=1e-4)
    ratio = (x @ noisy.T).square().mean() / (x @ clean.T).square().mean()
    assert found.inflation == pytest.approx(float(ratio), rel=1e-4)
    assert found.counts.sum() == 200
    norms = clean.norm(dim=1)
    assert found.edges[[0, -1]] == pytest.approx([float(norms.min()), float(norms.max())], rel=1e-5)
    assert len(found.edges) == BINS + 1


def test_the_law_makes_noise_a_share_sigma_of_the_weight(perturbation):
    found = budget(perturbation, 1, SIGMA, 4, inputs(2000, 384))
    assert found.relative == pytest.approx(SIGMA, rel=0.02)
    assert found.noise == pytest.approx(found.expected, rel=0.02)
    assert found.inflation == pytest.approx(1 + SIGMA**2, rel=0.02)


def test_a_layer_of_zeros_has_no_shares():
    one = layer(16, 24)
    one.weight.zero_()
    one.b.zero_()
    found = budget(Perturbation([one], seed=1), 0, SIGMA, 1, inputs(4, 24))
    assert (found.noise, found.expected, found.relative, found.inflation) == (0, 0, None, None)
