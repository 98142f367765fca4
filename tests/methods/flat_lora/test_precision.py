"""Steps in mixed precision: W is not touched, layers see the cast of W + noise, they learn."""

from __future__ import annotations

import pytest
import torch

from engine.methods.flat_lora.params import FlatLoraParams
from engine.methods.flat_lora.variants import VARIANTS, flat
from tests.methods.flat_lora.steps import CLASSES, STEPS, batches, judged_by, start


@pytest.mark.parametrize("name", ["flat", "lora", "dora", "sam"])
def test_bf16_steps_touch_no_weight_and_learn(name):
    """Whether or not a forward raises in the middle: W is not written to, so it cannot change."""
    params = FlatLoraParams(rho=0.3, precision="bf16", lr=1e-2)
    training = start(flat("lora") if name == "flat" else VARIANTS[name], params)
    before = [layer.weight.detach().clone() for layer in training.layers]
    places = [layer.weight.data_ptr() for layer in training.layers]
    losses = [training.step([batch])["loss"] for batch in batches()]
    assert sum(losses[-8:]) < 0.9 * sum(losses[:8])

    def fault(model, batch):
        raise RuntimeError("out of memory")

    training.task, training.done = judged_by(fault), STEPS - 1
    with pytest.raises(RuntimeError, match="out of memory"):
        training.step(batches(1))
    training.assert_clean()
    for layer, weight, place in zip(training.layers, before, places, strict=True):
        assert layer.weight.data_ptr() == place
        assert torch.equal(layer.weight, weight)
    assert {tensor.dtype for tensor in training.model.parameters()} == {torch.float32}
    moments = [one for kept in training.optimizer.state.values() for one in kept.values()]
    assert {one.dtype for one in moments} == {torch.float32}


@pytest.mark.parametrize("name", ["flat", "lora", "dora", "sam"])
def test_bf16_steps_are_those_of_fp32_but_for_rounding(name):
    variant = flat("lora") if name == "flat" else VARIANTS[name]
    found = []
    for precision in ("fp32", "bf16"):
        training = start(variant, FlatLoraParams(rho=0.3, lr=2e-3, precision=precision))
        training.done = STEPS // 2
        found.append([training.step([batch]) for batch in batches(4)])
    for wide, low in zip(*found, strict=True):
        assert low["loss"] == pytest.approx(wide["loss"], rel=5e-3)
        assert low["gradient_norm.b"] == pytest.approx(wide["gradient_norm.b"], rel=0.05)
    assert found[0][-1]["loss"] != found[1][-1]["loss"]


def test_bf16_layers_compute_on_the_cast_of_w_and_noise():
    training = start(flat("lora"), FlatLoraParams(rho=0.3, precision="bf16"))
    plain = start(flat("lora"), FlatLoraParams(rho=0.3))
    seen, wide = {}, {}

    def look(kept, layers):
        def objective(model, batch):
            kept.update({layer.name: layer.weight.detach().clone() for layer in layers})
            loss = CLASSES.objective(model, batch)
            kept["loss"] = loss.dtype
            return loss

        return judged_by(objective)

    training.task, plain.task = look(seen, training.layers), look(wide, plain.layers)
    training.done = plain.done = STEPS // 2
    (batch,) = batches(1)
    training.step([batch])
    plain.step([batch])
    assert seen.pop("loss") == wide.pop("loss") == torch.float32
    clean = {layer.name: layer.weight for layer in plain.layers}
    for name, weight in seen.items():
        assert weight.dtype == torch.bfloat16
        assert torch.equal(weight, wide[name].bfloat16())
        assert not torch.equal(weight, clean[name].bfloat16())
