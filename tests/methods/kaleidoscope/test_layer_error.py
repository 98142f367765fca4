"""Errors per layer against what was put in on purpose."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.methods.kaleidoscope.families import FAMILIES
from engine.methods.kaleidoscope.layer_error import layer_errors
from engine.methods.kaleidoscope.train import calibrate


def settled(data: np.ndarray):
    torch.manual_seed(0)
    family = FAMILIES["mlp"](tuple("abc"))
    calibrate(family, torch.from_numpy(data))
    return family.settled(integer=True)


@pytest.fixture
def data() -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(200, 32)).astype(np.uint8)


def test_errors_are_those_of_the_two_forwards(data):
    family = settled(data)
    found = layer_errors(family, data)
    assert [one.name for one in found] == ["hidden1", "hidden2", "logits"]
    whole = family.layers(torch.from_numpy(data))["hidden1"]
    x = (data >> 1) / 128
    exact = np.maximum(x @ family.hidden1.weight.numpy().T + family.hidden1.bias.numpy(), 0)
    error = np.abs(exact - whole.values.numpy() * whole.step)
    assert found[0].largest == pytest.approx(error.max())
    assert found[0].mean == pytest.approx(error.mean())
    assert found[0].snr_db == pytest.approx(10 * np.log10((exact**2).sum() / (error**2).sum()))
    assert found[0].clipped == pytest.approx((whole.values.numpy() == 127).mean())
    assert found[-1].clipped is None


def test_the_family_is_left_as_it_was(data):
    family = settled(data)
    layer_errors(family, data)
    assert family.integer


def test_a_coarser_range_makes_larger_errors_and_clips_less(data):
    family, coarse = settled(data), settled(data)
    coarse.hidden1.out.top *= 8
    fine, found = layer_errors(family, data)[0], layer_errors(coarse, data)[0]
    assert found.snr_db < fine.snr_db - 10
    assert found.clipped == 0


def test_zero_weights_have_no_error(data):
    family = settled(data)
    for layer in (family.hidden1, family.hidden2, family.logits):
        layer.weight.zero_()
        layer.bias.zero_()
    assert {one.snr_db for one in layer_errors(family, data)} == {None}
