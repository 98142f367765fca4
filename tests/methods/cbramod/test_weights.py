"""Official checkpoints: matched to the last tensor, refused by name, written back."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from engine.core.errors import UserError
from engine.data.model import io
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
    read = weights.official(io.load(path))
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
        ({**whole, key: torch.full((800,), torch.nan)}, f"{key} has values NaN or infinite"),
    ):
        model = fresh()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        with pytest.raises(UserError, match=text):
            weights.load(model, content, "weights")
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_weights_of_whole_numbers_are_refused_by_name(two, tmp_path):
    key = "encoder.layers.1.linear1.bias"
    torch.save({**two.state_dict(), key: two.state_dict()[key].long()}, tmp_path / "w.pth")
    with pytest.raises(UserError, match=f"{key} is of int64; expected floating point"):
        weights.official(io.load(tmp_path / "w.pth"))


def test_a_fine_tuned_checkpoint_leaves_its_head_aside_and_our_reconstruction_alone(two):
    content = {key: value for key, value in two.state_dict().items() if "proj_out" not in key}
    content["classifier.0.weight"] = torch.zeros(2, 2)
    model = fresh()
    before = model.proj_out[0].weight.clone()
    states = {row.key: row.state for row in weights.load(model, content, "weights")}
    assert states["classifier.0.weight"] == "left aside"
    assert states["proj_out.0.weight"] == "missing"
    assert torch.equal(model.proj_out[0].weight, before)


def test_blocks_are_counted_without_a_gap():
    with pytest.raises(UserError, match=r"no key encoder\.layers"):
        weights.layers_of({"a": torch.zeros(1)}, "other")
    gap = {f"encoder.layers.{at}.norm1.weight": torch.zeros(1) for at in (0, 1, 99_999)}
    with pytest.raises(UserError, match=r"other: has no block encoder\.layers\.2, but later ones"):
        weights.layers_of(gap, "other")


def test_the_official_network_has_211_tensors():
    model = synthetic.model(12)
    rows = weights.match(model, model.state_dict(), "weights")
    assert [row.state for row in rows] == ["matched"] * 211
    assert sum(value.numel() for value in model.state_dict().values()) == 4_924_000


@pytest.mark.realdata
def test_the_official_names(shared_data):
    read = weights.official(io.load(shared_data / "eeg/parity/two_layer_official_keys.pth"))
    model = fresh()
    weights.load(model, read, "two_layer_official_keys.pth")
    expected = synthetic.model(2).state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in model.state_dict().items())
