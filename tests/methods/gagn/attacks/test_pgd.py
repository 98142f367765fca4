from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.methods.gagn.attacks.pgd import Pgd, projected
from engine.methods.gagn.attacks.prbcd import Prbcd
from engine.methods.gagn.attacks.surrogate import Spread, uniform_aim
from engine.methods.gagn.attacks.victim import edge_pairs, flipped, pair_keys
from tests.methods.gagn.attacks.victims import central_differences, relative, tiny, victim


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=40),
    st.floats(0, 30),
)
def test_a_projection_meets_the_optimality_conditions(values, budget):
    p = np.array(values)
    q = projected(p, budget)
    assert (q >= 0).all()
    assert (q <= 1).all()
    assert q.sum() <= budget + 1e-4
    if p.clip(0, 1).sum() <= budget:
        np.testing.assert_array_equal(q, p.clip(0, 1))
        return
    # Stationarity: one multiplier μ ≥ 0 with q = clip(p − μ, 0, 1); the bound on the sum is met.
    assert q.sum() == pytest.approx(budget, abs=1e-4)
    between = (q > 1e-9) & (q < 1 - 1e-9)
    below = p[q <= 1e-9].max(initial=-np.inf)
    above = (p[q >= 1 - 1e-9] - 1).min(initial=np.inf)
    multipliers = (p - q)[between]
    if len(multipliers):
        assert np.ptp(multipliers) < 1e-5
        assert multipliers[0] >= -1e-6
        assert below - 1e-5 <= multipliers[0] <= above + 1e-5
    else:
        assert below <= above + 1e-5


def test_a_projection_is_nearest_among_many_feasible_points():
    rng = np.random.default_rng(0)
    p = rng.normal(size=30) * 2
    q = projected(p, 4)
    for _ in range(500):
        other = projected(rng.random(30) * rng.random(), 4)
        assert np.sum((other - p) ** 2) >= np.sum((q - p) ** 2) - 1e-6


def test_the_step_follows_the_gradient_by_each_relaxed_flip():
    one = tiny()
    attack = Pgd(one, 3, rng=np.random.default_rng(0), steps=4, samples=1)
    attack.step()
    some = np.flatnonzero(attack.p)
    pairs = np.column_stack((attack.u, attack.v))
    graph = flipped(one.adjacency.astype(np.float64), pairs[some], attack.p[some]).toarray()

    def loss(moved: np.ndarray) -> float:
        import scipy.sparse as sp

        spread = Spread(sp.csr_array(moved), np.float64)
        seen = attack.surrogate.forward(spread, one.features)
        return attack.aim.cross_entropy(seen.logits)[0]

    expected = central_differences(loss, graph)[attack.u, attack.v] * attack.sign
    _, _, factors = attack.look(flipped(one.adjacency.astype(np.float64), pairs[some],
                                        attack.p[some]))  # fmt: skip
    got = attack.gradient(factors) * attack.sign
    assert relative(got, expected) < 1e-4


@pytest.mark.parametrize("loss", ["cross_entropy", "margin"])
@pytest.mark.parametrize("kind", [Pgd, Prbcd])
def test_it_hurts_its_surrogate_more_than_random_flips(kind, loss):
    one = victim(nodes=150)
    attack = kind(one, 30, rng=np.random.default_rng(0), loss=loss, steps=60, samples=5)
    told = [attack.step() for _ in range(attack.total)]
    assert len(attack.flips) <= 30
    chance = np.random.default_rng(1).integers(0, 150, (30, 2))
    chance = chance[chance[:, 0] != chance[:, 1]]
    assert told[-1]["flips"] == len(attack.flips)
    mine = attack.look(flipped(one.adjacency, attack.flips))[0]
    assert mine == pytest.approx(attack.best[0])
    assert mine > attack.look(flipped(one.adjacency, chance))[0]
    assert mine > told[0]["loss"]


def test_the_best_sample_is_kept():
    attack = Pgd(victim(), 10, rng=np.random.default_rng(0), steps=20, samples=8)
    told = [attack.step() for _ in range(attack.total)]
    assert attack.best[0] == max(row["loss"] for row in told[20:])


def test_a_block_holds_every_edge_weight_it_kept_and_each_pair_once():
    attack = Prbcd(victim(), 12, rng=np.random.default_rng(0), block=500, steps=20, samples=2)
    before = pair_keys(attack.u, attack.v, 120)
    for _ in range(5):
        attack.step()
    keys = pair_keys(attack.u, attack.v, 120)
    assert (np.diff(keys) > 0).all()
    assert len(keys) == len(before) == 500
    assert set(keys) != set(before)
    assert (attack.u < attack.v).all()
    there = pair_keys(*edge_pairs(attack.victim.adjacency).T, 120)
    np.testing.assert_array_equal(attack.sign, np.where(np.isin(keys, there), -1, 1))
    assert 0 < attack.p.sum() <= 12 + 1e-3


def test_a_block_of_all_pairs_has_the_gradient_of_the_dense_attack():
    one = tiny()
    dense = Pgd(one, 3, rng=np.random.default_rng(0), steps=2, samples=1)
    block = Prbcd(one, 3, rng=np.random.default_rng(0), block=10**6, steps=2, samples=1)
    np.testing.assert_array_equal(block.u, dense.u)
    np.testing.assert_array_equal(block.v, dense.v)
    factors = dense.look(one.adjacency)[2]
    np.testing.assert_allclose(block.gradient(factors), dense.gradient(factors), atol=1e-12)


def test_random_blocks_need_no_memory_in_the_square_of_the_nodes():
    nodes = 20_000
    import scipy.sparse as sp

    from engine.data.split.split import Split
    from engine.methods.gagn.attacks.victim import Victim
    from tests.methods.gagn.graphs import adjacency

    ring = np.arange(nodes)
    graph = adjacency(nodes, ring, (ring + 1) % nodes)
    words = sp.csr_array(sp.random_array((nodes, 30), density=0.1, dtype=np.float32, rng=0))
    part = np.arange(nodes // 3)
    split = Split(part, part + nodes // 3, part + 2 * (nodes // 3))
    one = Victim(graph, words, ring % 3, split, 3)
    tracemalloc.start()
    attack = Prbcd(one, 100, rng=np.random.default_rng(0), block=50_000, steps=3, samples=2)
    for _ in range(attack.total):
        attack.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(attack.flips) == 100
    assert peak < nodes**2 / 4  # bytes; one bit for each pair would be half of this


def test_what_is_aimed_at_changes_what_is_flipped():
    flips = set()
    for nodes in ("train", "rest", "all"):
        attack = Pgd(victim(), 10, rng=np.random.default_rng(0), nodes=nodes, steps=20, samples=1)
        for _ in range(attack.total):
            attack.step()
        flips.add(attack.flips.tobytes())
        aimed = attack.aim.weight > 0
        assert aimed.sum() == {"train": 40, "rest": 80, "all": 120}[nodes]
    assert len(flips) == 3


def test_an_aim_without_weight_on_a_node_ignores_it():
    aim = uniform_aim(np.array([0, 1]), np.array([1]))
    assert aim.cross_entropy(np.array([[-9.0, 9], [0, 50]]))[0] == pytest.approx(0, abs=1e-9)
