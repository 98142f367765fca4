"""What training sees under the noise: the gradient of a plain model, and a known mean loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, linear

from engine.methods.flat_lora.perturbation import Perturbation, row_norms
from tests.methods.flat_lora.layers import layer

SIGMA = 0.3


def net(layers, inputs):
    """Two adapted layers with a tanh between them, W and the adapter side by side as in PEFT."""
    first, second = layers
    hidden = torch.tanh(adapted(first, inputs))
    return adapted(second, hidden)


def adapted(one, inputs):
    return linear(inputs, one.weight) + one.scaling * linear(linear(inputs, one.a), one.b)


@pytest.fixture
def problem():
    draw = torch.Generator().manual_seed(1)
    layers = [layer(6, 5, rank=2, seed=1), layer(3, 6, rank=2, seed=2)]
    for one in layers:
        one.weight, one.a, one.b = one.weight.double(), one.a.double(), one.b.double()
        one.a.requires_grad_()
        one.b.requires_grad_()
    inputs = torch.randn(9, 5, generator=draw, dtype=torch.float64)
    return layers, inputs, torch.randint(0, 3, (9,), generator=draw)


def test_gradients_are_taken_at_the_perturbed_point(problem):
    layers, inputs, labels = problem

    def loss():
        return cross_entropy(net(layers, inputs), labels)

    tensors = [tensor for one in layers for tensor in (one.a, one.b)]
    with Perturbation(layers, seed=2).applied(SIGMA, 5):
        gradients = torch.autograd.grad(loss(), tensors)
        merged = [one.merged().requires_grad_() for one in layers]
        plain = linear(torch.tanh(linear(inputs, merged[0])), merged[1])
        full = torch.autograd.grad(cross_entropy(plain, labels), merged)
        for one, whole, place in zip(layers, full, (0, 2), strict=True):
            # dL/dA = s Bᵀ G and dL/dB = s G Aᵀ with G the gradient of W + ε + sBA
            torch.testing.assert_close(gradients[place], one.scaling * one.b.T @ whole)
            torch.testing.assert_close(gradients[place + 1], one.scaling * whole @ one.a.T)
        h = 1e-6
        for tensor, gradient in zip(tensors, gradients, strict=True):
            flat = tensor.detach().view(-1)
            for place in range(len(flat)):
                kept = flat[place].clone()
                flat[place] = kept + h
                above = loss().item()
                flat[place] = kept - h
                below = loss().item()
                flat[place] = kept
                assert abs((above - below) / (2 * h) - float(gradient.view(-1)[place])) < 1e-6


def test_the_mean_loss_of_a_quadratic_grows_by_the_closed_form():
    """E ½‖X(W'+ε)ᵀ − Y‖² = L(W') + ½ Σ_i σ²‖W'_i‖²/n ‖X‖²."""
    one = layer(12, 20)
    draw = torch.Generator().manual_seed(3)
    inputs = torch.randn(30, 20, generator=draw)
    wanted = inputs @ one.merged().T + torch.randn(30, 12, generator=draw)

    def loss():
        return float((adapted(one, inputs) - wanted).square().sum() / 2)

    clean = loss()
    growth = float(SIGMA**2 * row_norms(one).square().sum() / 20 * inputs.square().sum() / 2)
    perturbation = Perturbation([one], seed=4, master=True)
    noisy = []
    for step in range(4000):
        with perturbation.applied(SIGMA, step):
            noisy.append(loss())
    mean = math.fsum(noisy) / len(noisy)
    assert growth > clean  # else the bar below would not see it
    assert mean == pytest.approx(clean + growth, rel=0.01)


def test_under_dora_sigma_is_relative_to_the_effective_row():
    """Effective rows m_i V_i/‖V_i‖, V = W + sBA: noise on V moves them by σ m_i, where m ≠ ‖V‖."""
    one = layer(40, 400)
    magnitude = torch.linspace(1, 5, 40)

    def effective():
        merged = one.merged()
        return magnitude[:, None] * merged / merged.norm(dim=1, keepdim=True)

    clean, sigma = effective(), 0.05
    perturbation = Perturbation([one], seed=5, master=True)
    moved = []
    for step in range(200):
        with perturbation.applied(sigma, step):
            moved.append((effective() - clean).square().sum(1))
    relative = torch.stack(moved).mean(0).sqrt() / magnitude
    assert (relative / sigma - 1).abs().max() < 0.02
