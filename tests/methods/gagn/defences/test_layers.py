"""Each defence's layers against the plain formula, dense or as a loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.nn import functional as F

from engine.methods.gagn.defences import Unit, begin
from engine.methods.gagn.defences.fit import keep
from engine.methods.gagn.defences.gnnguard import GuardFit, weights
from engine.methods.gagn.defences.rgcn import divergence, spread
from engine.methods.gagn.defences.similarity import cosine, ends, jaccard
from engine.methods.gagn.defences.svd import RANKS, SvdFit, factors
from engine.methods.gagn.defences.svd import normalised as low_rank
from tests.methods.gagn.defences.grounds import closed, ground, normalised, stream, words


def test_a_sparse_gcn_equals_a_dense_one():
    place = ground()
    fit = begin(Unit("gcn"), place, generator=stream())
    first, second = fit.model.layers
    first.bias.data.normal_(generator=stream(1))
    over, x = normalised(closed(place.adjacency)), words(place)
    hidden = (over @ x @ first.lin.weight.T + first.bias).relu()
    expected = over @ hidden @ second.lin.weight.T + second.bias
    assert torch.allclose(fit.answer(fit.graph), expected, atol=1e-5)


def test_attention_equals_a_loop_over_the_neighbours():
    place = ground(nodes=30)
    fit = begin(Unit("gat"), place, generator=stream())
    layer, x = fit.model.layers[0], words(place)
    sent = layer.lin(x).view(30, 8, 8)
    expected = torch.zeros(30, 8, 8)
    for node in range(30):
        heard = [*place.adjacency[[node]].indices.tolist(), node]
        said = (sent[heard] * layer.att_src[0]).sum(-1) + (sent[node] * layer.att_dst[0]).sum(-1)
        share = F.leaky_relu(said, 0.2).softmax(0)
        expected[node] = (share[..., None] * sent[heard]).sum(0)
    layer.eval()
    got = layer(place.x(place.values), *fit.graph)
    assert torch.allclose(got, expected.view(30, 64) + layer.bias, atol=1e-5)


def test_jaccard_and_cosine_equal_sets_and_vectors():
    place = ground()
    u, v = ends(place.adjacency)
    has = [set(row.indices.tolist()) for row in (place.features[[n]] for n in range(60))]
    plain = [len(has[a] & has[b]) / len(has[a] | has[b]) for a, b in zip(u, v, strict=True)]
    assert np.allclose(jaccard(place.features, u, v), plain)
    real = sp.csr_array(place.features * np.arange(1, 31))
    dense = real.toarray()
    length = np.linalg.norm(dense, axis=1)
    plain = (dense[u] * dense[v]).sum(1) / (length[u] * length[v])
    assert np.allclose(cosine(real, u, v), plain)
    assert np.allclose(jaccard(real, u, v), plain)  # not 0/1: cosine


@pytest.mark.parametrize("rank", [1, 3, 20])
def test_the_low_rank_spread_equals_the_dense_low_rank_matrix(rank):
    adjacency = ground().adjacency
    u, s, vt = np.linalg.svd(adjacency.toarray().astype(np.float64))
    dense = torch.from_numpy((u[:, :rank] * s[:rank]) @ vt[:rank]) + torch.eye(60)
    assert s[rank - 1] - s[rank] > 1e-6, "the rank is not well defined here"
    sums = dense.sum(1)
    scale = torch.where(sums > 0, sums.abs().rsqrt(), 0)
    h = torch.randn(60, 4, generator=stream())
    found = factors(adjacency, max(RANKS)).of_rank(rank)
    expected = (scale[:, None] * dense * scale).float() @ h
    assert torch.allclose(low_rank(found, "cpu")(h), expected, atol=1e-4)


def test_all_ranks_share_one_decomposition():
    place = ground()
    fits = [SvdFit(place, {"rank": rank}, generator=stream()) for rank in RANKS]
    shared = place.once("factors", lambda: None)
    assert shared.vectors.shape == (60, 59)
    h = torch.randn(60, 2, generator=stream())
    assert not torch.allclose(fits[0].graph(h), fits[3].graph(h), atol=1e-3)


def test_rgcn_equals_the_dense_formula():
    place = ground()
    fit = begin(Unit("rgcn"), place, generator=stream())
    first, second = fit.model.layers
    both = closed(place.adjacency)
    degree = both.sum(1)
    soft, hard = normalised(both), both / degree[:, None] / degree
    x = words(place)
    mu, sigma = F.elu(x @ first.mean), (x @ first.variance).relu()
    far = sum((0.5 * (mu[i] ** 2 + sigma[i] - (sigma[i] + 1e-8).log())).mean() for i in range(60))
    m, v = soft @ (mu * (-sigma).exp()), hard @ (sigma * (-2 * sigma).exp())
    mu, sigma = F.elu(m @ second.mean), (v @ second.variance).relu()
    m, v = soft @ (mu * (-sigma).exp()), hard @ (sigma * (-2 * sigma).exp())
    mean, variance, told = fit.model.streams(place.x(place.values), fit.graph, keep)
    assert torch.allclose(mean, m, atol=1e-5)
    assert torch.allclose(variance, v, atol=1e-5)
    assert told.item() == pytest.approx(far.item(), rel=1e-5)
    assert torch.allclose(fit.answer(fit.graph), m, atol=1e-5)  # evaluation takes the mean


def test_an_uncertain_node_is_heard_less():
    place = ground()
    over = begin(Unit("rgcn"), place, generator=stream()).graph
    mean, variance = torch.ones(60, 2), torch.ones(60, 2)
    calm, _ = spread(mean, variance, over)
    variance[7] = 5
    wild, _ = spread(mean, variance, over)
    reached = (calm - wild).abs().sum(1) > 0
    assert reached.nonzero().ravel().tolist() == sorted([*place.adjacency[[7]].indices.tolist(), 7])
    assert (wild <= calm).all()


def test_the_divergence_is_least_at_the_standard_gaussian():
    rest = divergence(torch.zeros(1, 1), torch.ones(1, 1)).item()
    assert rest == pytest.approx(0.5)
    for mean, variance in ((0.3, 1.0), (0.0, 0.7), (0.0, 1.4)):
        assert divergence(torch.full((1, 1), mean), torch.full((1, 1), variance)).item() > rest


def plain_weights(adjacency, alike: np.ndarray, threshold: float) -> np.ndarray:
    """[N, N] GNNGuard's weights of a layer, node by node."""
    nodes = adjacency.shape[0]
    found = np.zeros((nodes, nodes))
    for u in range(nodes):
        near = [v for v in adjacency[[u]].indices if alike[u, v] >= threshold]
        total = sum(alike[u, v] for v in near)
        for v in near:
            found[u, v] = math.exp(alike[u, v] / total * len(near) / (len(near) + 1))
        found[u, u] = math.exp(1 / (len(near) + 1))
    return found


def as_matrix(fit: GuardFit, found: torch.Tensor) -> np.ndarray:
    graph = fit.graph
    dense = torch.zeros(graph.nodes, graph.nodes)
    dense[graph.hears, graph.says] = found[: len(graph.hears)]
    return (dense + found[len(graph.hears) :].diag()).numpy()


def cosines(rows: torch.Tensor) -> np.ndarray:
    length = F.normalize(rows, dim=1)
    return (length @ length.T).detach().numpy()


@pytest.mark.parametrize("quirk", [False, True])
def test_gnnguard_equals_a_loop(quirk):
    place = ground()
    settings = {"threshold": 0.3, "reference_quirk": quirk}
    fit = begin(Unit("gnnguard", settings), place, generator=stream())
    fit.model.memory.data += 0.4
    first, second = fit.model.layers
    x, adjacency = words(place), place.adjacency
    alike = cosines(x)
    w1 = plain_weights(adjacency, alike, 0.3)
    assert (w1 > 0).sum() < adjacency.nnz + 60, "nothing is pruned here"
    assert np.allclose(as_matrix(fit, weights(fit.graph, fit.graph.alike, 0.3)), w1, atol=1e-5)
    hidden = (spread_by(w1) @ x @ first.lin.weight.T + first.bias).relu()
    if quirk:
        w2 = plain_weights(sp.csr_array((w1 > 0) * adjacency.toarray()), cosines(hidden), 0.3)
    else:
        beta = fit.model.memory.sigmoid().item()
        w2 = beta * w1 + (1 - beta) * plain_weights(adjacency, cosines(hidden), 0.3)
    expected = spread_by(w2) @ hidden @ second.lin.weight.T + second.bias
    assert torch.allclose(fit.answer(fit.graph), expected, atol=1e-4)


def spread_by(found: np.ndarray) -> torch.Tensor:
    """[N, N] Normalised by what each node hears in all."""
    heard = found.sum(1) ** -0.5
    return torch.from_numpy(heard[:, None] * found * heard).float()


def test_gnnguard_learns_its_memory_and_nothing_through_similarities():
    place = ground()
    fit = begin(Unit("gnnguard"), place, generator=stream())
    fit.epoch(0)
    assert fit.model.memory.item() != 0
    hidden = torch.rand(60, 16, generator=stream(), requires_grad=True)
    first = weights(fit.graph, fit.graph.alike, 0.1)
    again = fit.model.again(fit.graph, hidden, first)
    memory, through = torch.autograd.grad(
        again.square().sum(), [fit.model.memory, hidden], allow_unused=True
    )
    assert memory != 0
    assert through is None


def test_gnnguard_hands_out_the_edges_its_first_layer_keeps():
    place = ground()
    fit = begin(Unit("gnnguard", {"threshold": 0.3}), place, generator=stream())
    alike = cosines(words(place)) >= 0.3
    assert np.array_equal(fit.cleaned.toarray() > 0, (place.adjacency.toarray() > 0) & alike)
