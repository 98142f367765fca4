from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.gagn.attacks import TITLES, attack
from engine.methods.gagn.attacks.powerlaw import CUTOFF, PowerLaw
from engine.methods.gagn.attacks.report import imperceptibility
from engine.methods.gagn.attacks.victim import Flips, budget, edge_pairs, flipped
from engine.methods.gagn.params import GagnParams
from tests.methods.gagn.attacks.victims import victim
from tests.methods.gagn.graphs import adjacency


def path(nodes: int = 4):
    return adjacency(nodes, np.arange(nodes - 1), np.arange(1, nodes))


@pytest.mark.parametrize(
    ("rate", "edges", "flips"),
    [(0.05, 5069, 253), (0.25, 5069, 1267), (0.29, 100, 29), (0.0, 50, 0), (0.1, 9, 0)],
)
def test_a_budget_counts_undirected_flips_and_rounds_down(rate, edges, flips):
    assert budget(rate, edges) == flips


def test_a_flip_turns_an_edge_into_none_and_none_into_an_edge():
    after = flipped(path(), np.array([[0, 1], [0, 3]]))
    assert edge_pairs(after).tolist() == [[0, 3], [1, 2], [2, 3]]
    assert (after != after.T).nnz == 0
    half = flipped(path(), np.array([[0, 1], [0, 3]]), np.array([0.25, 0.5]))
    assert half.toarray()[0].tolist() == [0, 0.75, 0, 0.5]


def test_flips_that_break_a_rule_are_not_made():
    record = Flips(path())
    u, v = np.array([2, 0, 0, 1, 1]), np.array([2, 1, 2, 0, 2])
    assert record.legal(u, v).tolist() == [False, False, True, False, True]
    # 0–2 comes first, so 0–1 leaves nobody alone any more; then it can't flip back.
    assert record.take(np.array([0, 1, 2, 0]), np.array([2, 0, 0, 1]), 9) == 2
    assert record.array.tolist() == [[0, 2], [0, 1]]
    assert record.degrees.tolist() == np.diff(record.adjacency.indptr).tolist() == [1, 1, 3, 1]
    assert not record.legal(np.array([1]), np.array([2]))[0]


def test_a_record_is_restored_or_refused_as_a_whole():
    record = Flips(path())
    record.take(np.array([0, 0]), np.array([2, 1]), 2)
    again = Flips(path())
    again.restore(record.array)
    assert again.array.tolist() == record.array.tolist()
    assert (again.adjacency != record.adjacency).nnz == 0
    with pytest.raises(ValueError, match="0–1"):
        again.restore(np.array([[0, 1]]))


def likelihood(degrees: np.ndarray, quirk: bool = False) -> float:
    """ln of Π (α−1)-free power law as in gagn.md 1.9, one degree at a time."""
    fitted = [d for d in degrees if d >= 2]
    alpha = 1 + len(fitted) / sum(np.log(d) - np.log(1.5) for d in fitted)
    sign = 1 if quirk else -1
    return sum(np.log(alpha) + alpha * np.log(2) + sign * (alpha + 1) * np.log(d) for d in fitted)


@pytest.mark.parametrize("quirk", [False, True])
def test_the_power_law_test_equals_its_formula_for_every_flip(quirk):
    given = victim(nodes=40)
    clean = np.diff(given.adjacency.indptr)
    law = PowerLaw(clean, reference_quirk=quirk)
    record = Flips(given.adjacency, law=law)
    record.take(np.array([0, 3, 5]), np.array([9, 20, 31]), 3)
    u, v = np.triu_indices(40, 1)
    got = record.legal(u, v)
    there = record.joined(u, v)
    expected = []
    for a, b, edge in zip(u, v, there, strict=True):
        new = record.degrees.copy()
        new[[a, b]] += -1 if edge else 1
        both = likelihood(np.r_[clean, new], quirk)
        statistic = -2 * both + 2 * (likelihood(clean, quirk) + likelihood(new, quirk))
        alone = edge and min(record.degrees[a], record.degrees[b]) < 2
        expected.append(statistic < CUTOFF and not alone and not record.made(a, b))
    assert got.tolist() == expected
    assert 0 < sum(expected) < len(u) or quirk


def test_a_graph_without_any_fitted_degree_passes_the_test():
    law = PowerLaw(np.array([1, 1, 0]))
    assert law.now == 0
    assert law.accepts(np.array([0]), np.array([0]), np.array([1])).all()


def test_the_report_counts_what_was_done():
    given = victim(nodes=60)
    edges = edge_pairs(given.adjacency)
    inside = edges[given.labels[edges[:, 0]] == given.labels[edges[:, 1]]][:2]
    apart = np.array([[0, 1], [0, 4], [3, 7]])  # labels are node modulo 3
    assert not Flips(given.adjacency).joined(*apart.T).any()
    told = imperceptibility(given, np.r_[inside, apart])
    before, after = len(edges), len(edges) + 1
    assert (told["flips"], told["added"], told["removed"]) == (5, 3, 2)
    assert told["heterophily_of_added"] == 1
    same = round(told["homophily_before"] * before)
    assert told["homophily_after"] == pytest.approx((same - 2) / after)
    nothing = imperceptibility(given, np.zeros((0, 2), np.int64))
    assert nothing["degree_statistic"] == pytest.approx(0, abs=1e-12) or (
        nothing["degree_statistic"] < CUTOFF
    )
    assert np.isnan(nothing["heterophily_of_added"])


def test_unknown_attacks_budgets_and_missing_targets_are_refused_by_name():
    rng = np.random.default_rng(0)
    for name, amount, where in (
        ("magic", 3, "attack"), ("random", None, "budget"), ("dice", -1, "budget"),
        ("nettack", 3, "targets"), ("fga", None, "targets"),
    ):  # fmt: skip
        with pytest.raises(UserError) as refused:
            attack(name, victim(), amount, rng=rng)
        assert refused.value.where == where


@pytest.mark.parametrize(("name", "nodes"), [("metattack", 8001), ("pgd", 4001)])
def test_dense_attacks_refuse_large_graphs_before_they_compute(name, nodes):
    graph = path(nodes)
    given = victim()
    large = type(given)(graph, given.features, given.labels, given.split, 3)
    with pytest.raises(UserError, match=str(nodes)) as refused:
        attack(name, large, 1, rng=np.random.default_rng(0))
    assert refused.value.where == "attack"


def test_every_attack_has_a_title():
    assert all(TITLES.values())
    (kinds,) = get_args(GagnParams.model_fields["attack"].annotation)
    assert set(TITLES) == set(get_args(kinds))
