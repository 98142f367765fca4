"""Rounding and pruning of merged weights."""

from __future__ import annotations

import pytest
import torch

from engine.methods.flat_lora.rounding import pruned, rounded
from tests.methods.flat_lora.layers import layer


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_rounding_finds_the_nearest_level_of_each_row(bits):
    weight = layer(20, 300).merged()
    found = rounded(weight, bits)
    most = 2 ** (bits - 1) - 1
    step = weight.abs().amax(dim=1, keepdim=True) / most
    levels = found / step
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-4)
    assert levels.abs().max() == pytest.approx(most)
    assert ((found - weight).abs() <= step / 2 * (1 + 1e-5)).all()
    torch.testing.assert_close(rounded(found, bits), found)
    assert max(len(row.unique()) for row in found) <= 2**bits - 1


def test_rounding_leaves_its_argument_and_rows_of_zeros():
    weight = layer(4, 8).merged()
    weight[2] = 0
    before = weight.clone()
    assert torch.equal(rounded(weight, 4)[2], torch.zeros(8))
    assert torch.equal(weight, before)


def test_rounding_errs_the_less_the_more_bits():
    weight = layer(20, 300).merged()
    errors = [float((rounded(weight, bits) - weight).norm()) for bits in (2, 3, 4, 6, 8)]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("share", [0, 0.25, 0.5, 1])
def test_pruning_takes_the_smallest(share):
    weight = layer(20, 30).merged()
    before = weight.clone()
    found = pruned(weight, share)
    gone = found == 0
    assert int(gone.sum()) == 600 * share
    assert torch.equal(found[~gone], weight[~gone])
    if 0 < share < 1:
        assert weight[gone].abs().max() < weight[~gone].abs().min()
    assert torch.equal(weight, before)


def test_pruning_takes_no_more_where_many_are_as_small():
    assert int((pruned(torch.ones(4, 5), 0.5) == 0).sum()) == 10


def test_bounds():
    with pytest.raises(ValueError, match="two bits"):
        rounded(torch.ones(2, 2), 1)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        pruned(torch.ones(2, 2), 1.5)
