"""Oracles that every job checks on its own graph; the slow ones are tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.csgraph import breadth_first_order, shortest_path

from engine.methods.gagn.agents import Agents
from engine.methods.gagn.neighbourhood import Neighbourhood
from engine.methods.gagn.world import World

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.gagn.case import Case
    from engine.methods.gagn.params import GagnParams

BALL, WIDE = 150, 15  # nodes of the sample that the replayed oracles run on, and of each hop
ROUNDS = 2


def verify(run: Run, agents: Agents, case: Case) -> None:
    graph = agents.graph
    sums = graph.total(agents.alpha())
    run.verify("attention of an agent sums to 1", 0, (sums - 1).abs().max().item(), 1e-5)
    run.verify("attention gradient is its closed form", 0, attention_gap(agents), 1e-6)
    before = np.diff(case.adjacency.indptr) > 0
    lone = before & (graph.degree.cpu().numpy() == 0)
    if not run.params.allow_isolated:
        run.verify("nodes isolated by the filter", 0, int(lone.sum()), 0)
    apart = graph.degree < graph.n - 1  # whoever hears everybody hears the same as the others
    if apart.any():
        own = (agents.embedding != agents.embedding.mean(0)).flatten(1).any(1)
        differs = own[apart].double().mean().item()
        run.verify("share of agents with parameters of their own", 1, differs, 0.01)
    sample = ball(case, run.seed)
    run.verify("dual storage equals plain weights", 0, dual_gap(sample, run.params), 1e-5)
    leaked = leaks(sample, run.params)
    if leaked is None:
        run.message("the proof of locality was not replayed: no node is far enough from another")
    else:
        run.verify("agents that feel a change beyond their hops", 0, leaked, 0)


def attention_gap(agents: Agents) -> float:
    """Largest difference of eq. 3 to autograd through eq. 1, on this graph and these agents."""
    graph = agents.graph
    gain = agents.gain(agents.world.opinions(agents.answers()))
    logits = agents.attention.clone().requires_grad_(True)
    (graph.share(logits) * gain).sum().backward()
    slope: Any = logits.grad
    alpha = agents.alpha()
    closed = alpha * (gain - graph.total(alpha * gain)[graph.row])
    return (closed - slope).abs().max().item()


def ball(case: Case, seed: int) -> tuple[sp.csr_array, sp.csr_array, np.ndarray, np.ndarray]:
    """A connected piece around a training node: adjacency, features, labels, training.

    Few nodes are kept of each hop, so that the piece reaches far.
    """
    start = case.split.train[seed % len(case.split.train)]
    order, before = breadth_first_order(case.adjacency, start, directed=False)
    hop, size = {int(start): 0}, np.zeros(case.nodes + 1, np.int64)
    for node in order[1:].tolist():
        far = hop.get(int(before[node]), -2) + 1
        if far > 0 and size[far] < WIDE and len(hop) < BALL:
            hop[node] = far
            size[far] += 1
    nodes = np.sort(np.array(list(hop)))
    features = case.features[nodes]
    used = np.unique(features.indices)
    return (
        sp.csr_array(case.adjacency[nodes][:, nodes]),
        sp.csr_array(features[:, used] if len(used) else features[:, :1]),
        np.where(case.labels[nodes] < 0, 0, case.labels[nodes]),
        np.flatnonzero(np.isin(nodes, case.split.train)),
    )


def dual_gap(sample: tuple, params: GagnParams) -> float:
    """Largest difference of the agents' logits between the two ways to store them, as a share of
    the largest."""
    dual, plain = (_replay(sample, params, rounds=3, dual=dual).logits() for dual in (True, False))
    return ((dual - plain).abs().max() / plain.abs().max().clamp(min=1)).item()


def leaks(sample: tuple, params: GagnParams) -> int | None:
    """Agents that a changed node cannot have reached, whose parameters changed all the same: a
    message goes a hop, and so do each exchange of features and each round.

    Witness lists travel further by design, so they are off here. None where the sample has
    no node that is far enough.
    """
    adjacency, features, labels, train = sample
    hops = shortest_path(adjacency, unweighted=True, directed=False)
    changed = int(train[hops[train].max(axis=1).argmax()])  # its label is heard at once
    far = torch.from_numpy(hops[changed] > params.exchanges + ROUNDS + 1)
    if not far.any():
        return None
    local = params.model_copy(update={"witnesses": 0, "warm": 0})
    other = sp.lil_array(features)
    other[[changed], :] = other[[changed], :].toarray()[:, ::-1] + 1
    classes, renamed = int(labels.max()) + 1, labels.copy()
    renamed[changed] = (labels[changed] + 1) % classes
    first = _replay(sample, local, rounds=ROUNDS)
    another = (adjacency, sp.csr_array(other), renamed, train)
    second = _replay(another, local, rounds=ROUNDS, classes=classes)
    same = torch.ones(len(labels), dtype=torch.bool)
    for name in ("embedding", "degree", "confidence"):
        same &= (getattr(first, name) == getattr(second, name)).flatten(1).all(1)
    return int((far & ~same).sum())


def _replay(
    sample: tuple,
    params: GagnParams,
    *,
    rounds: int,
    dual: bool | None = None,
    classes: int | None = None,
) -> Agents:
    adjacency, features, labels, train = sample
    world = World(
        features,
        labels,
        train,
        classes=classes or int(labels.max()) + 1,
        projection=params.projection,
        seed=0,
        dual=dual,
        around=Neighbourhood(adjacency),
        exchanges=params.exchanges,
    )
    agents = Agents(world, Neighbourhood(adjacency), params)
    generator = torch.Generator().manual_seed(0)
    agents.begin(generator)
    for number in range(rounds):
        agents.round(number, generator)
    return agents
