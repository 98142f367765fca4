"""Spreads of weights and activations: every number once, saturation as it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.methods.kaleidoscope.distributions import BINS, distributions
from engine.methods.kaleidoscope.families import FAMILIES, Family
from engine.methods.kaleidoscope.train import calibrate

FLOWS = 20


def families(name: str, *, top: float = 1.0) -> tuple[Family, Family, np.ndarray]:
    """Of random weights; `top` scales the ranges that calibration found."""
    torch.manual_seed(0)
    family = FAMILIES[name](("a", "b", "c"))
    data = torch.randint(256, (FLOWS, family.inputs), dtype=torch.uint8)
    calibrate(family, data)
    integer = family.settled(integer=True)
    for layer in integer.modules():
        if hasattr(layer, "top") and not layer.fixed:
            layer.top *= top
    return family.settled(integer=False), integer, data.numpy()


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_each_number_of_each_layer_is_counted_once(name):
    floating, integer, data = families(name)
    found = distributions(floating, integer, data)
    weights = {one["name"]: one for one in found if one["of"] == "weights"}
    modules = {one.name: one for one in floating.modules() if hasattr(one, "weight")}
    assert weights.keys() == modules.keys()
    for key, module in modules.items():
        one = weights[key]
        assert sum(one["float"]) == sum(one["int8"]) == module.weight.numel()
        assert len(one["float"]) == BINS
    shown = [one for one in found if one["of"] == "activations"]
    taps = integer.layers(torch.from_numpy(data))
    assert [one["name"] for one in shown] == list(taps)
    for one in shown:
        assert sum(one["float"]) == sum(one["int8"]) == taps[one["name"]].values.numel()
        assert (one["saturated"] is None) == (one["name"] == "logits")


def test_int8_weights_are_shown_as_what_they_stand_for():
    """Of sources with steps of their own, too: all columns are near what they were rounded from."""
    floating, integer, data = families("two_path")
    for one in distributions(floating, integer, data):
        if one["of"] == "weights":
            edges = np.linspace(one["low"], one["high"], BINS + 1)
            middles = (edges[1:] + edges[:-1]) / 2
            means = [np.average(middles, weights=one[key]) for key in ("float", "int8")]
            assert abs(means[0] - means[1]) < edges[1] - edges[0]
            reach = max(map(abs, (one["low"], one["high"])))
            weight = next(
                m.weight for m in floating.modules() if getattr(m, "name", "") == one["name"]
            )
            assert reach == pytest.approx(float(weight.abs().max()), rel=1 / 32)


def test_saturation_is_the_share_at_the_ends():
    floating, integer, data = families("mlp")
    wide = {(o["name"], o["of"]): o["saturated"] for o in distributions(floating, integer, data)}
    floating, integer, data = families("mlp", top=0.25)
    narrow = {(o["name"], o["of"]): o["saturated"] for o in distributions(floating, integer, data)}
    whole = integer.layers(torch.from_numpy(data))["hidden1"].values
    assert narrow["hidden1", "activations"] == float((whole == 127).double().mean()) > 0.02
    assert wide["hidden1", "activations"] < 0.01
    sizes = floating.hidden1.weight.abs()
    share = float((torch.round(sizes / sizes.max() * 127) == 127).double().mean())
    assert wide["hidden1", "weights"] == narrow["hidden1", "weights"] == share > 0
