from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from engine.core.errors import UserError
from engine.methods.gagn.attacks.metattack import (
    Metattack,
    along_training,
    scores,
    shared_aim,
    take_best,
    through_training,
)
from engine.methods.gagn.attacks.powerlaw import PowerLaw
from engine.methods.gagn.attacks.surrogate import Spread, drawn
from engine.methods.gagn.attacks.victim import Flips
from tests.methods.gagn.attacks.victims import (
    central_differences,
    off_diagonal,
    relative,
    tiny,
    victim,
    weighted,
)

INNER = 6
AIMS = [("cross_entropy", 0.0), ("cross_entropy", 0.5), ("cross_entropy", 1.0), ("margin", 0.0)]


def setting(kind: str, share: float):
    given = tiny()
    weights = drawn(15, 3, np.random.default_rng(1), np.dtype(np.float64))
    aim = shared_aim(given, np.random.default_rng(2).integers(0, 3, 12), share)
    return given, weights, getattr(aim, kind)


def copies(weights):
    return tuple(w.copy() for w in weights)  # Adam works in place


@pytest.mark.parametrize(("kind", "share"), AIMS)
def test_the_exact_meta_gradient_equals_central_differences_of_whole_trainings(kind, share):
    given, weights, measure = setting(kind, share)

    def found(graph: np.ndarray):
        spread = Spread(sp.csr_array(graph), np.float64)
        return through_training(spread, given, measure, weights, INNER)

    graph = weighted(given)
    got = off_diagonal(found(graph)[2].dense())
    expected = central_differences(lambda moved: found(moved)[0], graph)
    assert relative(got, off_diagonal(expected)) < 1e-4


def dense_along_training(given, weights, aim, share, graph) -> np.ndarray:
    """A-Meta as its inventors wrote it: autograd through N × N matrices, step by step."""
    a = torch.from_numpy(graph).requires_grad_()
    x, labels = torch.from_numpy(given.features.toarray()), torch.from_numpy(aim.labels)
    now = [torch.from_numpy(w.copy()).requires_grad_() for w in weights]
    optimizer = torch.optim.Adam(now, lr=0.01)
    train = torch.from_numpy(given.split.train)
    rest = torch.from_numpy(np.setdiff1d(np.arange(12), given.split.train))
    told = torch.from_numpy(given.labels)[train]
    total = torch.zeros_like(a)
    for _ in range(INNER):
        closed = a + torch.eye(12, dtype=a.dtype)
        scale = closed.sum(1).rsqrt()
        spread = scale[:, None] * closed * scale
        z = spread @ spread @ x @ now[0] @ now[1]
        entropy = torch.nn.functional.cross_entropy
        attack = share * entropy(z[train], labels[train])
        attack = attack + (1 - share) * entropy(z[rest], labels[rest])
        total += torch.autograd.grad(attack, a, retain_graph=True)[0]
        optimizer.zero_grad()
        learning = entropy(z[train], told)
        for weight, gradient in zip(now, torch.autograd.grad(learning, now), strict=True):
            weight.grad = gradient
        optimizer.step()
    return (total + total.T).numpy()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_low_rank_gradient_along_training_equals_dense_autograd(share):
    given, weights, _ = setting("cross_entropy", share)
    aim = shared_aim(given, np.random.default_rng(2).integers(0, 3, 12), share)
    graph = weighted(given)
    spread = Spread(sp.csr_array(graph), np.float64)
    _, _, factors = along_training(spread, given, aim.cross_entropy, copies(weights), INNER)
    expected = dense_along_training(given, weights, aim, share, graph)
    assert relative(off_diagonal(factors.dense()), off_diagonal(expected)) < 1e-5


@pytest.mark.parametrize("meta", [along_training, through_training])
def test_the_result_depends_on_how_long_the_surrogate_is_trained(meta):
    given, weights, measure = setting("cross_entropy", 0.0)
    spread = Spread(given.adjacency, np.float64)
    short, long = (
        meta(spread, given, measure, copies(weights), inner)[2].dense() for inner in (2, 10)
    )
    assert relative(long, short) > 0.1


@pytest.mark.parametrize("law", [False, True])
def test_the_best_legal_flips_are_the_first_of_a_full_sort(law):
    given = victim(nodes=60)
    rng = np.random.default_rng(0)
    worth = rng.normal(size=(60, 60))
    worth = worth + worth.T
    np.fill_diagonal(worth, -np.inf)
    test = PowerLaw(np.diff(given.adjacency.indptr)) if law else None
    record, reference = Flips(given.adjacency, law=test), Flips(given.adjacency)
    reference.law = PowerLaw(np.diff(given.adjacency.indptr)) if law else None
    u, v = np.triu_indices(60, 1)
    order = np.argsort(-worth[u, v], kind="stable")
    reference.take(u[order], v[order], 12)
    last = take_best(record, worth, 12)
    assert record.array.tolist() == reference.array.tolist()
    assert last == worth[tuple(record.array[-1])]


def test_no_flip_is_made_where_none_is_legal():
    record = Flips(victim(nodes=12).adjacency)
    assert np.isnan(take_best(record, np.full((12, 12), -np.inf), 3))
    assert len(record) == 0


def test_scores_turn_their_sign_on_edges_and_forbid_what_was_flipped():
    given, weights, measure = setting("cross_entropy", 0.0)
    record = Flips(given.adjacency)
    spread = Spread(given.adjacency, np.float64)
    factors = through_training(spread, given, measure, weights, INNER)[2]
    gradient = factors.dense()
    record.take(np.array([0]), np.array([7]), 1)
    worth = scores(factors, record)
    u, v = record.edges.T
    flipped_before = record.made(u, v)
    np.testing.assert_array_equal(worth[u, v][~flipped_before], -gradient[u, v][~flipped_before])
    assert worth[0, 7] == worth[7, 0] == -np.inf
    assert (np.diag(worth) == -np.inf).all()


@pytest.mark.parametrize("exact", [True, False])
def test_flips_hurt_what_is_trained_on_them_more_than_random_ones(exact):
    given = victim(nodes=200)
    losses = {}
    for name in ("chosen", "random"):
        attack = Metattack(
            given, 40, rng=np.random.default_rng(0), exact=exact, inner=30, per_step=4
        )
        if name == "chosen":
            for _ in range(attack.total):
                attack.step()
            assert len(attack.flips) == 40
        else:
            u, v = np.random.default_rng(1).integers(0, 200, (2, 400))
            attack.record.take(u, v, 40)
        spread = Spread(attack.record.adjacency, np.float32)
        losses[name] = np.mean([
            through_training(spread, given, attack.aim.cross_entropy,
                             drawn(100, 3, np.random.default_rng(k), np.dtype(np.float32)), 60)[0]
            for k in range(3)
        ])  # fmt: skip
    assert losses["chosen"] > losses["random"] + 0.02


def test_flips_depend_on_what_the_attack_aims_at():
    chosen = set()
    for share in (0.0, 1.0):
        attack = Metattack(victim(), 10, rng=np.random.default_rng(0), train_share=share, inner=20)
        for _ in range(attack.total):
            attack.step()
        chosen.add(attack.flips.tobytes())
    assert len(chosen) == 2


def test_true_labels_outside_the_training_nodes_are_never_read():
    given = victim()
    labels = np.full_like(given.labels, -1)
    labels[given.split.train] = given.labels[given.split.train]
    flips = []
    for one in (given, replace(given, labels=labels)):
        attack = Metattack(one, 6, rng=np.random.default_rng(0), inner=10)
        for _ in range(attack.total):
            attack.step()
        flips.append(attack.flips.tolist())
    assert flips[0] == flips[1]


def test_more_training_entries_than_fit_are_refused(monkeypatch):
    monkeypatch.setattr("engine.methods.gagn.attacks.metattack.TAUGHT", 100)
    with pytest.raises(UserError, match="100 entries"):
        Metattack(victim(), 3, rng=np.random.default_rng(0))
