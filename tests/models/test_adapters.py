"""Adapters: they begin where the network was, merge to what they compute, and repeat by seed."""

from __future__ import annotations

import math

import pytest
import torch

from engine.core.errors import UserError
from engine.models.adapters import KINDS, adapt, adapted, merge, targets
from engine.models.classifier import Classifier
from engine.models.tokens import batch, encode
from tests.models.making import tiny_bert, tiny_llama

TEXTS = ["the man sees a cat", "dog eats", "a big red ball likes the small woman"]


def classifier(seed: int = 0) -> Classifier:
    return Classifier(tiny_bert(seed), 3, seed=1)


def inputs(model_of=tiny_bert):
    backbone = model_of()
    return batch(encode(backbone.tokenizer, TEXTS, max_length=20), range(3))


def gradients(model) -> dict[str, torch.Tensor]:
    """Of the mean of the squared logits, by the weights that are adapted."""
    names = targets(model)
    inner = model.model
    weights = {name: inner.get_submodule(name).weight for name in names}
    found = torch.autograd.grad(model(**inputs()).square().mean(), list(weights.values()))
    return dict(zip(names, found, strict=True))


def made(kind: str, seed: int = 0, **changes):
    model = classifier()
    given = gradients(model) if kind == "loraga" else None
    options = {"rank": 4, "alpha": 8, "gradients": given} | changes
    return adapt(model, kind=kind, seed=seed, **options)


def stirred(model):
    """As after some training: B and A are not what they began with."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for each in adapted(model):
            each.a.add_(torch.randn(each.a.shape, generator=generator) * 0.1)
            each.b.add_(torch.randn(each.b.shape, generator=generator) * 0.1)
            if each.magnitude is not None:
                each.magnitude.mul_(1 + 0.1 * torch.rand(each.magnitude.shape, generator=generator))
    return model


def test_every_linear_layer_of_the_network_is_a_target():
    model = classifier()
    roles = ["attention.self.query", "attention.self.key", "attention.self.value",
             "attention.output.dense", "intermediate.dense", "output.dense"]  # fmt: skip
    assert targets(model) == [f"encoder.layer.{n}.{role}" for n in (0, 1) for role in roles]
    decoder = tiny_llama().model
    names = targets(decoder)
    assert len(names) == 2 * 7
    assert "lm_head" not in names
    assert isinstance(decoder.get_submodule("lm_head"), torch.nn.Linear)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_step_sees_the_network_as_it_was(kind):
    before, after = classifier()(**inputs()), made(kind)(**inputs())
    assert (after - before).abs().max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_a_merged_network_computes_what_the_adapters_do(kind):
    model = stirred(made(kind))
    plain = merge(model)
    with torch.no_grad():
        expected = model(**inputs())
        assert (expected - classifier()(**inputs())).abs().max() > 1e-2
        assert (plain(**inputs()) - expected).abs().max() < 1e-5
    for each in adapted(model):
        weight = plain.model.get_submodule(each.name).weight
        assert (weight - each.merged()).abs().max() < 1e-6
    assert not adapted(plain)
    assert adapted(model)  # it was a copy


@pytest.mark.parametrize("kind", KINDS)
def test_only_adapters_and_the_head_are_trained(kind):
    model = made(kind)
    trained = {name for name, one in model.named_parameters() if one.requires_grad}
    layers = adapted(model)
    assert [each.name for each in layers] == targets(classifier())
    expected = {"head.weight", "head.bias"}
    parts = ("lora_A", "lora_B", *(["lora_magnitude_vector"] if kind == "dora" else []))
    for each in layers:
        start = f"model.base_model.model.{each.name}"
        expected |= {f"{start}.{part}.default.weight" for part in parts}
    assert trained == expected
    assert not any(each.weight.requires_grad for each in layers)


def test_the_seed_decides_the_adapter_and_nothing_else_does():
    first = [each.a.detach().clone() for each in adapted(made("lora"))]
    torch.manual_seed(2)
    model, state = classifier(), torch.get_rng_state()
    again = adapted(adapt(model, kind="lora", rank=4, alpha=8, seed=0))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, each.a) for a, each in zip(first, again, strict=True))
    other = adapted(made("lora", seed=1))
    assert not any(torch.equal(a, each.a) for a, each in zip(first, other, strict=True))
    bound = 1 / math.sqrt(32)  # Kaiming with a = √5: √(6 / ((1 + 5) n))
    wide = first[0]
    assert wide.abs().max() <= bound
    assert wide.abs().max() > 0.95 * bound


@pytest.mark.parametrize(("kind", "scaling"), [("lora", 2), ("rslora", 4), ("dora", 2)])
def test_the_scaling(kind, scaling):
    assert {each.scaling for each in adapted(made(kind))} == {scaling}


def test_pissa_takes_the_largest_singular_values_out_of_the_weight():
    before = classifier().model
    for each in adapted(made("pissa")):
        whole = before.get_submodule(each.name).weight
        values = torch.linalg.svdvals(whole)
        assert torch.linalg.svdvals(each.weight)[0] == pytest.approx(values[4].item(), abs=1e-5)
        principal = torch.linalg.svdvals(each.scaling * each.b @ each.a)[:4]
        assert torch.allclose(principal, values[:4], atol=1e-5)


def test_lora_ga_lies_along_the_gradient():
    given = gradients(classifier())
    for each in adapted(made("loraga")):
        left, _, right = torch.linalg.svd(given[each.name])
        scale = len(each.b) ** 0.25 / 4
        overlap = (each.a / scale) @ right[:4].T
        assert torch.allclose(overlap.abs(), torch.eye(4), atol=1e-4)
        assert torch.allclose((left[:, 4:8].T @ each.b / scale).abs(), torch.eye(4), atol=1e-4)


def test_dora_begins_at_the_norms_of_the_rows():
    for each in adapted(made("dora")):
        assert torch.allclose(each.magnitude, each.weight.norm(dim=1))


def test_a_part_of_the_layers_can_be_chosen():
    chosen = targets(classifier())[:2]
    assert [each.name for each in adapted(made("lora", targets=chosen))] == chosen


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "vera"}, "kind: one of lora, rslora"),
        ({"targets": ["head"]}, "targets: linear layers of the network, as encoder.layer.0"),
        ({"targets": []}, "targets: .* got none"),
        ({"kind": "loraga", "gradients": None}, "gradients: LoRA-GA needs the gradient of enc"),
    ],
)
def test_what_cannot_be_adapted_is_told(changes, message):
    with pytest.raises(UserError, match=message):
        adapt(classifier(), **{"kind": "lora", "rank": 4, "alpha": 8, "seed": 0} | changes)


@pytest.mark.parametrize(("kind", "most"), [("pissa", 32), ("loraga", 16)])
def test_no_layer_has_more_singular_vectors_than_its_smaller_side(kind, most):
    assert adapted(made(kind, rank=most))
    with pytest.raises(UserError, match=rf"rank: at most {most} for {kind}.* \(32 x 32\); got"):
        made(kind, rank=most + 1)
