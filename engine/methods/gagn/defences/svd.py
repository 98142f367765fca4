"""GCN-SVD (Entezari et al., 2020): the GCN on the graph's best low-rank approximation.

A is symmetric, so its truncated SVD is that of its eigenvalues largest in size, A_k = V Λ Vᵀ, and
lower ranks are its first columns. Only V and Λ are ever kept. Negative entries of A_k stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.linalg import eigsh
from torch import Tensor, nn

from engine.methods.gagn.defences.fit import Fit
from engine.methods.gagn.defences.gcn import OperatorGcn
from engine.methods.gagn.neighbourhood import Neighbourhood

RANKS = (10, 15, 20, 50, 100, 200)
CLOSE = 1e-6  # two eigenvalues so near are one: their vectors turn freely


class Factors(NamedTuple):
    values: np.ndarray  # [k], the largest in size first
    vectors: np.ndarray  # [N, k]

    def of_rank(self, rank: int) -> Factors:
        return Factors(self.values[:rank], self.vectors[:, :rank])


def factors(adjacency: sp.csr_array, rank: int) -> Factors:
    """The best approximation of that rank, or of N − 1 where the graph is smaller than it."""
    nodes = adjacency.shape[0]
    start = np.cos(np.arange(nodes))  # the same graph gives the same bits
    restarts = np.random.default_rng(0)  # likewise, should ARPACK need any
    values, vectors = eigsh(
        adjacency.astype(np.float64), k=min(rank, nodes - 1), v0=start, rng=restarts
    )
    order = np.argsort(-np.abs(values), kind="stable")
    return Factors(values[order], vectors[:, order])


def normalised(factors: Factors, device: str) -> Callable[[Tensor], Tensor]:
    """h -> D̃^-½ (A_k + I) D̃^-½ h with D̃ the row sums of A_k + I, in O(N k) per column.

    A row sum that is not positive, which negative entries make possible, has the scale 0, as a node
    without any edge would have without its self-loop.
    """
    values, vectors = factors
    sums = 1 + vectors @ (values * vectors.sum(axis=0))
    scale = np.zeros_like(sums)
    np.power(sums, -0.5, out=scale, where=sums > 0)
    left = torch.from_numpy((scale[:, None] * vectors).astype(np.float32)).to(device)  # [N, k]
    right = torch.from_numpy((values[:, None] * vectors.T * scale).astype(np.float32)).to(device)
    loop = torch.from_numpy((scale**2).astype(np.float32)).to(device)[:, None]
    return lambda h: left @ (right @ h) + loop * h


class SvdFit(Fit):
    defaults = {**Fit.defaults, "rank": RANKS[0]}
    grid = tuple({"rank": rank} for rank in RANKS)

    def structure(
        self, cleaned: sp.csr_array, weight: Tensor | None = None
    ) -> Callable[[Tensor], Tensor]:
        if weight is not None:
            return self._followed(cleaned, weight)
        if cleaned is self.ground.adjacency:  # one truncated SVD for all ranks
            found = self.ground.once("factors", lambda: factors(cleaned, max(RANKS)))
        else:
            found = factors(cleaned, max(RANKS))
        return normalised(found.of_rank(self.settings["rank"]), self.ground.device)

    def _followed(self, pattern: sp.csr_array, weight: Tensor) -> Callable[[Tensor], Tensor]:
        """Its operator and, to first order, how that follows the entries of the graph (ours).

        With P the projection on its k eigenvectors here, A_k = PA + AP − PAP. Its derivative with P
        held lacks what the eigenvectors turn: v_i (v_iᵀ dA v_j) v_jᵀ λ_j / (λ_i − λ_j) for each
        kept i and left j, and its transpose. These are added for the j that are known; of the
        others |λ_j| is the least.
        """
        here = sp.csr_array(
            (weight.detach().cpu().numpy(), pattern.indices, pattern.indptr), pattern.shape
        )
        values, vectors = factors(here, max(RANKS))
        rank = self.settings["rank"]
        known = torch.from_numpy(vectors).to(weight)
        basis, others = known[:, :rank], known[:, rank:]
        gap = values[:rank, None] - values[rank:]
        turn = np.divide(values[rank:], gap, out=np.zeros_like(gap), where=np.abs(gap) > CLOSE)
        graph = Neighbourhood(pattern, self.ground.device, weight)
        weights = graph.weight * ~graph.own
        turned = torch.from_numpy(turn).to(weight) * (basis.T @ graph.mix(weights, others))

        def low(h: Tensor) -> Tensor:
            inside = basis @ (basis.T @ h)
            heard = graph.mix(weights, inside)
            held = basis @ (basis.T @ (graph.mix(weights, h) - heard)) + heard
            return held + basis @ (turned @ (others.T @ h)) + others @ (turned.T @ (basis.T @ h))

        sums = 1 + low(weight.new_ones(graph.n, 1))
        scale = torch.where(sums > 0, sums.clamp(min=1e-12).rsqrt(), 0.0)
        return lambda h: scale * (low(scale * h) + scale * h)

    def build(self, inputs: int, classes: int) -> nn.Module:
        return OperatorGcn(inputs, classes)
