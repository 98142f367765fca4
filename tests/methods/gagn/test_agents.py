"""Agents are agents: own parameters, one-hop hearing, and exactly what the equations say."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.sparse.csgraph import shortest_path
from torch.overrides import TorchFunctionMode

from engine.data.split.split import Split
from engine.methods.gagn.agents import Agents
from engine.methods.gagn.case import Case
from engine.methods.gagn.filter import score
from engine.methods.gagn.neighbourhood import COLUMNS, Neighbourhood, product
from engine.methods.gagn.oracles import attention_gap, ball, dual_gap, leaks
from engine.methods.gagn.params import GagnParams
from engine.methods.gagn.readout import readouts
from tests.methods.gagn.graphs import PlainAgents, adjacency, agents, planted, world

NAMES = ("embedding", "degree", "confidence")
# Attention moves at once, nothing rests, and weights stay near 1.
EAGER = GagnParams(warm=1, decay=0.01, lr_embedding=10)


@pytest.fixture
def small():
    graph, words, labels = planted(nodes=10, classes=3, width=30, degree=3)
    return graph, words, labels, np.array([0, 1, 2, 5])


def replay(batched: Agents, who: list[int], *, rounds: int, tolerance: float, generator) -> None:
    """Rounds, each also computed by the plain loop from the state before it; what differs is told
    as a share of what is above 1."""
    bounds = batched.graph.crow.tolist()
    for number in range(rounds):
        batched.forward(batched.world.opinions(batched.answers()), generator)
        batched.sample(generator)
        expected = PlainAgents(batched, who).round(number)
        batched.learn(number)
        for i in who:
            for name in NAMES:
                gap = (getattr(batched, name)[i] - expected[i][name]).abs().max().item()
                size = max(1, expected[i][name].abs().max().item())
                assert gap <= tolerance * size, f"round {number}, agent {i}, {name}: {gap}"
            mine = batched.attention[bounds[i] : bounds[i + 1]]
            assert (mine - expected[i]["attention"]).abs().max() <= tolerance


def test_the_batched_round_equals_a_plain_loop_over_ten_agents(small):
    graph, words, labels, train = small
    for dual in (True, False):
        batched, generator = agents(graph, world(words, labels, train, dual=dual), EAGER)
        replay(batched, list(range(10)), rounds=4, tolerance=1e-6, generator=generator)


@pytest.mark.parametrize("width", [1, COLUMNS, COLUMNS + 1, 3 * COLUMNS + 5])
def test_a_product_in_blocks_of_columns_is_that_of_the_whole(small, width):
    graph = Neighbourhood(small[0])
    draw = torch.Generator().manual_seed(0)
    weights = torch.rand(len(graph.col), generator=draw)
    values = torch.randn(graph.n, width, generator=draw)
    matrix = torch.zeros(graph.n, graph.n)
    matrix[graph.row, graph.col] = weights
    assert torch.allclose(product(graph, weights, values), matrix @ values, atol=1e-6)
    each = torch.cat([product(graph, weights, column) for column in values.split(1, dim=1)], 1)
    assert torch.equal(product(graph, weights, values), each)


@pytest.mark.parametrize("dual", [True, False])
def test_the_defaults_equal_the_plain_loop_too(small, dual):
    graph, words, labels, train = small
    place = world(words, labels, train, dual=dual, around=graph)
    batched, generator = agents(graph, place, GagnParams(warm=1))
    replay(batched, list(range(10)), rounds=4, tolerance=1e-6, generator=generator)


def test_fifty_agents_of_cora_equal_the_plain_loop_over_three_rounds(cora):
    graph, words, labels, split = cora
    batched, generator = agents(graph, world(words, labels, split["train"]), EAGER)
    who = np.random.default_rng(0).choice(len(labels), 50, replace=False).tolist()
    replay(batched, who, rounds=3, tolerance=1e-5, generator=generator)


def exchanged(graph: sp.csr_array, features: sp.csr_array, gauge: np.ndarray) -> np.ndarray:
    """States by definition, densely: a node's features beside its two-hop mixture, whose length
    is taken in the gauge."""
    x = features.toarray()
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    likeness = (graph.toarray() + np.eye(len(x))) * (x @ x.T)
    weights = likeness / likeness.sum(1, keepdims=True)
    mixed = weights @ weights @ x
    lengths = np.linalg.norm(mixed @ gauge, axis=1, keepdims=True)
    assert abs(lengths / np.linalg.norm(mixed, axis=1, keepdims=True) - 1).mean() < 0.06
    return np.concatenate((x, mixed / lengths), axis=1) / 2**0.5


@pytest.mark.parametrize("dual", [True, False])
def test_states_are_features_beside_what_two_exchanges_make_of_them(dual):
    graph, words, labels = planted(nodes=80, seed=3)
    train = np.arange(0, 80, 4)
    place = world(words, labels, train, dual=dual, around=graph)
    state = exchanged(graph, words, place.gauge)
    expected = state @ state[train].T if dual else state
    np.testing.assert_allclose(place.code.numpy(), expected, atol=1e-6)


def test_on_another_graph_states_change_and_what_was_taught_does_not():
    graph, words, labels = planted(nodes=80, seed=3)
    train = np.arange(0, 80, 4)
    place = world(words, labels, train, around=graph)
    cut = graph.tolil()
    cut[7, :] = cut[:, 7] = 0
    flipped = sp.lil_array(words)
    flipped[[7], :] = 1 - flipped[[7], :].toarray()
    taught = exchanged(graph, words, place.gauge)[train]
    for features in (words, sp.csr_array(flipped)):
        there = place.where(features)
        around = Neighbourhood(sp.csr_array(cut))
        found = there.among(around, there.cosine(around.row, around.col)).code.numpy()
        expected = exchanged(sp.csr_array(cut), sp.csr_array(features), place.gauge) @ taught.T
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("exchanges", [False, True])
def test_dual_storage_equals_plain_weights(exchanges):
    graph, words, labels = planted(nodes=80, seed=3)
    train = np.arange(0, 80, 4)
    around = graph if exchanges else None
    told = []
    for dual in (True, False):
        place = world(words, labels, train, dual=dual, around=around)
        made, generator = agents(graph, place, EAGER)
        for number in range(12):
            made.round(number, generator)
        told.append(made)
    dual, plain = told
    assert (dual.answers() - plain.answers()).abs().max() <= 1e-5
    features = dual.world.features.toarray()
    states = exchanged(graph, words, dual.world.gauge) if exchanges else features
    taught = torch.from_numpy(states[train]).float()
    weights = torch.einsum("tf,ntc->nfc", taught, dual.embedding)  # W = Z_trainᵀ Γ
    assert (weights - plain.embedding).abs().max() <= 1e-5


@pytest.mark.parametrize("exchanges", [0, 2])
def test_a_change_is_felt_only_within_its_hops(exchanges):
    """An exchange of features carries it a hop, as a round does."""
    graph, words, labels = planted(nodes=200, degree=2.1, seed=1)
    train = np.arange(0, 200, 3)
    hops = shortest_path(graph, unweighted=True)
    changed = int(train[hops[train].max(axis=1).argmax()])
    rounds, params = 4 - exchanges, GagnParams(witnesses=0, warm=1)
    other, renamed = sp.lil_array(words), labels.copy()
    other[[changed], :] = 1 - other[[changed], :].toarray()
    renamed[changed] = (labels[changed] + 1) % 3
    found = []
    for features, names in ((words, labels), (sp.csr_array(other), renamed)):
        place = world(features, names, train, around=graph if exchanges else None)
        made, generator = agents(graph, place, params)
        for number in range(rounds):
            made.round(number, generator)
        found.append(made)
    first, second = found
    far = torch.from_numpy(hops[changed] > exchanges + rounds + 1)
    assert 20 < far.sum() < 199
    for name in NAMES:
        assert torch.equal(getattr(first, name)[far], getattr(second, name)[far]), name
    assert torch.equal(first.answers()[far], second.answers()[far])
    entries = far[first.graph.row]
    assert torch.equal(first.attention[entries], second.attention[entries])
    near = torch.from_numpy(hops[changed] <= 1)
    assert not torch.equal(first.embedding[near], second.embedding[near])


def test_the_sample_of_a_job_reaches_far_enough_for_the_proof(cora):
    graph, words, labels, split = cora
    case = Case(graph, None, words, labels, Split(**split), np.arange(len(labels)), drawn=False)
    for seed in range(5):
        sample = ball(case, seed)
        assert shortest_path(sample[0], unweighted=True).max() < np.inf
        assert leaks(sample, GagnParams()) == 0
        assert dual_gap(sample, GagnParams(lr_embedding=1000)) <= 1e-5


@pytest.mark.parametrize("name", ["embedding", "degree"])  # φ rests without witnesses
def test_the_oracle_of_a_job_notices_parameters_averaged_over_the_network(monkeypatch, name):
    graph, words, labels = planted(nodes=150, degree=2.1, seed=1)
    sample = graph, words, labels, np.arange(0, 150, 3)
    assert leaks(sample, GagnParams()) == 0
    fuse = Agents.fuse

    def averaged(self):
        fuse(self)
        setattr(self, name, getattr(self, name) + 1e-3 * getattr(self, name).mean(0))

    monkeypatch.setattr(Agents, "fuse", averaged)
    assert leaks(sample, GagnParams()) > 0


def test_agents_have_parameters_of_their_own():
    graph, words, labels = planted()
    made, generator = agents(graph, world(words, labels, np.arange(0, 120, 4)), EAGER)
    for number in range(6):
        made.round(number, generator)
    for name in NAMES:
        assert getattr(made, name).flatten(1).var(0).sum() > 0, name


@pytest.mark.parametrize("dual", [True, False])
@pytest.mark.parametrize("off", [{}, {"degree": False}, {"confidence": False}, {"fusion": 0.0}])
def test_a_state_that_is_held_does_not_change(small, dual, off):
    graph, words, labels, train = small
    batched, generator = agents(
        graph, world(words, labels, train, dual=dual), GagnParams(warm=0, **off)
    )
    batched.round(0, generator)
    held = batched.state()
    copies = {name: value.clone() for name, value in held.items()}
    for number in range(1, 7):
        batched.round(number, generator)
    assert not torch.equal(batched.embedding, held["embedding"])
    assert all(torch.equal(held[name], copies[name]) for name in held)


def test_attention_follows_the_gradient_of_its_gain():
    graph, words, labels = planted()
    made, generator = agents(graph, world(words, labels, np.arange(0, 120, 4)), EAGER)
    for number in range(6):
        made.round(number, generator)
    assert attention_gap(made) <= 1e-6


def test_attention_and_fusion_weights_sum_to_one():
    graph, words, labels = planted()
    made, generator = agents(graph, world(words, labels, np.arange(0, 120, 4)), EAGER)
    for number in range(6):
        made.round(number, generator)
    assert (made.graph.total(made.alpha()) - 1).abs().max() <= 1e-6


def test_fusion_of_equal_agents_changes_nothing():
    graph, words, labels = planted()
    made, _ = agents(graph, world(words, labels, np.arange(0, 120, 4)), GagnParams(fusion=1))
    made.embedding = torch.rand(made.embedding[:1].shape).repeat(120, 1, 1)
    before = {name: getattr(made, name).clone() for name in NAMES}
    made.fuse()
    for name in NAMES:
        assert torch.allclose(before[name], getattr(made, name), atol=1e-6), name


def test_full_fusion_on_a_regular_graph_reaches_the_mean():
    n = 12
    ring = np.arange(n)
    graph = adjacency(n, np.r_[ring, ring], np.r_[(ring + 1) % n, (ring + 2) % n])
    _, words, labels = planted(nodes=n)
    made, generator = agents(graph, world(words, labels, np.arange(6)), GagnParams(fusion=1))
    made.embedding = torch.randn(made.embedding.shape, generator=generator)
    mean = made.embedding.mean(0)
    for _ in range(120):
        made.fuse()
    assert (made.embedding - mean).abs().max() <= 1e-5


def test_renumbering_the_nodes_renumbers_the_agents():
    graph, words, labels = planted(nodes=60, degree=4)
    train = np.arange(0, 60, 3)
    order = np.random.default_rng(4).permutation(60)
    place = np.argsort(order)  # old number → new number
    params = GagnParams(witnesses=0, warm=1, rounds=8)  # nothing is drawn: degrees are small
    first, generator = agents(graph, world(words, labels, train), params)
    moved = sp.csr_array(graph[order][:, order])
    moved.sort_indices()
    second, other = agents(moved, world(words[order], labels[order], place[train]), params)
    for number in range(8):
        first.round(number, generator)
        second.round(number, other)
    assert (first.answers()[order] - second.answers()).abs().max() <= 1e-5


def test_degree_inference_recovers_a_constant_degree():
    n = 40
    ring = np.arange(n)
    graph = adjacency(n, np.r_[ring, ring], np.r_[(ring + 1) % n, (ring + 2) % n])
    _, words, labels = planted(nodes=n)
    params = GagnParams(witnesses=0, decay=0.01)  # degrees, and what goes into them
    made, generator = agents(graph, world(words, labels, np.arange(0, n, 4)), params)
    for number in range(200):
        made.round(number, generator)
    total, _ = made.inferred_degree(made.answers())
    assert (total / 4 - np.log(5)).abs().max() <= 0.1


def test_degree_inference_tells_the_hub_of_a_star_from_its_leaves():
    n = 30
    graph = adjacency(n, np.zeros(n - 1, int), np.arange(1, n))
    words = sp.csr_array(np.eye(n, 40, dtype=np.float32))
    labels = np.arange(n) % 2
    made, generator = agents(graph, world(words, labels, np.arange(6)), GagnParams())
    for number in range(150):
        made.round(number, generator)
    total, _ = made.inferred_degree(made.answers())
    told = total / made.graph.degree
    assert abs(float(told[0]) - np.log(n)) <= 0.35
    assert (told[1:] - np.log(2)).abs().max() <= 0.35


def test_witnesses_are_strangers_that_walked_here():
    graph, words, labels = planted()
    made, generator = agents(graph, world(words, labels, np.arange(0, 120, 4)), GagnParams())
    hops = torch.from_numpy(shortest_path(graph, unweighted=True))
    for number in range(12):
        made.round(number, generator)
        me = torch.arange(120)[:, None].expand_as(made.who)
        assert (hops[me, made.who] <= made.age).all()  # nothing jumps
    made.sample(generator)
    far = made.stranger_filled
    assert far.any()
    assert (hops[me[far], made.strangers[far]] >= 2).all()


def test_half_of_the_witnesses_come_to_be_of_known_label():
    graph, words, labels = planted()
    made, generator = agents(graph, world(words, labels, np.arange(0, 120, 10)), GagnParams())
    half, before = made.who.shape[1] // 2, 0.0
    for number in range(60):
        made.round(number, generator)
        share = made.world.known[made.who[:, :half]].double().mean().item()
        assert share >= before - 0.02  # one that is known only gives way to another
        before = share
    assert before >= 0.95
    others = made.world.known[made.who[:, half:]].double().mean().item()
    assert others <= 0.3  # a tenth of the nodes has a label


def test_a_witness_weighs_as_it_set_out_whatever_was_cut_since():
    graph, words, labels = planted(nodes=120, seed=2)
    params = GagnParams(hearsay=1.0)
    made, generator = agents(graph, world(words, labels, np.arange(0, 120, 4)), params)
    for number in range(6):
        made.round(number, generator)
    made.taught, made.taught_filled = made.taught[:, :0], made.taught_filled[:, :0]
    nodes, weight = made.lessons()
    assert (nodes[weight > 0] == 8).any()  # it is heard of
    cut = graph.tolil()
    cut[8, :] = cut[:, 8] = 0
    made.graph = Neighbourhood(sp.csr_array(cut))
    assert torch.equal(made.lessons()[1], weight)


def test_agents_that_heard_of_no_label_learn_nothing_and_go_on(small):
    graph, words, labels, train = small
    made, _ = agents(graph, world(words, labels, train), GagnParams(hearsay=1.0))
    losses = made.learn(0)  # witness lists are still empty
    assert losses.embedding.isnan().all()
    assert not made.embedding.any()


class Sizes(TorchFunctionMode):
    """Notes the size of the largest tensor that any operation makes."""

    largest = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for made in out if isinstance(out, tuple) else (out,):
            if isinstance(made, torch.Tensor) and made.layout == torch.strided:
                self.largest = max(self.largest, made.numel())
        return out


def largest_and_peak(n: int) -> tuple[int, int]:
    """Numbers of the largest tensor, and bytes of numpy, of a round of n agents."""
    rng, ring, width = np.random.default_rng(0), np.arange(n), 300
    others = ring[3:-2]  # of a hub, by which all are within two hops of one another
    graph = adjacency(
        n, np.r_[ring, ring, 0 * others], np.r_[(ring + 1) % n, (ring + 2) % n, others]
    )
    place = np.arange(0, 10 * n + 1, 10)
    words = sp.csr_array(
        (np.ones(10 * n, np.float32), rng.integers(0, width, 10 * n), place), shape=(n, width)
    )
    words.sum_duplicates()
    tracemalloc.start()
    with Sizes() as sizes:
        made, generator = agents(
            graph,
            world(words, ring % 4, np.arange(0, n, 2), around=graph),
            GagnParams(witnesses=4, warm=0),
        )
        made.round(0, generator)
        score(made, generator)
        readouts(made)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return sizes.largest, peak


def test_memory_grows_with_the_agents_and_not_with_their_square():
    # more labels than features and projection: plain weights, whose width does not grow
    small, big = largest_and_peak(1500), largest_and_peak(3000)
    assert big[0] <= 2.1 * small[0]
    assert big[1] <= 2.1 * small[1]


def test_the_largest_chance_stays_within_the_list(monkeypatch):
    """Just below 1, which single precision would round up to a slot that is not there."""
    graph, words, labels = planted()
    made, generator = agents(graph, world(words, labels, np.arange(0, 120, 4)), GagnParams())
    most = torch.tensor(1.0).nextafter(torch.tensor(0.0))
    monkeypatch.setattr(torch, "rand", lambda *shape, generator: most.expand(*shape))
    made.forward(made.world.opinions(made.answers()), generator)
    assert (made.who < 120).all()
