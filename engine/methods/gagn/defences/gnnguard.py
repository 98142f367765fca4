"""GNNGuard (Zhang and Zitnik, 2020): each layer weighs an edge by how alike its ends are by now.

Brief 1.10. Both layers judge the given edges, and the second remembers the first's weights. The
authors' code instead judges in the second layer only what the first has left and remembers nothing;
`reference_quirk` does as it does. Left out is the paper's further pruning by a learned
threshold: being a hard cut it has no gradient, so its weights stay as they were drawn, and the
authors' code has it off.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import GCNConv

from engine.methods.gagn.defences.fit import HIDDEN, Drop, Fit
from engine.methods.gagn.defences.similarity import cosine, ends, of_edges, rows


class Guarded(NamedTuple):
    hears: Tensor  # [E] receiver of each directed edge; no self-loops
    says: Tensor  # [E] its sender
    alike: Tensor  # [E] cosine of their features
    there: Tensor  # [E] to which degree the edge is there: 1, but for an attacker in thought
    nodes: int


def weights(graph: Guarded, alike: Tensor, threshold: float) -> Tensor:
    """[E + N] Weight of every edge, then of every node's own: 0 where pruned, else exponentiated.

    α_uv = s_uv / Σ_v s_uv · n/(n+1) over the n neighbours that are alike enough, α_uu = 1/(n+1).
    """
    kept = alike.where(alike >= threshold, 0.0)
    zero = kept.new_zeros(graph.nodes)
    total = zero.index_add(0, graph.hears, kept * graph.there)
    count = zero.index_add(0, graph.hears, (kept > 0) * graph.there)
    share = kept / total.clamp(min=1e-12)[graph.hears] * (count / (count + 1))[graph.hears]
    weight = share.exp().where(kept > 0, 0.0) * graph.there
    return torch.cat((weight, (1 / (count + 1)).exp()))


class Guard(nn.Module):
    def __init__(self, inputs: int, classes: int, settings: dict[str, Any]):
        super().__init__()
        convolutions = (
            GCNConv(inputs, HIDDEN, add_self_loops=False),
            GCNConv(HIDDEN, classes, add_self_loops=False),
        )
        self.layers = nn.ModuleList(convolutions)
        self.memory = nn.Parameter(torch.zeros(()))  # β = sigmoid of it
        self.threshold, self.quirk = settings["threshold"], settings["reference_quirk"]

    def forward(self, x: Tensor, graph: Guarded, drop: Drop) -> Tensor:
        loops = torch.arange(graph.nodes, device=graph.hears.device)
        edges = torch.stack((torch.cat((graph.says, loops)), torch.cat((graph.hears, loops))))
        first = weights(graph, graph.alike, self.threshold)
        hidden = self.layers[0](x, edges, first).relu()
        second = self.again(graph, hidden, first)
        return self.layers[1](drop(hidden), edges, second)

    def again(self, graph: Guarded, hidden: Tensor, first: Tensor) -> Tensor:
        """[E + N] The second layer's weights, by the hidden units."""
        length = F.normalize(hidden.detach(), dim=1)  # no gradient through similarities
        alike = (length[graph.hears] * length[graph.says]).sum(1)
        if self.quirk:
            left = first[: len(alike)] > 0
            return weights(graph, alike.where(left, 0.0), self.threshold)
        share = self.memory.sigmoid()
        return share * first + (1 - share) * weights(graph, alike, self.threshold)


class GuardFit(Fit):
    """`cleaned` are the edges that its first layer does not prune, by the features alone."""

    defaults = {**Fit.defaults, "threshold": 0.1, "reference_quirk": False}
    grid = tuple({"threshold": value} for value in (0.1, 0.05, 0.2))

    def __init__(self, *args: Any, **named: Any):
        super().__init__(*args, **named)
        near = (self.graph.alike >= self.settings["threshold"]) & (self.graph.alike > 0)
        once = near & (self.graph.hears < self.graph.says)
        pairs = (side[once].cpu().numpy() for side in (self.graph.hears, self.graph.says))
        self.cleaned = of_edges(self.ground.nodes, *pairs)

    def structure(self, cleaned: sp.csr_array, weight: Tensor | None = None) -> Guarded:
        u, v = ends(cleaned)
        alike = cosine(self.ground.features, u, v)
        both = (np.r_[u, v], np.r_[v, u], np.r_[alike, alike].astype(np.float32))
        hears, says, alike = (torch.from_numpy(part).to(self.ground.device) for part in both)
        there = torch.ones_like(alike)
        if weight is not None:
            once = torch.from_numpy(rows(cleaned) < cleaned.indices).to(weight.device)
            there = weight[once].repeat(2)
        return Guarded(hears, says, alike, there, self.ground.nodes)

    def build(self, inputs: int, classes: int) -> nn.Module:
        return Guard(inputs, classes, self.settings)

    def groups(self) -> list[dict[str, Any]]:
        return [*super().groups(), {"params": [self.model.memory]}]
