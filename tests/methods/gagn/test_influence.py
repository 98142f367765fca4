"""How far a lie reaches: exact where nothing can arrive, and the same chance on both sides."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.core.ask import Session
from engine.core.errors import UserError
from engine.methods.gagn.agents import Agents
from engine.methods.gagn.influence import (
    _lengths,
    among_agents,
    by_hop,
    distances,
    in_model,
)
from engine.methods.gagn.neighbourhood import Neighbourhood
from engine.methods.gagn.params import GagnParams
from tests.methods.gagn.defences.grounds import ground, stream
from tests.methods.gagn.graphs import adjacency, planted, world


def path(nodes: int = 14, *, dual: bool | None = None, **params) -> tuple[Agents, np.ndarray]:
    """Agents in a row, each second one with a label."""
    row = np.arange(nodes - 1)
    _, features, labels = planted(nodes=nodes)
    edges = adjacency(nodes, row, row + 1)
    place = world(features, labels, np.arange(0, nodes, 2), dual=dual)
    agents = Agents(place, Neighbourhood(edges), GagnParams(**params))
    agents.begin(torch.Generator().manual_seed(0))
    for number in range(6):
        agents.round(number, torch.Generator().manual_seed(number))
    return agents, labels


def test_a_lie_moves_one_step_a_round_and_not_a_bit_further():
    agents, labels = path(witnesses=0)
    claim = (int(labels[0]) + 1) % 3
    weights, answers = among_agents(agents, 0, claim, rounds=3, seed=0)
    # The first lesson reaches the neighbours, each fusion after it one step more.
    reached = np.arange(14) <= 3
    assert (weights[reached] > 0).all()
    assert (weights[~reached] == 0).all()
    assert (answers[~reached] == 0).all()
    assert weights[1] > weights[3]


def test_a_lie_that_is_none_changes_nothing_and_agents_stay_as_they_are():
    agents, labels = path()
    before = agents.embedding.clone()
    weights, answers = among_agents(agents, 4, int(labels[4]), rounds=4, seed=1)
    assert not weights.any()
    assert not answers.any()
    assert among_agents(agents, 4, (int(labels[4]) + 1) % 3, rounds=4, seed=1)[0].any()
    assert torch.equal(agents.embedding, before)


@pytest.mark.parametrize("dual", [True, False])
def test_lengths_are_those_of_the_weights(dual):
    agents, _ = path(dual=dual)
    place = agents.world
    if dual:
        taught = place.features[np.arange(0, 14, 2)].toarray()  # (n, F)
        weights = np.einsum("nf,inc->ifc", taught, agents.embedding.numpy())
    else:
        weights = agents.embedding.numpy()
    expected = np.sqrt((weights**2).sum((1, 2)))
    assert expected.max() > 0
    np.testing.assert_allclose(_lengths(place, agents.embedding), expected, rtol=2e-4)


def test_a_gcn_is_carried_on_by_the_same_chance():
    from engine.methods.gagn.defences import Unit, begin

    place = ground(nodes=60)
    fit = begin(Unit("gcn"), place, generator=stream())
    for _ in range(20):
        fit.step()
    before = {name: value.clone() for name, value in fit.model.state_dict().items()}
    node = int(place.part["train"][0])
    label = int(place.labels[node])
    everywhere, answers = in_model(fit, node, (label + 1) % place.classes, epochs=5)
    assert everywhere > 0
    assert (answers > 0).all()  # shared parameters: nobody is out of reach
    assert in_model(fit, node, label, epochs=5) == (0, pytest.approx(np.zeros(60)))
    assert int(place.labels[node]) == label
    assert all(torch.equal(value, before[name]) for name, value in fit.model.state_dict().items())


def test_means_are_by_distance_and_what_has_no_path_is_left_out():
    edges = adjacency(6, np.array([0, 1, 2]), np.array([1, 2, 3]))
    hops = distances(edges, 1)
    np.testing.assert_array_equal(hops, [1, 0, 1, 2, -1, -1])
    assert by_hop(np.array([1.0, 7, 3, 5, 100, 100]), hops) == [7, 2, 5]


def test_a_finished_job_is_asked(attempt, inputs, tmp_path):
    attempt("job")
    split = json.loads(inputs["split"].read_text())
    session = Session(tmp_path / "job")
    node = split["idx_train"][0]
    answer = session.ask("influence", {"node": node, "rounds": 4})
    assert answer["claims"] != answer["was"]
    assert sum(answer["nodes"]) <= 120
    assert answer["nodes"][0] == 1
    ours, theirs = answer["agents"], answer["gcn"]
    sizes = [len(ours["parameters"]), len(ours["answers"]), len(theirs["answers"])]
    assert sizes == [len(answer["nodes"])] * 3
    assert ours["parameters"][0] > ours["parameters"][-1]
    assert answer == session.ask("influence", {"node": node, "rounds": 4})
    for bad, where in (
        ({"node": split["idx_test"][0]}, "node"),
        ({"node": node, "claims": answer["was"]}, "claims"),
        ({"node": node, "claims": 3}, "claims"),
    ):
        with pytest.raises(UserError) as fault:
            session.ask("influence", bad)
        assert fault.value.where == where
