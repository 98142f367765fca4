"""Curvature against dense Hessians of tiny nets."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, scaled_dot_product_attention

from engine.methods.flat_lora.hessian import products, top_eigenvalue, trace


class Net:
    """A head over attention over a tanh layer: 5 tokens of width 4, three classes."""

    def __init__(self, dtype=torch.float64):
        draw = torch.Generator().manual_seed(0)
        self.weights = [torch.randn(4, 4, generator=draw, dtype=dtype) for _ in range(2)]
        self.weights.append(torch.randn(3, 4, generator=draw, dtype=dtype))
        self.inputs = torch.randn(6, 5, 4, generator=draw, dtype=dtype)
        self.labels = torch.randint(0, 3, (6,), generator=draw)

    def loss(self, weights):
        first, second, head = weights
        hidden = torch.tanh(self.inputs @ first.T)
        mixed = scaled_dot_product_attention(hidden @ second.T, hidden, hidden).mean(1)
        return cross_entropy(mixed @ head.T, self.labels, reduction="sum")

    def products(self):
        return products(lambda: self.loss(self.weights), self.weights)

    def dense(self):
        sizes = [weight.numel() for weight in self.weights]

        def flat_loss(flat):
            parts = flat.split(sizes)
            shaped = [p.view_as(w) for p, w in zip(parts, self.weights, strict=True)]
            with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
                return self.loss(shaped)

        flat = torch.cat([weight.flatten() for weight in self.weights])
        return torch.autograd.functional.hessian(flat_loss, flat)


@pytest.fixture(scope="module")
def net():
    return Net()


def test_a_product_is_the_dense_hessians(net):
    draw = torch.Generator().manual_seed(1)
    vector = [torch.randn(w.shape, generator=draw, dtype=w.dtype) for w in net.weights]
    with net.products() as product:
        once, again = (torch.cat([part.flatten() for part in product(vector)]) for _ in range(2))
    expected = net.dense() @ torch.cat([part.flatten() for part in vector])
    torch.testing.assert_close(once, expected)
    assert torch.equal(once, again)  # the graph outlives a product


@pytest.mark.parametrize("seed", [1, 2])
def test_the_top_eigenvalue_is_the_dense_hessians(net, seed):
    eigenvalues = torch.linalg.eigvalsh(net.dense())
    expected = eigenvalues[eigenvalues.abs().argmax()]
    with net.products() as product:
        top = top_eigenvalue(product, net.weights, seed=seed, iterations=300, tolerance=1e-7)
    assert top.value == pytest.approx(float(expected), rel=1e-3)
    assert top.residual < 1e-2 * abs(top.value)
    assert top.history[-1] == top.value
    assert len(top.history) < 300  # it settled


def test_the_trace_is_the_dense_hessians(net):
    expected = float(net.dense().trace())
    with net.products() as product:
        found = trace(product, net.weights, seed=1, probes=100)
    assert abs(found.mean - expected) < 4 * found.se
    assert found.se < 0.2 * abs(expected)


def test_signs_find_the_trace_of_a_diagonal_hessian_without_an_error():
    weight = torch.ones(3, 5, dtype=torch.float64)
    curvature = torch.arange(15.0, dtype=torch.float64).view(3, 5) - 4
    with products(lambda: (curvature * weight**2).sum() / 2, [weight]) as product:
        found = trace(product, [weight], seed=2, probes=3)
    assert found.mean == pytest.approx(float(curvature.sum()), rel=1e-12)
    assert found.se == pytest.approx(0, abs=1e-12)


def test_the_top_may_be_negative():
    weight = torch.ones(2, 2, dtype=torch.float64)
    curvature = torch.tensor([[2.0, -3.0], [0.5, 1.0]], dtype=torch.float64)
    with products(lambda: (curvature * weight**2).sum() / 2, [weight]) as product:
        found = top_eigenvalue(product, [weight], seed=3, iterations=200, tolerance=1e-9)
    assert found.value == pytest.approx(-3, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_signs_of_nearly_one_size_do_not_cancel(seed):
    """Of 4,000 eigenvalues two stand out, as large with either sign: power iteration gave ±0."""
    weight = torch.ones(40, 100)
    curvature = torch.linspace(-0.8, 0.8, 4000).view(40, 100)
    curvature[0, 0], curvature[3, 7] = -1.21, 1.25
    with products(lambda: (curvature * weight**2).sum() / 2, [weight]) as product:
        found = top_eigenvalue(product, [weight], seed=seed)
    assert found.value == pytest.approx(1.25, rel=1e-4)
    assert found.residual < 2e-3


def test_a_product_that_is_not_finite_has_no_eigenvalue():
    weight = torch.ones(2, 2)
    found = top_eigenvalue(lambda vector: [part * math.inf for part in vector], [weight], seed=1)
    assert math.isnan(found.value)
    assert math.isnan(found.residual)


def test_single_precision_is_enough_for_a_thousandth():
    expected = torch.linalg.eigvalsh(Net().dense()).abs().max()
    single = Net(torch.float32)
    wide = Net()
    single.weights = [weight.float() for weight in wide.weights]
    single.inputs = wide.inputs.float()
    single.labels = wide.labels
    with single.products() as product:
        top = top_eigenvalue(product, single.weights, seed=1, iterations=300, tolerance=1e-6)
    assert abs(top.value) == pytest.approx(float(expected), rel=1e-3)


def test_a_loss_without_curvature_has_the_top_zero():
    weight = torch.ones(2, 3)
    with products(lambda: (weight * 0).square().sum(), [weight]) as product:
        found = top_eigenvalue(product, [weight], seed=4)
    assert found.value == 0
    assert found.history == (0.0,)


def test_weights_keep_their_flags_and_values():
    net = Net()
    before = [weight.clone() for weight in net.weights]
    net.weights[1].requires_grad_()

    def broken(*_):
        raise InterruptedError

    with pytest.raises(InterruptedError), products(broken, net.weights):
        pass
    with pytest.raises(InterruptedError), net.products():
        top_eigenvalue(broken, net.weights, seed=5)
    with net.products() as product:
        trace(product, net.weights, seed=5, probes=2)
    assert [weight.requires_grad for weight in net.weights] == [False, True, False]
    assert all(weight.grad is None for weight in net.weights)
    assert all(map(torch.equal, net.weights, before))


def test_one_probe_has_no_standard_error():
    with pytest.raises(ValueError, match="two probes"):
        trace(lambda vector: [], [], seed=0, probes=1)
