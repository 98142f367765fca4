"""The three-level filter: what it suspects, what it cuts, and what it never does."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.metrics import roc_auc_score

from engine.methods.gagn.filter import score, without
from engine.methods.gagn.params import GagnParams
from engine.methods.gagn.verdicts import KEPT, REMOVED, SPARED, Rule, Scores, area, decide, levels
from tests.methods.gagn.graphs import adjacency, agents, planted, world


def scored(u, v, c, *, share=0.5, excess=1.0) -> Scores:
    size = len(u)
    return Scores(
        u=np.array(u),
        v=np.array(v),
        alpha_uv=np.full(size, 0.2),
        alpha_vu=np.full(size, 0.2),
        share=np.full(size, share),
        e_u=np.full(size, excess),
        e_v=np.full(size, excess),
        c_uv=np.array(c, dtype=float),
    )


def test_the_bridge_between_two_cliques_is_the_only_edge_cut():
    size = 8
    inside = [(a, b) for a in range(size) for b in range(a)]
    pairs = inside + [(a + size, b + size) for a, b in inside] + [(0, size)]
    u, v = np.array(pairs).T
    graph = adjacency(2 * size, u, v)
    words = np.zeros((2 * size, 40), np.float32)
    rng = np.random.default_rng(0)
    words[:size, :20] = rng.random((size, 20)) < 0.5  # the cliques share no word
    words[size:, 20:] = rng.random((size, 20)) < 0.5
    words[:size, 0] = words[size:, 20] = 1
    labels = np.repeat([0, 1], size)
    place = world(sp.csr_array(words), labels, np.array([1, 2, size + 1, size + 2]))
    made, generator = agents(graph, place, GagnParams())
    for number in range(60):
        made.round(number, generator)
    scores = score(made, torch.Generator().manual_seed(0))
    bridge = (scores.u == 0) & (scores.v == size)
    assert scores.c_uv[bridge] < scores.c_uv[~bridge].min()
    verdict = decide(scores, Rule("confidence", 0.5), 2 * size)
    assert (verdict == REMOVED).tolist() == bridge.tolist()
    assert without(graph, scores, verdict).nnz == graph.nnz - 2


def test_each_mode_asks_for_its_levels():
    scores = scored([0, 0, 1], [1, 2, 2], [0.1, 0.1, 0.9])
    trusting = scored([0, 0, 1], [1, 2, 2], [0.1, 0.1, 0.9], share=2.0, excess=-1.0)
    loose = {"tau": 0.5, "allow_isolated": True}
    for mode in ("confidence", "multi", "strict"):
        assert decide(scores, Rule(mode, **loose), 3).tolist() == [REMOVED, REMOVED, KEPT]
    assert decide(trusting, Rule("confidence", **loose), 3).tolist() == [REMOVED, REMOVED, KEPT]
    for mode in ("multi", "strict"):
        assert decide(trusting, Rule(mode, **loose), 3).tolist() == [KEPT] * 3
    assert levels(scores, Rule("multi", 0.5)).tolist() == [7, 7, 3]


def test_the_last_edge_of_a_node_is_spared_unless_allowed():
    scores = scored([0, 0, 0], [1, 2, 3], [0.3, 0.1, 0.2])
    assert decide(scores, Rule("multi", 0.5), 4).tolist() == [SPARED] * 3  # leaves have one each
    assert decide(scores, Rule("multi", 0.5, allow_isolated=True), 4).tolist() == [REMOVED] * 3


@pytest.mark.parametrize("seed", range(5))
def test_no_cut_isolates_a_node(seed):
    rng = np.random.default_rng(seed)
    graph, _, _ = planted(seed=seed)
    upper = sp.triu(graph, k=1).tocoo()
    scores = scored(upper.row, upper.col, rng.random(upper.nnz))
    verdict = decide(scores, Rule("confidence", rng.random()), 120)
    assert (np.diff(without(graph, scores, verdict).indptr) > 0).all()


def test_area_agrees_with_scikit_learn_also_with_ties():
    rng = np.random.default_rng(0)
    truth = rng.random(300) < 0.3
    values = np.round(rng.random(300) + 0.3 * truth, 1)
    assert area(values, truth) == pytest.approx(roc_auc_score(truth, values), abs=1e-12)
    assert area(values, np.zeros(300, bool)) is None
