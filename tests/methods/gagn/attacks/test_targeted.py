"""Nettack against brute force, and FGA against differences."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

from engine.methods.gagn.attacks.fga import Fga
from engine.methods.gagn.attacks.nettack import Nettack, Scene, margin
from engine.methods.gagn.attacks.powerlaw import CUTOFF, PowerLaw
from engine.methods.gagn.attacks.surrogate import Spread
from engine.methods.gagn.attacks.victim import Flips, flipped
from tests.methods.gagn.attacks.victims import normalised, victim


def brute(graph: sp.csr_array, meaning: np.ndarray, u: int, a: int, b: int) -> np.ndarray:
    spread = normalised(flipped(graph, np.array([[a, b]])).toarray().astype(np.float64))
    return (spread @ spread @ meaning)[u]


@pytest.mark.parametrize("seed", [0, 1])
def test_scores_of_every_pair_equal_a_recomputed_surrogate(seed):
    one = victim(nodes=16, seed=seed, dtype=np.float64)
    meaning = np.random.default_rng(seed).normal(size=(16, 3))
    scene = Scene(one.adjacency, meaning)
    a, b = np.triu_indices(16, 1)
    for u in range(16):
        expected = [brute(one.adjacency, meaning, u, *pair) for pair in zip(a, b, strict=True)]
        np.testing.assert_allclose(scene.after(u, a, b), expected, atol=1e-10)
        np.testing.assert_allclose(scene.after(u, b, a), expected, atol=1e-10)
    spread = normalised(one.adjacency.toarray().astype(np.float64))
    np.testing.assert_allclose(scene.logits(), spread @ spread @ meaning, atol=1e-10)


def test_the_margin_is_the_lead_over_the_best_other_class():
    assert margin(np.array([[3.0, 5, 1], [3, 2, 1]]), 0).tolist() == [-2, 1]


@pytest.mark.parametrize("direct", [True, False])
def test_each_flip_is_the_best_of_all_legal_candidates(direct):
    one = victim(nodes=30, dtype=np.float64, targets=[4, 11])
    attack = Nettack(one, 3, rng=np.random.default_rng(0), direct=direct, influencers=2, law=False)
    record = Flips(one.adjacency)
    for turn in range(attack.total):
        target = [4, 11][turn // 3]
        sources = [target] if direct else attack.influencers(target).tolist()
        pairs = {
            (min(s, v), max(s, v)) for s in sources for v in range(30)
            if s != v and (direct or v != target)
        }  # fmt: skip
        a, b = np.array(sorted(pairs)).T
        legal = record.legal(a, b)
        a, b = a[legal], b[legal]
        right = attack.classes[target]
        every = [
            brute(record.adjacency, attack.meaning, target, *p) for p in zip(a, b, strict=True)
        ]
        value = margin(np.array(every), right)
        attack.step()
        flip = attack.flips[-1]
        chosen = brute(record.adjacency, attack.meaning, target, *flip)[None]
        assert tuple(flip) in set(zip(a.tolist(), b.tolist(), strict=True))
        assert margin(chosen, right)[0] == pytest.approx(value.min(), abs=1e-6)
        record.take(*flip[:, None], 1)
    assert len(record) == 6


def test_it_works_against_true_classes_or_those_that_its_surrogate_sees():
    def classes(labels: np.ndarray, *, truth: bool) -> np.ndarray:
        other = dataclasses.replace(one, labels=labels)
        return Nettack(other, 1, rng=np.random.default_rng(0), truth=truth).classes

    one = victim(targets=[5])
    seen = classes(one.labels, truth=False)
    wrong, unknown = one.split.test[:2]
    labels = one.labels.copy()
    labels[wrong], labels[unknown] = (seen[wrong] + 1) % one.classes, -1
    told = classes(labels, truth=True)
    assert told[wrong] == labels[wrong]
    assert told[unknown] == seen[unknown]
    assert (classes(labels, truth=False) == seen).all()


def test_influencers_are_neighbours_and_the_target_itself_is_left_alone():
    one = victim(targets=[5])
    attack = Nettack(one, 4, rng=np.random.default_rng(0), direct=False, influencers=3)
    chosen = attack.influencers(5)
    near = one.adjacency.indices[one.adjacency.indptr[5] : one.adjacency.indptr[6]]
    assert set(chosen) <= set(near)
    for _ in range(attack.total):
        attack.step()
    assert len(attack.flips) == 4
    assert not (attack.flips == 5).any()
    assert np.isin(attack.flips, chosen).any(axis=1).all()


def test_every_flip_passes_the_power_law_test_which_would_refuse_others():
    def run(law: bool) -> list[float]:
        one = victim(nodes=200, targets=list(range(0, 40, 2)))
        attack = Nettack(one, 4, rng=np.random.default_rng(0), law=law)
        clean = np.diff(one.adjacency.indptr)
        found = []
        for _ in range(attack.total):
            attack.step()
            judge = PowerLaw(clean)
            judge.observe(np.diff(attack.record.adjacency.indptr))
            found.append(judge.now)
        return found

    assert max(run(law=True)) < CUTOFF < max(run(law=False))


def test_the_sign_of_the_reference_code_is_another_test():
    one = victim(nodes=200, targets=[0, 2, 4, 6])
    chosen = []
    for quirk in (False, True):
        attack = Nettack(one, 5, rng=np.random.default_rng(0), reference_quirk=quirk)
        for _ in range(attack.total):
            attack.step()
        chosen.append(attack.flips.tolist())
    assert chosen[0] != chosen[1]


def test_flips_lower_the_targets_margin_step_by_step():
    attack = Nettack(victim(targets=[7]), 4, rng=np.random.default_rng(0))
    margins = [attack.margin_of(7)] + [attack.step()["margin"] for _ in range(attack.total)]
    assert (np.diff(margins) < 0).all()


def test_without_a_budget_each_target_gets_its_degree_and_two():
    one = victim(targets=[3, 9])
    attack = Nettack(one, None, rng=np.random.default_rng(0), law=False)
    degree = np.diff(one.adjacency.indptr)[[3, 9]]
    assert attack.each.tolist() == (degree + 2).tolist()
    places = [attack.step()["target"] for _ in range(attack.total)]
    assert places == [0] * (degree[0] + 2) + [1] * (degree[1] + 2)


def test_fga_flips_the_pair_with_the_largest_derivative():
    one = victim(nodes=40, dtype=np.float64, targets=[6])
    attack = Fga(one, 3, rng=np.random.default_rng(0))
    for _ in range(attack.total):
        now = attack.record.adjacency.toarray().astype(np.float64)

        def loss(graph: np.ndarray) -> float:
            seen = attack.surrogate.forward(Spread(sp.csr_array(graph), np.float64), one.features)
            shares = np.exp(seen.logits[6] - seen.logits[6].max())
            return -np.log(shares[attack.labels[6]] / shares.sum())

        worth = np.full(40, -np.inf)
        for v in range(40):
            if v == 6 or not attack.record.legal(np.array([6]), np.array([v]))[0]:
                continue
            moved = [now.copy(), now.copy()]
            for graph, step in zip(moved, (1e-5, -1e-5), strict=True):
                graph[6, v] += step
                graph[v, 6] += step
            slope = (loss(moved[0]) - loss(moved[1])) / 2e-5
            worth[v] = slope * (1 - 2 * now[6, v])
        attack.step()
        u, v = attack.flips[-1]
        assert int(u + v - 6) == int(worth.argmax())
