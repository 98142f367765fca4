"""The size of an adapter against the singular values of the whole product."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.methods.flat_lora.spectra import spectrum
from engine.models.adapters import adapt, adapted, merge
from tests.methods.flat_lora.layers import layer


@pytest.mark.parametrize(("m", "n", "rank"), [(40, 60, 4), (60, 40, 1), (3, 50, 8)])
def test_singular_values_are_those_of_the_product(m, n, rank):
    one = layer(m, n, rank=rank)
    found = spectrum(one)
    product = one.scaling * one.b.double() @ one.a.double()
    expected = torch.linalg.svdvals(product)[: min(rank, m, n)]
    torch.testing.assert_close(torch.tensor(found.values[: len(expected)]).double(), expected)
    assert sum(found.values[len(expected) :]) < 1e-9
    assert found.relative == pytest.approx(float(product.norm() / one.weight.norm()), rel=1e-6)
    assert found.name == one.name


def test_an_adapter_at_its_start_adds_nothing():
    one = layer(40, 60)
    one.b.zero_()
    assert spectrum(one).values == (0,) * 4
    assert spectrum(one).relative == 0


def test_beside_nothing_there_is_no_relative_size():
    one = layer(4, 6)
    one.weight.zero_()
    assert spectrum(one).relative is None
    assert max(spectrum(one).values) > 0


def test_what_was_taken_out_of_the_weight_is_no_change():
    """PiSSA and LoRA-GA begin with an adapter that W gave way to; only what follows counts."""
    one = layer(40, 60, rank=3)
    one.first = (one.a.clone(), one.b.clone())
    before = one.merged().double()
    assert max(spectrum(one).values) < 1e-12
    one.a += 0.1 * layer(40, 60, rank=3, seed=1).a
    one.b += 0.1 * layer(40, 60, rank=3, seed=1).b
    found = spectrum(one)
    change = one.scaling * (one.b.double() @ one.a.double()) - one.scaling * (
        one.first[1].double() @ one.first[0].double()
    )
    expected = torch.linalg.svdvals(change)[:6]
    torch.testing.assert_close(torch.tensor(found.values).double(), expected)
    assert found.relative == pytest.approx(float(change.norm() / before.norm()), rel=1e-5)


def test_of_dora_it_is_the_merged_weight_that_changed():
    """Rows scaled to a magnitude: ΔW has full rank and is not sBA."""
    net = nn.Sequential(nn.Linear(12, 20), nn.Linear(20, 5))
    model = adapt(net, kind="dora", rank=3, alpha=6.0, seed=1)
    for one in adapted(model):
        with torch.no_grad():
            one.b.normal_(generator=torch.Generator().manual_seed(2))
            one.magnitude.mul_(1.5)
        change = (merged_by_peft(model, one.name) - one.weight).double()
        found = spectrum(one)
        expected = torch.linalg.svdvals(change)[:3]
        torch.testing.assert_close(torch.tensor(found.values).double(), expected, rtol=1e-5, atol=0)
        assert found.relative == pytest.approx(float(change.norm() / one.weight.norm()), rel=1e-5)


def merged_by_peft(model: nn.Module, name: str) -> torch.Tensor:
    return merge(model).get_submodule(name).weight.detach()
