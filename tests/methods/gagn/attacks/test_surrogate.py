from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from engine.methods.gagn.attacks.surrogate import (
    Adam,
    Spread,
    Surrogate,
    believed,
    drawn,
    trained,
    uniform_aim,
)
from engine.methods.gagn.attacks.victim import Victim
from tests.methods.gagn.attacks.victims import (
    central_differences,
    normalised,
    off_diagonal,
    relative,
    tiny,
    victim,
    weighted,
)


def test_the_spread_is_the_normalised_adjacency():
    graph = weighted(tiny())
    spread = Spread(sp.csr_array(graph), np.float64)
    np.testing.assert_allclose(spread.matrix.toarray(), normalised(graph), atol=1e-14)


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("kind", ["cross_entropy", "margin"])
def test_the_gradient_by_the_graph_equals_central_differences(kind, linear):
    given, x = tiny(), tiny().features
    weights = drawn(x.shape[1], 3, np.random.default_rng(1), np.dtype(np.float64))
    surrogate = Surrogate(*weights, linear=linear)
    aim = uniform_aim(given.labels, np.array([0, 3, 4, 7, 11]))

    def loss(graph: np.ndarray) -> float:
        seen = surrogate.forward(Spread(sp.csr_array(graph), np.float64), x)
        return getattr(aim, kind)(seen.logits)[0]

    graph = weighted(given)
    spread = Spread(sp.csr_array(graph), np.float64)
    seen = surrogate.forward(spread, x)
    factors = surrogate.factors(spread, seen, getattr(aim, kind)(seen.logits)[1])
    expected = off_diagonal(central_differences(loss, graph))
    assert relative(off_diagonal(factors.dense()), expected) < 1e-4
    # Without the way through d̃ it would be another gradient: the check is not blind to it.
    scale = spread.scale[:, None] * spread.scale
    degrees_fixed = scale * (factors.left[:, :-1] @ factors.right[:, :-1].T / scale)
    assert relative(off_diagonal(degrees_fixed + degrees_fixed.T), expected) > 1e-2


def test_rows_and_pairs_of_a_gradient_equal_the_dense_one(monkeypatch):
    monkeypatch.setattr("engine.methods.gagn.attacks.surrogate.CHUNK", 10)
    given, x = tiny(), tiny().features
    surrogate = trained(given, linear=False, rng=np.random.default_rng(0), epochs=5)
    spread = Spread(given.adjacency, x.dtype)
    seen = surrogate.forward(spread, x)
    factors = surrogate.factors(spread, seen, uniform_aim(given.labels, np.arange(12))
                                .cross_entropy(seen.logits)[1])  # fmt: skip
    dense = factors.dense()
    np.testing.assert_allclose(factors.row(5), dense[5], atol=1e-12)
    u, v = np.triu_indices(12, 1)
    np.testing.assert_allclose(factors.at(u, v), dense[u, v], atol=1e-12)
    assert factors.at(u[:0], v[:0]).shape == (0,)


@pytest.mark.parametrize("kind", ["cross_entropy", "margin"])
def test_losses_over_several_models_add_up(kind):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(12, 4, 3))
    aim = uniform_aim(tiny().labels, np.array([1, 2, 8]))
    loss, slope = getattr(aim, kind)(logits)
    single = [getattr(aim, kind)(logits[:, t]) for t in range(4)]
    assert loss == pytest.approx(sum(value for value, _ in single))
    np.testing.assert_allclose(slope, np.stack([s for _, s in single], 1), atol=1e-15)


def test_a_margin_is_negative_where_the_label_wins():
    aim = uniform_aim(np.array([0, 1]), np.array([0]))
    assert aim.margin(np.array([[2.0, 0, 1], [9, 0, 0]]))[0] == pytest.approx(np.tanh(-1))
    assert aim.accuracy(np.array([[2.0, 0, 1], [9, 0, 0]])) == 1


def test_adam_equals_torchs():
    rng = np.random.default_rng(0)
    ours = rng.normal(size=(5, 4))
    theirs = torch.tensor(ours.copy(), requires_grad=True)
    adam = Adam((ours,), rate=0.01, decay=5e-4)
    reference = torch.optim.Adam([theirs], lr=0.01, weight_decay=5e-4)
    for _ in range(20):
        gradient = rng.normal(size=(5, 4))
        adam.step((gradient,))
        theirs.grad = torch.from_numpy(gradient)
        reference.step()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-12)


@pytest.mark.parametrize("linear", [True, False])
def test_training_follows_the_gradient_that_autograd_finds(linear):
    given = tiny()
    first, second = drawn(15, 3, np.random.default_rng(3), np.dtype(np.float64))
    weights = [torch.from_numpy(w.copy()).requires_grad_() for w in (first, second)]
    optimizer = torch.optim.Adam(weights, lr=0.01, weight_decay=5e-4)
    a = torch.from_numpy(normalised(given.adjacency.toarray().astype(np.float64)))
    x = torch.from_numpy(given.features.toarray())
    for _ in range(15):
        optimizer.zero_grad()
        hidden = a @ x @ weights[0]
        shares = a @ (hidden if linear else hidden.relu()) @ weights[1]
        train = given.split.train
        target = torch.from_numpy(given.labels[train])
        torch.nn.functional.cross_entropy(shares[train], target).backward()
        optimizer.step()
    got = trained(given, linear=linear, rng=np.random.default_rng(3), epochs=15)
    np.testing.assert_allclose(got.first, weights[0].detach().numpy(), atol=1e-8)
    np.testing.assert_allclose(got.second, weights[1].detach().numpy(), atol=1e-8)


def test_an_attacker_believes_training_labels_and_never_sees_others():
    given = victim()
    hidden = np.full_like(given.labels, -1)
    hidden[given.split.train] = given.labels[given.split.train]
    blind = Victim(given.adjacency, given.features, hidden, given.split, 3)
    found = []
    for one in (given, blind):
        surrogate = trained(one, linear=True, rng=np.random.default_rng(0))
        found.append(believed(one, surrogate))
    assert found[0].tolist() == found[1].tolist()
    assert (found[0] == given.labels)[given.split.train].all()
    assert (found[0] == given.labels)[given.split.test].mean() > 0.6
