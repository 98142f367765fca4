"""Attacks through the model itself: the gradient, its way past filters, and what it achieves."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from engine.methods.gagn.attacks.adaptive import Adaptive, both_ways
from engine.methods.gagn.attacks.victim import Victim, edge_pairs, flipped, pair_keys
from engine.methods.gagn.defences import Ground, Trained, Unit, begin
from tests.methods.gagn.defences.grounds import GRAPH_BASED, ground, stream


def trained(name: str, place: Ground, *, epochs: int = 60, **settings) -> Trained:
    fit = begin(Unit(name, settings), place, generator=stream())
    for epoch in range(epochs):
        fit.epoch(epoch)
    return Trained(fit)


def doubled(model: Trained) -> Trained:
    """In double precision, for central differences."""
    fit = model._fit
    fit.model.double()
    fit.ground.values = fit.ground.values.double()
    return model


def victim(place: Ground) -> Victim:
    from engine.data.split.split import Split

    parts = {name: place.part[name].numpy() for name in ("train", "val", "test")}
    return Victim(
        place.adjacency, place.features, place.labels.numpy(), Split(**parts), place.classes
    )


def relaxed_keys(adjacency: sp.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """The edges and as many other pairs, with weights that are anything but 0 and 1."""
    rng, nodes = np.random.default_rng(0), adjacency.shape[0]
    edges = pair_keys(*edge_pairs(adjacency).T, nodes)
    u, v = rng.integers(0, nodes, (2, len(edges)))
    keys = np.union1d(edges, pair_keys(u, v, nodes)[u != v])
    return keys, rng.uniform(0.2, 0.8, len(keys))


def slopes(model, keys: np.ndarray, weights: np.ndarray, nodes: int, dtype=torch.float64):
    """(by autograd, by central differences) of a random mixture of the logits."""
    pattern, place = both_ways(keys, nodes)
    place = torch.from_numpy(place)
    mixture = None

    def loss(values: torch.Tensor) -> torch.Tensor:
        nonlocal mixture
        logits = model.relaxed(pattern, values[place]).double()
        if mixture is None:
            mixture = torch.randn(logits.shape, generator=stream(3)).double()
        return (logits * mixture).sum()

    values = torch.tensor(weights, dtype=dtype, requires_grad=True)
    (found,) = torch.autograd.grad(loss(values), values)
    step = 1e-5 if dtype == torch.float64 else 2e-3
    expected = []
    for pair in range(len(keys)):
        both = []
        for sign in (1, -1):
            moved = values.detach().clone()
            moved[pair] += sign * step
            with torch.no_grad():
                both.append(loss(moved).item())
        expected.append((both[0] - both[1]) / (2 * step))
    return found.double().numpy(), np.array(expected)


# Exact: those that are differentiable by nature.
@pytest.mark.parametrize("name", ["gcn", "gat", "jaccard", "rgcn"])
def test_the_gradient_is_that_of_central_differences(name):
    place = ground(nodes=30)
    model = doubled(trained(name, place, epochs=20))
    keys, weights = relaxed_keys(place.adjacency)
    found, expected = slopes(model, keys, weights, place.nodes)
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max(), rtol=1e-5)
    assert np.abs(expected).max() > 0


@pytest.mark.parametrize("rank", [3, 10, 50])  # of 40: the last keeps all
def test_the_gradient_of_a_low_rank_follows_the_turning_eigenvectors(rank):
    place = ground(nodes=40)
    model = doubled(trained("svd", place, epochs=20, rank=rank))
    keys, weights = relaxed_keys(place.adjacency)
    found, expected = slopes(model, keys, weights, place.nodes)
    assert np.corrcoef(found, expected)[0, 1] > 0.999


# In part frozen by design: similarities (GNNGuard), the learnt graph's bounds (Pro-GNN).
@pytest.mark.parametrize("name", ["gnnguard", "prognn"])
def test_a_gradient_with_frozen_parts_points_the_same_way(name):
    place = ground(nodes=30)
    model = trained(name, place, epochs=20)
    keys, weights = relaxed_keys(place.adjacency)
    found, expected = slopes(model, keys, weights, place.nodes, dtype=torch.float32)
    assert np.corrcoef(found, expected)[0, 1] > 0.9


@pytest.mark.parametrize("name", GRAPH_BASED)
def test_a_graph_that_is_wholly_there_gets_the_same_answers(name):
    place = ground()
    model = trained(name, place, epochs=10)
    for adjacency in (place.adjacency, flipped(place.adjacency, np.array([[0, 7], [3, 50]]))):
        weight = torch.ones(adjacency.nnz)
        found = model.relaxed(adjacency, weight).detach()
        assert torch.allclose(found, model.logits(adjacency), atol=2e-4)


@pytest.mark.parametrize("name", GRAPH_BASED)
def test_an_edge_of_no_weight_is_none(name):
    place = ground()
    model = trained(name, place, epochs=10)
    keys, _ = relaxed_keys(place.adjacency)
    pattern, where = both_ways(keys, place.nodes)
    edges = pair_keys(*edge_pairs(place.adjacency).T, place.nodes)
    there = torch.from_numpy(np.isin(keys, edges).astype(np.float32))
    found = model.relaxed(pattern, there[torch.from_numpy(where)]).detach()
    assert torch.allclose(found, model.logits(place.adjacency), atol=2e-4)


@pytest.mark.parametrize("name", GRAPH_BASED)
def test_it_hurts_its_model_more_than_random_flips(name):
    place = ground(nodes=120)
    model = trained(name, place, epochs=60)
    one = victim(place)
    attack = Adaptive(one, 25, rng=np.random.default_rng(0), model=model, steps=40, samples=5)
    for _ in range(attack.total):
        attack.step()
    assert 0 < len(attack.flips) <= 25
    test = one.split.test

    def accuracy(flips: np.ndarray) -> float:
        told = model.logits(flipped(one.adjacency, flips)).argmax(1).numpy()
        return float((told[test] == one.labels[test]).mean())

    rng = np.random.default_rng(1)
    chance = []
    for _ in range(5):
        drawn = rng.integers(0, 120, (200, 2))
        keys = np.unique(pair_keys(*drawn[drawn[:, 0] != drawn[:, 1]].T, 120))
        keys = rng.permutation(keys)[: len(attack.flips)]
        chance.append(accuracy(np.column_stack(np.divmod(keys, 120))))
    assert accuracy(attack.flips) < min(chance)


def test_a_budget_above_the_usual_block_is_used_up():
    place = ground(nodes=120)
    one, model = victim(place), trained("gcn", place, epochs=20)
    attack = Adaptive(
        one, 600, rng=np.random.default_rng(0), model=model, block=700, steps=8, samples=1
    )
    for _ in range(attack.total):
        attack.step()
    assert len(attack.flips) == 600
    assert Adaptive(one, 10**6, rng=np.random.default_rng(0), model=model).block == 120 * 119 // 2


def loss_of(attack: Adaptive, flips: np.ndarray) -> float:
    return attack.judge(flipped(attack.victim.adjacency, flips))[0]


def test_it_begins_with_what_another_attack_found_and_ends_no_weaker():
    place = ground(nodes=120)
    one, model = victim(place), trained("gcn", place, epochs=40)

    def made(**more) -> Adaptive:
        return Adaptive(
            one, 25, rng=np.random.default_rng(1), model=model, samples=2, restarts=1, **more
        )

    strong = made(steps=60)
    for _ in range(strong.total):
        strong.step()
    rng = np.random.default_rng(0)
    weak = np.column_stack((rng.permutation(60)[:25], 60 + rng.permutation(60)[:25]))
    late = made(steps=1, starts=[weak, strong.flips])
    late.step()
    assert late.best[0] == pytest.approx(loss_of(late, strong.flips), rel=1e-6)
    np.testing.assert_array_equal(np.sort(late.flips, 0), np.sort(strong.flips, 0))
    for _ in range(1, late.total):
        late.step()
    assert late.best[0] >= loss_of(late, strong.flips) - 1e-6
    assert loss_of(late, strong.flips) > loss_of(late, weak)


def test_the_best_of_all_restarts_is_taken():
    place = ground(nodes=120)
    one, model = victim(place), trained("gcn", place, epochs=20)
    attack = Adaptive(
        one,
        20,
        rng=np.random.default_rng(0),
        model=model,
        block=500,
        steps=8,
        samples=2,
        restarts=4,
    )
    blocks, ends = [], []
    for _ in range(4):
        attack.step()
        blocks.append(frozenset(pair_keys(attack.u, attack.v, 120)))
        for _ in range(9):
            attack.step()
        ends.append(attack.best[0])
    assert attack.done == attack.total
    assert len(set(blocks)) == 4
    assert ends == sorted(ends)
    assert ends[-1] > ends[0]


@pytest.mark.parametrize("stop", [7, 16, 21])  # in the first run, as the second begins, in it
def test_a_restored_attack_goes_on_to_the_same_flips(stop):
    place = ground(nodes=60)
    model, one = trained("gcn", place, epochs=20), victim(place)
    other = np.array([[0, 30], [1, 31]])

    def made() -> Adaptive:
        rng = np.random.default_rng(0)
        return Adaptive(
            one, 8, rng=rng, model=model, block=300, steps=12, samples=3, restarts=2, starts=[other]
        )

    straight, broken = made(), made()
    for _ in range(straight.total):
        straight.step()
    for _ in range(stop):
        broken.step()
    resumed = made()
    resumed.restore(broken.state())
    for _ in range(stop, resumed.total):
        resumed.step()
    np.testing.assert_array_equal(resumed.flips, straight.flips)
    assert resumed.best[0] == straight.best[0]
