"""Closed neighbourhoods as one sparse list, and sums over them that weights can be learned from."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

# said once by torch about the very format that the fusion needs; it changes no number
warnings.filterwarnings("ignore", message=".*Sparse CSR tensor support is in beta")
COLUMNS = 192  # of a product at once: they stay in the cache, and no digit changes
CHUNK = 1 << 14  # edges judged at once: bounds memory, changes no number


class Neighbourhood:
    """The closed neighbourhoods of all agents as one CSR list of (i, j), j = i included."""

    def __init__(self, adjacency: sp.csr_array, device: str = "cpu", there: Tensor | None = None):
        """`there` (nnz,): to which degree each entry of `adjacency` is there, differentiable."""
        self.n = adjacency.shape[0]
        closed = sp.csr_array(adjacency + sp.eye_array(self.n, format="csr", dtype=np.float32))
        closed.sort_indices()
        self.crow = torch.from_numpy(closed.indptr.astype(np.int64)).to(device)
        self.col = torch.from_numpy(closed.indices.astype(np.int64)).to(device)
        self.row = torch.repeat_interleave(torch.arange(self.n, device=device), self.crow.diff())
        self.own = self.row == self.col
        self.degree = self.crow.diff() - 1  # (N,)
        self.device = device
        self.weight = torch.ones(len(self.col), device=device)  # of each entry: all are there
        if there is not None:  # but in the thoughts of an attacker
            place = torch.nonzero(~self.own).ravel()
            self.weight = self.weight.to(there.dtype).index_put((place,), there)

    def total(self, values: Tensor) -> Tensor:
        """Sum over each agent's closed neighbourhood, in a fixed order."""
        return torch.segment_reduce(values, "sum", offsets=self.crow)

    def share(self, logits: Tensor) -> Tensor:
        """Softmax over each agent's closed neighbourhood (eq. 1)."""
        top = torch.segment_reduce(logits.detach(), "max", offsets=self.crow)
        grown = (logits - top[self.row]).exp() * self.weight
        return grown / self.total(grown)[self.row]

    def likeness(self, cosine: Tensor) -> Tensor:
        """Weights of an agent's mixture by how alike each neighbour is; the sum is 1, or 0 for an
        agent without features."""
        weight = self.weight * cosine.clamp(min=0)
        return weight / self.total(weight).clamp(min=1e-12)[self.row]

    def matrix(self, weights: Tensor) -> sp.csr_array:
        """(N, N) the entries' weights."""
        parts = (weights.cpu().numpy(), self.col.cpu().numpy(), self.crow.cpu().numpy())
        return sp.csr_array(parts, shape=(self.n, self.n))

    def mix(self, weights: Tensor, values: Tensor) -> Tensor:
        """Every agent's weighted sum of what its neighbours (and itself) sent."""
        flat = values.reshape(self.n, -1)
        if weights.requires_grad:
            return Mix.apply(weights, flat, self).view(values.shape)
        return product(self, weights, flat).view(values.shape)

    def knows(self, agents: Tensor, others: Tensor) -> Tensor:
        """Is `others` in the closed neighbourhood of `agents`, entry by entry?"""
        keys = self.row * self.n + self.col  # ascending, since CSR is sorted
        wanted = agents * self.n + others
        place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
        return keys[place] == wanted

    def draw(self, allowed: Tensor, width: int, generator: torch.Generator) -> tuple:
        """Up to `width` allowed entries per agent: places (N, width) and which are filled."""
        places = torch.nonzero(allowed).ravel()
        chance = torch.rand(len(places), generator=generator).to(self.device)
        # stable sorts: first by chance, then by agent, hence random order within each agent
        places = places[chance.argsort(stable=True)]
        places = places[self.row[places].argsort(stable=True)]
        agents = self.row[places]
        count = torch.bincount(agents, minlength=self.n)
        rank = torch.arange(len(places), device=self.device) - (count.cumsum(0) - count)[agents]
        keep = rank < width
        drawn = torch.zeros(self.n, width, dtype=torch.int64, device=self.device)
        filled = torch.zeros(self.n, width, dtype=torch.bool, device=self.device)
        drawn[agents[keep], rank[keep]] = places[keep]
        filled[agents[keep], rank[keep]] = True
        return drawn, filled

    @property
    def adjacency(self) -> sp.csr_array:
        """(N, N) without the agents themselves."""
        there = ~self.own
        row, col = (side[there].cpu().numpy() for side in (self.row, self.col))
        return sp.csr_array((np.ones(len(row), np.float32), (row, col)), shape=(self.n, self.n))

    @property
    def mirror(self) -> Tensor:
        """Of each entry (i, j) the place of (j, i)."""
        return torch.searchsorted(self.row * self.n + self.col, self.col * self.n + self.row)


def product(graph: Neighbourhood, weights: Tensor, values: Tensor) -> Tensor:
    """(N, D) the entries' weights as a sparse matrix, times values (N, D)."""
    matrix = torch.sparse_csr_tensor(
        graph.crow, graph.col, weights, (graph.n, graph.n), check_invariants=False
    )
    if values.device.type != "cpu" or values.shape[1] <= COLUMNS:
        return matrix @ values
    mixed = torch.empty_like(values)
    for k in range(0, values.shape[1], COLUMNS):
        mixed[:, k : k + COLUMNS] = matrix @ values[:, k : k + COLUMNS].contiguous()
    return mixed


class Mix(torch.autograd.Function):
    """`product`, differentiable in both; no tensor of entries × width is ever made."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, values: Tensor, graph: Neighbourhood) -> Tensor:
        ctx.save_for_backward(weights, values)
        ctx.graph = graph
        return product(graph, weights, values)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor | None, None]:
        graph, (weights, values) = ctx.graph, ctx.saved_tensors
        step = max(1, CHUNK * 64 // max(1, values.shape[1]))
        by_weight = torch.cat(
            [
                (slope[graph.row[k : k + step]] * values[graph.col[k : k + step]]).sum(1)
                for k in range(0, len(graph.col), step)
            ]
        )
        if not ctx.needs_input_grad[1]:
            return by_weight, None, None
        # the pattern is symmetric, so its transpose has the same one: only weights change place
        return by_weight, product(graph, weights[graph.mirror], slope), None
