"""How far one liar reaches: among agents, and in a GCN (gagn.md 4, "malice propagation"; ours).

A training node claims another class. Everybody learns on for some rounds, once with the lie and
once without it, by the same chance; what differs afterwards is told by distance from the liar. A
GCN learns on for as many epochs: its parameters are everybody's, so the lie is in all of them.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.csgraph import shortest_path
from torch import Tensor

if TYPE_CHECKING:
    from engine.methods.gagn.agents import Agents
    from engine.methods.gagn.defences import Fit
    from engine.methods.gagn.world import World

FAR = 8  # hops told apart; what is farther is counted with the last


def distances(adjacency: sp.csr_array, node: int) -> np.ndarray:
    """(N,) hops to the node, at most FAR; −1 where there is no path."""
    far = shortest_path(sp.csr_array(adjacency), unweighted=True, indices=node)
    return np.where(np.isfinite(far), np.minimum(far, FAR), -1).astype(np.int64)


def by_hop(values: Tensor | np.ndarray, hops: np.ndarray) -> list[float]:
    """Means over the nodes at distance 0, 1, …"""
    numbers = np.asarray(values, np.float64)
    return [float(numbers[hops == hop].mean()) for hop in range(hops.max() + 1)]


def moved(one: Tensor, other: Tensor) -> np.ndarray:
    """(N,) total variation between two rows of shares: 0 the same, 1 nothing in common."""
    return ((one - other).abs().sum(1) / 2).cpu().numpy()


def among_agents(
    agents: Agents, node: int, claim: int, *, rounds: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of each agent (N,): the relative change of its embedding's weights, and of its answer."""
    honest = _later(agents, agents.world, rounds, seed)
    lied = _later(agents, _with_claim(agents.world, node, claim), rounds, seed)
    difference = _lengths(agents.world, lied.embedding - honest.embedding)
    length = _lengths(agents.world, honest.embedding)
    change = np.divide(difference, length, out=np.zeros_like(length), where=length > 0)
    return change, moved(lied.answers(), honest.answers())


@torch.no_grad()
def in_model(fit: Fit, node: int, claim: int, *, epochs: int) -> tuple[float, np.ndarray]:
    """The relative change of all weights together, and of each node's answer (N,)."""
    honest, lied = _trained_on(fit, epochs), _trained_on(fit, epochs, lie=(node, claim))
    pairs = list(zip(lied.model.parameters(), honest.model.parameters(), strict=True))
    difference = sum(float(((a - b) ** 2).sum()) for a, b in pairs) ** 0.5
    length = sum(float((b**2).sum()) for _, b in pairs) ** 0.5
    answers = [one.answer(one.graph).softmax(1) for one in (lied, honest)]
    return difference / length, moved(*answers)


def _with_claim(world: World, node: int, claim: int) -> World:
    """The same world where this training node says that it is of another class."""
    changed = copy.copy(world)
    changed.target = world.target.clone()
    changed.target[node] = 0
    changed.target[node, claim] = 1
    return changed


@torch.no_grad()
def _later(agents: Agents, world: World, rounds: int, seed: int) -> Agents:
    generator = torch.Generator().manual_seed(seed)
    found = copy.copy(agents)  # a round changes no tensor in place
    found.world = world
    found.sample(generator)
    for number in range(rounds):
        found.round(agents.params.warm + number, generator)
    return found


def _lengths(world: World, embedding: Tensor) -> np.ndarray:
    """(N,) the lengths of W_i; in the dual form W_i = Z_trainᵀ Γ_i, so ‖W_i‖² = tr(Γ_iᵀ K Γ_i)."""
    if world.dual:
        place = torch.nonzero(world.known).ravel()
        kernel = world.code[place[world.place[place].argsort()]]  # (n, n)
        squared = (embedding * (kernel @ embedding)).sum((1, 2))
    else:
        squared = (embedding**2).sum((1, 2))
    return squared.clamp(min=0).sqrt().cpu().numpy()


def _trained_on(fit: Fit, epochs: int, lie: tuple[int, int] | None = None) -> Fit:
    """This training carried on, by the same chance; `fit` itself stays as it is."""
    found = copy.deepcopy(fit)
    if lie is not None:
        node, claim = lie
        found.ground.labels[node] = claim
    with torch.enable_grad():
        for _ in range(epochs):
            found.step()
    return found
