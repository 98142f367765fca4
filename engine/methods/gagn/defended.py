"""GAgN after training, as an attacker meets it (gagn.md 1.9 c; how much is unrolled is ours).

A trained network of agents is left alone with a changed graph: agents exchange features, filter
their edges with what they know, exchange parameters for some rounds without a new lesson, and
answer. `logits` does so, with the whole filter run again. `relaxed`, which an attacker
differentiates, has weighted edges and a simpler filter: verdicts on old edges stay as they were, a
new edge is judged softly by the confidence of its two ends alone. It also sees softer opinions:
sure ones are nearly constant, and an attack that follows their gradient is blind (with the opinions
as they are, Cora lost .10 instead of .13 by evasion). But for that the two agree without a cut;
with one, they nearly do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from engine.methods.gagn.agents import Agents, pair_code
from engine.methods.gagn.filter import score, without
from engine.methods.gagn.neighbourhood import Neighbourhood
from engine.methods.gagn.readout import readouts
from engine.methods.gagn.verdicts import Rule, decide
from engine.methods.gagn.world import World

if TYPE_CHECKING:
    from engine.methods.gagn.params import GagnParams

ROUNDS = 2  # of communication on a changed graph
SOFT = 0.05  # width of the soft filter
LEAD = 2.0  # of logits, by which an attacker sees half of the agents prefer their class at most
SURE = 0.05  # how far above the threshold an edge is taken to pass
TINY = 1e-12


class Defended:
    def __init__(
        self,
        agents: Agents,
        adjacency: sp.csr_array,
        *,
        readout: str,
        rule: Rule | None,
        strictest: float,
    ):
        """`agents` on what the filter left of `adjacency`; `rule` of that cut, None without one;
        `strictest`: the highest threshold that could have been chosen."""
        self.agents, self.readout, self.rule, self.strictest = agents, readout, rule, strictest
        self.given = _entries(Neighbourhood(adjacency, agents.graph.device))
        self.left = agents.graph.adjacency
        self.opinions = agents.world.opinions(agents.answers())
        first, second = agents.logits().topk(2, dim=1).values.T
        self.heat = max(1.0, (first - second).median().item() / LEAD)

    @classmethod
    def stored(
        cls, state: dict[str, Any], world: World, adjacency: sp.csr_array, params: GagnParams
    ) -> Defended:
        indices, indptr = (np.asarray(state["left"][name]) for name in ("indices", "indptr"))
        left = sp.csr_array((np.ones(len(indices), np.float32), indices, indptr), adjacency.shape)
        agents = Agents(world, Neighbourhood(left, world.device), params)
        agents.restore(state["agents"], Agents.STATE)
        rule = None if state["rule"] is None else Rule(**state["rule"])
        strictest = max(params.thresholds)
        return cls(agents, adjacency, readout=state["readout"], rule=rule, strictest=strictest)

    def state(self) -> dict[str, Any]:
        """What `stored` needs to make it again."""
        agents = self.agents
        return {
            "agents": {name: getattr(agents, name) for name in Agents.STATE},
            "left": {"indptr": self.left.indptr, "indices": self.left.indices},
            "readout": self.readout,
            "rule": None if self.rule is None else vars(self.rule),
        }

    @torch.no_grad()
    def logits(self, adjacency: sp.csr_array) -> Tensor:
        """[N, C] log shares on another graph of the same nodes (evasion)."""
        agents = self.agents.among(Neighbourhood(adjacency, self.agents.graph.device))
        agents.world = agents.world.among(agents.graph, agents.edge_cosine)
        if self.rule:
            scores = score(agents, torch.Generator().manual_seed(0))
            verdict = decide(scores, self.rule, adjacency.shape[0])
            left = without(adjacency, scores, verdict)
            agents = agents.among(Neighbourhood(left, self.agents.graph.device))
        return self._talk(agents)

    def relaxed(self, pattern: sp.csr_array, weight: Tensor) -> Tensor:
        """[N, C] log shares on a graph whose entries are there to some degree [nnz].

        What the filter cut before stays cut, what it kept stays; a new edge passes it as far as the
        confidence of its two ends is above the threshold.
        """
        device = self.agents.graph.device
        agents = self.agents.among(Neighbourhood(pattern, device))
        graph = agents.graph
        passing = self._passing(agents)[~graph.own]
        weight = weight.to(device)
        there = Neighbourhood(pattern, device, weight)
        agents.world = agents.world.among(there, agents.edge_cosine)
        agents.graph = Neighbourhood(pattern, device, weight * passing)
        agents.heat = self.heat
        return self._talk(agents)

    def hears(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """[k] Which new edges the ends' confidence carries past the filter with a margin; without
        a cut, past the highest threshold that could have been chosen."""
        device = self.agents.graph.device
        one, other = torch.from_numpy(u).to(device), torch.from_numpy(v).to(device)
        tau = self.rule.tau if self.rule else self.strictest
        alike = self.agents.world.cosine(one, other)
        enough = min(tau + SURE, (1 + tau) / 2)
        return (self._sure(one, other, alike) >= enough).cpu().numpy()

    def _talk(self, agents: Agents) -> Tensor:
        for _ in range(ROUNDS):
            agents.fuse()
        return readouts(agents, only=self.readout)[self.readout].clamp(min=TINY).log()

    def _passing(self, agents: Agents) -> Tensor:
        """(E,) how far each entry gets past the filter."""
        if self.rule is None:
            return torch.ones_like(agents.edge_cosine)
        graph = agents.graph
        entries = _entries(graph)
        kept = torch.isin(entries, _entries(self.agents.graph))
        new = ~torch.isin(entries, self.given)
        passing = kept.to(agents.edge_cosine.dtype)
        sure = self._sure(graph.row[new], graph.col[new], agents.edge_cosine[new])
        passing[new] = ((sure - self.rule.tau) / SOFT).sigmoid().to(passing.dtype)
        return passing

    def _sure(self, one: Tensor, other: Tensor, alike: Tensor) -> Tensor:
        """(k,) what the two ends of a pair believe of it, on average."""
        code = pair_code(alike, (self.opinions[one] * self.opinions[other]).sum(1))
        return (self.agents.judge(one, code) + self.agents.judge(other, code)) / 2


def _entries(graph: Neighbourhood) -> Tensor:
    """(E,) one number per entry, ascending."""
    return graph.row * graph.n + graph.col
