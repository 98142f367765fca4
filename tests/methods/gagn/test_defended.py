"""Trained agents as an attacker meets them: the gradient through them, and what it is worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core import checkpoint
from engine.data.split.split import Split
from engine.methods.gagn.agents import Agents
from engine.methods.gagn.attacks.adaptive import Adaptive, both_ways
from engine.methods.gagn.attacks.victim import Victim, edge_pairs, flipped, pair_keys
from engine.methods.gagn.defended import Defended
from engine.methods.gagn.filter import score, without
from engine.methods.gagn.neighbourhood import Neighbourhood
from engine.methods.gagn.params import GagnParams
from engine.methods.gagn.verdicts import Rule, decide
from tests.methods.gagn.attacks.test_adaptive import relaxed_keys, slopes
from tests.methods.gagn.graphs import agents, planted, world

RULE = Rule("confidence", 0.4)
READOUTS = ["self", "neighbour", "vote.attention.2", "vote.uniform.8", "vote.confidence.8"]


def defended(
    *, nodes: int = 30, rounds: int = 15, rule: Rule | None = None, readout: str = "vote.uniform.8"
) -> tuple[Defended, Victim]:
    adjacency, words, labels = planted(nodes=nodes)
    parts = np.array_split(np.random.default_rng(9).permutation(nodes), 3)
    split = Split(*map(np.sort, parts))
    params = GagnParams()
    place = world(words, labels, split.train, around=adjacency)
    trained, generator = agents(adjacency, place, params)
    for number in range(rounds):
        trained.round(number, generator)
    if rule:
        scores = score(trained, generator)
        left = without(adjacency, scores, decide(scores, rule, nodes))
        assert left.nnz < adjacency.nnz
        trained = trained.move_to(Neighbourhood(left), generator)
    made = Defended(
        trained, adjacency, readout=readout, rule=rule, strictest=max(params.thresholds)
    )
    return made, Victim(adjacency, words, labels, split, 3)


def doubled(made: Defended) -> Defended:
    for name in Agents.STATE:
        value = getattr(made.agents, name)
        if value.is_floating_point():
            setattr(made.agents, name, value.double())
    place = made.agents.world
    place.code, place.sketch, place.target, *place.parts = (
        part.double() for part in (place.code, place.sketch, place.target, *place.parts)
    )
    made.opinions = made.opinions.double()
    return made


@pytest.mark.parametrize("rule", [None, RULE])
@pytest.mark.parametrize("readout", READOUTS)
def test_the_gradient_is_that_of_central_differences(readout, rule):
    made, victim = defended(rule=rule, readout=readout)
    keys, weights = relaxed_keys(victim.adjacency)
    found, expected = slopes(doubled(made), keys, weights, victim.nodes)
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(expected).max(), rtol=1e-4)
    assert np.abs(expected).max() > 0


def test_a_graph_that_is_wholly_there_gets_the_same_answers():
    made, victim = defended()
    made.heat = 1.0
    flips = np.array([[0, 7], [3, 20]])
    for adjacency in (victim.adjacency, flipped(victim.adjacency, flips)):
        found = made.relaxed(adjacency, torch.ones(adjacency.nnz))
        assert torch.allclose(found, made.logits(adjacency), atol=1e-4)


@pytest.mark.parametrize("readout", ["self", "neighbour"])
def test_an_attacker_sees_no_opinion_that_is_too_sure_to_change(readout):
    made, victim = defended(nodes=120, rounds=60, readout=readout)
    seen = made.relaxed(victim.adjacency, torch.ones(victim.adjacency.nnz))
    told = made.logits(victim.adjacency)
    leads = [torch.sub(*shares.topk(2, dim=1).values.T).median() for shares in (seen, told)]
    assert leads[0] <= 2.5 < 5 < leads[1]
    assert (seen.argmax(1) == told.argmax(1)).all()


def test_what_the_filter_cut_stays_cut_and_a_new_edge_passes_by_its_confidence():
    made, victim = defended(nodes=60, rule=RULE)
    keys, _ = relaxed_keys(victim.adjacency)
    pattern, _ = both_ways(keys, 60)
    moved = made.agents.among(Neighbourhood(pattern))
    graph, passing = moved.graph, made._passing(moved)
    given = victim.adjacency.toarray() > 0
    left = made.left.toarray() > 0
    row, col = graph.row.numpy(), graph.col.numpy()
    old, own = given[row, col], graph.own.numpy()
    np.testing.assert_array_equal(passing[old].numpy(), left[row, col][old])
    new = ~old & ~own
    sure = made._sure(graph.row[new], graph.col[new], moved.edge_cosine[new])
    assert ((passing[new] > 0.5) == (sure > RULE.tau)).all()
    assert (passing[torch.from_numpy(own)] == 1).all()
    hears = made.hears(row[new], col[new])
    assert (hears == (sure >= RULE.tau + 0.05).numpy()).all()
    assert set(hears.tolist()) == {False, True}


@pytest.mark.parametrize("rule", [None, RULE])
def test_it_is_the_same_from_what_a_checkpoint_keeps(rule, tmp_path: Path):
    made, victim = defended(rule=rule)
    checkpoint.save(tmp_path / "1.safetensors", made.state())
    state = checkpoint.load(tmp_path / "1.safetensors")
    again = Defended.stored(state, made.agents.world, victim.adjacency, made.agents.params)
    weight = torch.full((victim.adjacency.nnz,), 0.7)
    assert torch.equal(
        again.relaxed(victim.adjacency, weight), made.relaxed(victim.adjacency, weight)
    )
    assert torch.equal(again.logits(victim.adjacency), made.logits(victim.adjacency))


@pytest.mark.parametrize("aware", [False, True])
def test_an_attack_through_the_agents_hurts_more_than_random_flips(aware):
    made, victim = defended(nodes=120, rounds=30, rule=RULE)
    attack = Adaptive(
        victim, 30, rng=np.random.default_rng(0), model=made, aware=aware, steps=40, samples=5
    )
    for _ in range(attack.total):
        attack.step()
    assert 0 < len(attack.flips) <= 30
    u, v = attack.flips.T
    new = ~attack.record.joined(u, v)
    assert new.any()
    assert not aware or made.hears(u[new], v[new]).all()

    def fate(flips: np.ndarray) -> tuple[float, float]:
        """(loss, accuracy) of what the agents really answer."""
        return attack.judge(flipped(victim.adjacency, flips))

    rng = np.random.default_rng(1)
    edges = pair_keys(*edge_pairs(victim.adjacency).T, 120)
    chance = []
    for _ in range(5):
        u, v = rng.integers(0, 120, (2, 300))
        keys = np.setdiff1d(pair_keys(u, v, 120)[u != v], edges)
        keys = rng.permutation(keys)[: len(attack.flips)]
        chance.append(fate(np.column_stack(np.divmod(keys, 120))))
    loss, accuracy = fate(attack.flips)
    assert loss > max(each for each, _ in chance)
    assert accuracy < min(each for _, each in chance)
