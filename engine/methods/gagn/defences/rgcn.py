"""RGCN (Zhu et al., 2019): hidden units are Gaussians, and an uncertain node speaks softly.

Brief 1.10. Means and variances go through the graph in two streams, weighed down by e^{−γσ} where
the variance is large; training samples the outcome, evaluation takes its mean.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.methods.gagn.defences.fit import Drop, Fit

HIDDEN = 32
GAMMA = 1.0
PENALTY = 5e-4  # of the divergence from N(0, 1), and of the first layer's squared weights
TINY = 1e-8


class Spreads(NamedTuple):
    mean: Tensor  # [N, N] sparse, D̃^-½ (A + I) D̃^-½
    variance: Tensor  # [N, N] sparse, D̃^-1 (A + I) D̃^-1


class Gaussian(nn.Module):
    """One layer: μ = elu(m W_μ), σ = relu(v W_σ), then both spread."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.mean = nn.Parameter(torch.empty(inputs, outputs))
        self.variance = nn.Parameter(torch.empty(inputs, outputs))
        for weight in (self.mean, self.variance):
            nn.init.xavier_uniform_(weight)

    def forward(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        return F.elu(mean @ self.mean), (variance @ self.variance).relu()


def spread(mean: Tensor, variance: Tensor, over: Spreads) -> tuple[Tensor, Tensor]:
    soft = (-GAMMA * variance).exp()
    return over.mean @ (mean * soft), over.variance @ (variance * soft * soft)


def divergence(mean: Tensor, variance: Tensor) -> Tensor:
    """Σ over nodes of the mean over units of ½ (μ² + σ − ln σ)."""
    return (0.5 * (mean**2 + variance - (variance + TINY).log())).mean(1).sum()


class Rgcn(nn.Module):
    def __init__(self, inputs: int, classes: int):
        super().__init__()
        self.layers = nn.ModuleList((Gaussian(inputs, HIDDEN), Gaussian(HIDDEN, classes)))

    def streams(self, x: Tensor, graph: Spreads, drop: Drop) -> tuple[Tensor, Tensor, Tensor]:
        """(mean [N, C], variance [N, C], divergence of the first layer)."""
        mean, variance = self.layers[0](x, x)
        far = divergence(mean, variance)
        mean, variance = spread(mean, variance, graph)
        mean, variance = self.layers[1](drop(mean), drop(variance))
        return *spread(mean, variance, graph), far

    def forward(self, x: Tensor, graph: Spreads, drop: Drop) -> Tensor:
        return self.streams(x, graph, drop)[0]


class RgcnFit(Fit):
    defaults = {**Fit.defaults, "dropout": 0.6}
    model: Rgcn

    def structure(self, cleaned: sp.csr_array) -> Spreads:
        closed = sp.csr_array(cleaned + sp.eye_array(self.ground.nodes, format="csr"))
        closed.sort_indices()
        degree = closed.sum(axis=1)
        row = np.repeat(np.arange(self.ground.nodes), np.diff(closed.indptr))
        both = degree[row] * degree[closed.indices]
        return Spreads(self._sparse(closed, both**-0.5), self._sparse(closed, both**-1.0))

    def _sparse(self, pattern: sp.csr_array, values: np.ndarray) -> Tensor:
        matrix = torch.sparse_csr_tensor(
            torch.from_numpy(pattern.indptr.astype(np.int64)),
            torch.from_numpy(pattern.indices.astype(np.int64)),
            torch.from_numpy((pattern.data * values).astype(np.float32)),
            pattern.shape,
            check_invariants=False,
        )
        return matrix.to(self.ground.device)

    def build(self, inputs: int, classes: int) -> nn.Module:
        return Rgcn(inputs, classes)

    def groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.model.parameters())}]  # the loss has the decay

    def loss(self) -> Tensor:
        ground = self.ground
        x = ground.x(self._drop(ground.values))
        mean, variance, far = self.model.streams(x, self.graph, self._drop)
        noise = torch.randn(mean.shape, generator=self.generator).to(ground.device)
        sampled = mean + noise * (variance + TINY).sqrt()
        train = ground.part["train"]
        surprise = F.cross_entropy(sampled[train], ground.labels[train])
        weights = sum(weight.square().sum() for weight in self.model.layers[0].parameters())
        return surprise + PENALTY * (far + weights)
