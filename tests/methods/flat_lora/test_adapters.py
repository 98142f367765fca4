"""The noise and the measures on real adapters of a small BERT, as PEFT builds them."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from engine.methods.flat_lora.hessian import products
from engine.methods.flat_lora.perturbation import Perturbation, row_norms
from engine.methods.flat_lora.sharpness import SEED, e_sharpness, sharpness_under
from engine.methods.flat_lora.spectra import spectrum
from engine.models.adapters import adapt, adapted, merge
from engine.models.classifier import Classifier
from tests.models.making import tiny_bert

BATCH = {
    "input_ids": torch.arange(6, 18).view(2, 6),
    "attention_mask": torch.tensor([[1] * 6, [1] * 4 + [0] * 2]),
}
LABELS = torch.tensor([0, 2])
SIGMA = 0.1


def trained(kind: str) -> Classifier:
    """After three steps on one batch, so that B is not zero."""
    model = adapt(Classifier(tiny_bert(), 3, seed=0), kind=kind, rank=4, alpha=8, seed=0)
    tensors = [tensor for tensor in model.parameters() if tensor.requires_grad]
    optimizer = torch.optim.AdamW(tensors, lr=0.03)
    perturbation = Perturbation(adapted(model), seed=0)
    for step in range(3):
        with perturbation.applied(SIGMA, step):
            loss(model).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert perturbation.drift() < 1e-5
    return model


def loss(model: Classifier) -> torch.Tensor:
    return cross_entropy(model(**BATCH), LABELS)


@pytest.fixture(scope="module", params=["lora", "dora", "pissa"])
def model(request):
    return trained(request.param)


def merged_weights(plain: Classifier, names: list[str]) -> list[torch.Tensor]:
    return [plain.model.get_submodule(name).weight for name in names]


def test_row_norms_are_those_of_w_and_adapter(model):
    for layer in adapted(model):
        whole = layer.weight + layer.scaling * layer.b @ layer.a
        torch.testing.assert_close(row_norms(layer), whole.norm(dim=1))


@torch.no_grad()
def test_noise_is_a_share_sigma_of_each_effective_row(model):
    layers = adapted(model)
    clean = [layer.merged() for layer in layers]
    perturbation = Perturbation(layers, seed=1, master=True)
    squares = [torch.zeros(len(one)) for one in clean]
    for step in range(100):
        with perturbation.applied(SIGMA, step):
            for total, layer, one in zip(squares, layers, clean, strict=True):
                total += (layer.merged() - one).square().sum(1)
    for total, one in zip(squares, clean, strict=True):
        share = (total / 100).sqrt() / one.norm(dim=1)
        assert share.mean() == pytest.approx(SIGMA, rel=0.03)  # DoRA's loses 1/(2n) to its norm


def test_the_noise_is_gone_from_the_logits(model):
    before = model(**BATCH)
    perturbation = Perturbation(adapted(model), seed=2, master=True)
    with perturbation.applied(SIGMA, 1):
        assert not torch.equal(model(**BATCH), before)
    assert torch.equal(model(**BATCH), before)


@pytest.mark.parametrize("model", ["lora", "pissa"], indirect=True)
@torch.no_grad()
def test_a_model_in_training_is_as_sharp_as_its_merged_one(model):
    plain = merge(model)
    weights = merged_weights(plain, [layer.name for layer in adapted(model)])
    merged = e_sharpness(weights, lambda: loss(plain).item(), SIGMA, range(6))
    perturbation = Perturbation(adapted(model), seed=SEED, master=True)
    training = sharpness_under(perturbation, lambda: loss(model).item(), SIGMA, range(6))
    assert training.clean == pytest.approx(merged.clean, rel=1e-4)
    size = abs(merged.values).max()
    assert training.values == pytest.approx(merged.values, abs=0.1 * size)


@torch.no_grad()
def test_an_adapter_moved_its_weight_by_its_spectrum(model):
    untouched = Classifier(tiny_bert(), 3, seed=0).model
    for layer in adapted(model):
        before = untouched.get_submodule(layer.name).weight
        moved = layer.merged() - before
        found = spectrum(layer)
        assert found.relative == pytest.approx(float(moved.norm() / before.norm()), rel=1e-4)
        rank = 4 if layer.first is None else 8
        assert len(found.values) == rank
        expected = torch.linalg.svdvals(moved)[:rank].tolist()  # DoRA's ΔW has more
        assert found.values == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_curvature_passes_through_attention():
    """A product with the Hessian of all merged weights is the slope of the gradient, by central
    differences in double precision."""
    model = trained("lora")
    plain = merge(model).double()
    plain.requires_grad_(False)
    weights = merged_weights(plain, [layer.name for layer in adapted(model)])
    draw = torch.Generator().manual_seed(1)
    vector = [torch.randn(w.shape, generator=draw, dtype=w.dtype) for w in weights]

    def gradient(far: float) -> list[torch.Tensor]:
        with torch.no_grad():
            for weight, along in zip(weights, vector, strict=True):
                weight.add_(along, alpha=far)
        found = torch.autograd.grad(loss(plain), weights)
        with torch.no_grad():
            for weight, along in zip(weights, vector, strict=True):
                weight.sub_(along, alpha=far)
        return list(found)

    for weight in weights:
        weight.requires_grad_()
    h = 1e-5
    slopes = [(up - down) / (2 * h) for up, down in zip(gradient(h), gradient(-h), strict=True)]
    with products(lambda: loss(plain), weights) as product:
        images = product(vector)
    for found, slope in zip(images, slopes, strict=True):
        torch.testing.assert_close(found, slope, rtol=1e-4, atol=1e-7)
