"""The maps that a page shows are those that the network used."""

from __future__ import annotations

import torch

from engine.methods.cbramod.attention import Attention
from tests.methods.cbramod import synthetic


@torch.no_grad()
def test_maps_times_values_make_what_the_module_answers():
    torch.manual_seed(0)
    module = Attention(100, 4, 0.1).eval()
    module.in_proj_bias.normal_()
    x = torch.randn(2, 5, 7, 100)
    maps = module.maps(x)
    assert maps.shape == (2, 5, 4, 7, 7)
    torch.testing.assert_close(maps.sum(-1), torch.ones(2, 5, 4, 7))
    values = torch.nn.functional.linear(x, module.in_proj_weight[200:], module.in_proj_bias[200:])
    heard = maps @ values.view(2, 5, 7, 4, 25).transpose(2, 3)
    told = module.out_proj(heard.transpose(2, 3).flatten(3))
    torch.testing.assert_close(told, module(x), atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_block_tells_both_of_its_halves():
    block = synthetic.model(2).encoder.layers[0]
    x = torch.randn(1, 3, 6, 200)
    spatial, temporal = block.maps(x)
    assert spatial.shape == (1, 6, 4, 3, 3)
    assert temporal.shape == (1, 3, 4, 6, 6)
    moved = x.clone()
    moved[:, 2, 1] += torch.randn(200)
    other, later = block.maps(moved)
    assert [(spatial[0, s] != other[0, s]).any().item() for s in range(6)] == [
        s == 1 for s in range(6)
    ]
    assert [(temporal[0, c] != later[0, c]).any().item() for c in range(3)] == [
        c == 2 for c in range(3)
    ]
