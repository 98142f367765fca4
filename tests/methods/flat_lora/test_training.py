"""Steps against a LoRA written out, SAM, accumulation, and noise that is gone after a fault."""

from __future__ import annotations

import math
import time

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from engine.core.errors import UserError
from engine.methods.flat_lora.params import FlatLoraParams
from engine.methods.flat_lora.tasks import NextToken, split
from engine.methods.flat_lora.training import Training, warm_cosine
from engine.methods.flat_lora.variants import VARIANTS, flat
from engine.models import tokens
from engine.models.adapters import adapt, adapted
from engine.models.classifier import Classifier
from tests.methods.flat_lora.steps import CLASSES, STEPS, batches, judged_by, start
from tests.models.making import tiny_bert, tiny_llama


def test_lora_in_twenty_lines_gives_the_same_losses():
    params = FlatLoraParams(lr=2e-3, rank=4, alpha=8.0)
    training = start(VARIANTS["lora"], params)
    own = Classifier(tiny_bert(), 2, seed=1).requires_grad_(False)
    learnt = list(own.head.requires_grad_(True).parameters())
    for layer in training.layers:
        linear = own.model.get_submodule(layer.name)
        a, b = (nn.Parameter(one.detach().clone()) for one in (layer.a, layer.b))
        learnt += [a, b]

        def forward(x, linear=linear, a=a, b=b):
            return F.linear(x, linear.weight + 8.0 / 4 * b @ a, linear.bias)

        linear.forward = forward
    optimizer = torch.optim.AdamW(learnt, lr=2e-3, weight_decay=0.0)
    for number, batch in enumerate(batches()):
        inputs, labels = split(batch)
        loss = F.cross_entropy(own(**inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learnt, 1.0)
        share = (number + 1) / 2 if number < 1 else (
            0.5 * (1 + math.cos(math.pi * (number - 1) / (STEPS - 1)))
        )  # fmt: skip
        optimizer.param_groups[0]["lr"] = 2e-3 * share
        optimizer.step()
        assert training.step([batch])["loss"] == pytest.approx(loss.item(), rel=1e-4)


@pytest.mark.parametrize("on", ["lora", "rslora", "dora", "pissa"])
def test_a_forward_that_raises_leaves_the_weights_as_they_were(on, tmp_path):
    training = start(flat(on), FlatLoraParams(rho=0.3))
    training.perturbation = type(training.perturbation)(training.layers, seed=5, master=True)
    data = batches(4)
    training.step([data[0]])
    before = [layer.weight.detach().clone() for layer in training.layers]
    calls = []

    def fault(model, batch):
        calls.append(not torch.equal(training.layers[0].weight, before[0]))
        raise RuntimeError("out of memory")

    training.task = judged_by(fault)
    with pytest.raises(RuntimeError, match="out of memory"):
        training.step([data[1]])
    assert calls == [True]  # the noise was on
    training.assert_clean()
    assert all(torch.equal(one, layer.weight)
               for one, layer in zip(before, training.layers, strict=True))  # fmt: skip


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_nothing_is_kept_while_the_noise_is_on(precision):
    training = start(flat("lora"), FlatLoraParams(rho=0.3, precision=precision))
    with training.perturbation.applied(0.3, 1):
        with pytest.raises(AssertionError, match="noise is on"):
            training.state()
        with pytest.raises(RuntimeError, match="is on"):
            training.perturbation.drift()
    assert training.state()["done"] == 0


@pytest.mark.parametrize(
    ("name", "field", "factor", "what"),
    [
        ("flat", "lr", math.nan, "the loss of step 3 of 30 is nan"),
        ("sam", "lr", math.inf, "the loss of step 3 of 30 is inf"),
        ("full", "lr_full", 1e39, "the loss of step 3 of 30 is inf"),
        ("flat", "lr", "gradient", "the gradient's norm of step 3 of 30 is nan"),
    ],
)
def test_a_training_that_diverges_is_told_at_once(name, field, factor, what):
    training = start(flat("lora") if name == "flat" else VARIANTS[name], FlatLoraParams(rho=0.3))
    data = batches(3)
    for batch in data[:2]:
        training.step([batch])
    before = [tensor.detach().clone() for tensor in training.model.parameters()]
    objective = training.task.objective

    def diverged(model, batch):
        loss = objective(model, batch)
        if factor == "gradient":  # of √0, which is infinite, times 0
            return loss + (loss - loss.detach()).abs().sqrt() * 0
        return loss * factor

    training.task = judged_by(diverged)
    with pytest.raises(UserError, match=what) as fault:
        training.step([data[2]])
    assert fault.value.where == field
    assert name in fault.value.expected
    training.assert_clean()
    for one, other in zip(before, training.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_a_model_that_gives_no_loss_is_not_blamed_on_the_step_size():
    training = start(flat("lora"), FlatLoraParams(rho=0.3))
    objective = training.task.objective
    training.task = judged_by(lambda model, batch: objective(model, batch) * math.nan)
    with pytest.raises(UserError, match="nan before anything was trained") as fault:
        training.step(batches(1))
    assert fault.value.where == "model"


def test_one_noise_holds_over_the_parts_of_a_batch():
    whole, parts = (start(flat("lora"), FlatLoraParams(rho=0.3)) for _ in range(2))
    for batch in batches(8):
        pieces = [{key: value[at : at + 4] for key, value in batch.items()}
                  for at in (0, 4, 8, 12)]  # fmt: skip
        one, other = whole.step([batch]), parts.step(pieces)
        assert one["sigma"] == pytest.approx(other["sigma"])
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-5)
    for one, other in zip(whole.trained, parts.trained, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_a_token_counts_as_much_in_any_part_of_a_batch():
    """Rows of 2 to 12 scored tokens, and one of none: as one part, or as one part for each."""
    length = torch.tensor([3, 13, 5, 9, 2, 4, 12, 1])
    place = torch.arange(13)
    there = place < length[:, None]
    ids = torch.where(there, 6 + (place * 5 + length[:, None]) % 14, 0)
    labels = torch.where(there, ids, tokens.IGNORED)
    whole = {"input_ids": ids, "attention_mask": there.long(), "labels": labels}
    losses, grads = [], []
    for size in (8, 1):
        model = adapt(tiny_llama().model.double(), kind="lora", rank=4, alpha=8.0, seed=3)
        params = FlatLoraParams(rank=4, alpha=8.0)
        training = Training(
            model, adapted(model), VARIANTS["lora"], params, NextToken(), steps=9, seed=5
        )
        found = []
        training.optimizer.step = lambda training=training, found=found: found.extend(
            tensor.grad.clone() for tensor in training.trained
        )
        parts = [{key: one[at : at + size] for key, one in whole.items()}
                 for at in range(0, 8, size)]  # fmt: skip
        losses.append(training.step(parts)["loss"])
        grads.append(found)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert sum(float(one.abs().sum()) for one in grads[0]) > 0
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-8)


def test_dropout_is_the_same_for_every_variant_and_after_a_resume():
    """Flat-LoRA without noise, and a training that goes on from a checkpoint, are LoRA bit by bit,
    whatever else drew of torch's generator meanwhile."""
    data, found = batches(6), {}
    for name in ("flat", "lora", "resumed"):
        variant = flat("lora") if name == "flat" else VARIANTS["lora"]
        training = start(variant, FlatLoraParams(rho=0))
        training.model.train()
        torch.manual_seed(len(found))
        state = torch.get_rng_state()
        losses = [training.step([batch])["loss"] for batch in data[:3]]
        assert torch.equal(torch.get_rng_state(), state)
        if name == "resumed":
            kept = training.state()
            training = start(variant, FlatLoraParams(rho=0))
            training.restore(kept)
            training.model.train()
        found[name] = losses + [training.step([batch])["loss"] for batch in data[3:]]
    assert found["flat"] == found["lora"] == found["resumed"]
    training.model.eval()
    with torch.no_grad():
        clean = [CLASSES.objective(training.model, batch).item() for batch in data]
    assert not set(clean) & set(found["lora"])
    training.model.train()
    training.optimizer.step = lambda: None
    again = [training.step([data[0]])["loss"] for _ in range(2)]
    assert again[0] != again[1]  # each step has masks of its own


def test_sam_steps_by_the_gradient_at_the_worst_point_nearby():
    params = FlatLoraParams(sam_rho=0.1, clip=0.0)
    training = start(VARIANTS["sam"], params)
    first, second = batches(2)
    training.step([first])  # B leaves 0
    moved = [tensor for layer in training.layers for tensor in (layer.a, layer.b)]
    kept = [tensor.detach().clone() for tensor in moved]
    found = {}

    def step(closure=None):
        found["at"] = [tensor.detach().clone() for tensor in moved]
        found["grads"] = [tensor.grad.clone() for tensor in moved]

    training.optimizer.step = step
    training.step([second])
    assert all(torch.equal(one, other) for one, other in zip(kept, found["at"], strict=True))
    grads = torch.autograd.grad(CLASSES.objective(training.model, second), moved)
    length = math.sqrt(sum(float(grad.square().sum()) for grad in grads))
    with torch.no_grad():
        for tensor, grad in zip(moved, grads, strict=True):
            tensor += 0.1 * grad / length
    expected = torch.autograd.grad(CLASSES.objective(training.model, second), moved)
    for one, other in zip(found["grads"], expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)


def test_lora_plus_moves_b_faster_than_a_and_the_head_as_ever():
    training = start(VARIANTS["lora_plus"], FlatLoraParams(plus_ratio=16.0, lr=1e-3))
    told = training.step(batches(1))
    rates = {id(tensor): group["lr"] for group in training.optimizer.param_groups
             for tensor in group["params"]}  # fmt: skip
    assert len(rates) == len(training.trained) == 2 * len(training.layers) + 2
    for layer in training.layers:
        assert rates[id(layer.a)] == pytest.approx(told["lr"] / 4)
        assert rates[id(layer.b)] == pytest.approx(told["lr"] * 4)
    for tensor in training.model.head.parameters():
        assert rates[id(tensor)] == told["lr"]


def test_lora_plus_of_a_decoder_has_no_head():
    model = adapt(tiny_llama().model, kind="lora", rank=4, alpha=8.0, seed=3)
    training = Training(model, adapted(model), VARIANTS["lora_plus"], FlatLoraParams(), NextToken(),
                        steps=9, seed=5)  # fmt: skip
    assert len(training.optimizer.param_groups) == 2


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("flat", {"noise", "forward", "backward", "optimizer"}),
        ("lora", {"forward", "backward", "optimizer"}),
        ("sam", {"forward", "backward", "optimizer"}),
    ],
)
def test_the_time_of_a_step_is_split(name, parts):
    training = start(flat("lora") if name == "flat" else VARIANTS[name], FlatLoraParams(rho=0.3))
    began = time.perf_counter()
    told = training.step(batches(1))
    passed = time.perf_counter() - began
    split = {key.removeprefix("seconds."): value for key, value in told.items()
             if key.startswith("seconds.")}  # fmt: skip
    assert set(split) == parts
    assert all(value > 0 for value in split.values())
    assert told["seconds"] == pytest.approx(sum(split.values()))
    assert told["seconds"] <= passed


def test_the_rate_warms_up_and_falls_to_nothing():
    shares = [warm_cosine(step, 100, warmup=0.03) for step in range(101)]
    assert shares[:4] == pytest.approx([0.25, 0.5, 0.75, 1])
    assert shares[100] == pytest.approx(0, abs=1e-12)
    assert shares[3:] == sorted(shares[3:], reverse=True)
