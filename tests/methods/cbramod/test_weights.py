"""Official checkpoints: read, matched to the last tensor, refused by name, written back."""

from __future__ import annotations

import pickle

import pytest
import torch
from safetensors.torch import save_file

from engine.core.errors import UserError
from engine.methods.cbramod import weights
from engine.methods.cbramod.model import CBraMod, Shape
from tests.methods.cbramod import synthetic


@pytest.fixture
def two() -> CBraMod:
    return synthetic.model(2)


def fresh() -> CBraMod:
    torch.manual_seed(9)
    return CBraMod(Shape(layers=2))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "module.backbone."])
def test_a_checkpoint_comes_back_bit_for_bit(two, tmp_path, suffix, prefix):
    path = tmp_path / f"weights{suffix}"
    content = {f"{prefix}{key}": value for key, value in two.state_dict().items()}
    (save_file if suffix == ".safetensors" else torch.save)(content, path)
    read = weights.read(path)
    assert weights.layers_of(read, "weights") == 2
    model = fresh()
    rows = weights.load(model, read, "weights")
    assert {row.state for row in rows} == {"matched"}
    for key, value in two.state_dict().items():
        assert torch.equal(model.state_dict()[key], value)


def test_one_missing_or_misshapen_or_strange_tensor_is_refused_by_name(two):
    whole, key = two.state_dict(), "encoder.layers.1.linear1.bias"
    without = {name: value for name, value in whole.items() if name != key}
    for content, text in (
        (without, f"{key} is missing"),
        ({**whole, key: torch.zeros(3)}, rf"{key} is \(3,\); expected \(800,\)"),
        ({**whole, "encoder.extra": torch.zeros(1)}, "encoder.extra is no tensor of CBraMod"),
    ):
        model = fresh()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        with pytest.raises(UserError, match=text):
            weights.load(model, content, "weights")
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_fine_tuned_checkpoint_leaves_its_head_aside_and_our_reconstruction_alone(two):
    content = {key: value for key, value in two.state_dict().items() if "proj_out" not in key}
    content["classifier.0.weight"] = torch.zeros(2, 2)
    model = fresh()
    before = model.proj_out[0].weight.clone()
    states = {row.key: row.state for row in weights.load(model, content, "weights")}
    assert states["classifier.0.weight"] == "left aside"
    assert states["proj_out.0.weight"] == "missing"
    assert torch.equal(model.proj_out[0].weight, before)


def test_nothing_is_run_and_what_is_no_checkpoint_is_named(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "touched"), "w"))

    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil()))
    torch.save({"a": Evil()}, tmp_path / "hidden.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / "nested.pth")
    (tmp_path / "text.safetensors").write_text("hello")
    for name in ("evil.pth", "hidden.pth", "list.pth", "nested.pth", "text.safetensors"):
        with pytest.raises(UserError, match=name):
            weights.read(tmp_path / name)
    assert not (tmp_path / "touched").exists()
    with pytest.raises(UserError, match=r"no key encoder\.layers"):
        weights.layers_of({"a": torch.zeros(1)}, "other")


@pytest.mark.realdata
def test_the_official_names(shared_data):
    read = weights.read(shared_data / "eeg/parity/two_layer_official_keys.pth")
    model = fresh()
    weights.load(model, read, "two_layer_official_keys.pth")
    expected = synthetic.model(2).state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in model.state_dict().items())
