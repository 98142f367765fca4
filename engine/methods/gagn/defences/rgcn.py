"""RGCN (Zhu et al., 2019): hidden units are Gaussians, and an uncertain node speaks softly.

Brief 1.10. Means and variances go through the graph in two streams, weighed down by e^{−γσ} where
the variance is large; training samples the outcome, evaluation takes its mean.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.methods.gagn.defences.fit import Drop, Fit
from engine.methods.gagn.neighbourhood import Neighbourhood

HIDDEN = 32
GAMMA = 1.0
PENALTY = 5e-4  # of the divergence from N(0, 1), and of the first layer's squared weights
TINY = 1e-8


class Spreads(NamedTuple):
    over: Neighbourhood
    mean: Tensor  # [E + N] its entries in D̃^-½ (A + I) D̃^-½
    variance: Tensor  # [E + N] and in D̃^-1 (A + I) D̃^-1


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


def spread(mean: Tensor, variance: Tensor, graph: Spreads) -> tuple[Tensor, Tensor]:
    soft = (-GAMMA * variance).exp()
    over = graph.over
    return over.mix(graph.mean, mean * soft), over.mix(graph.variance, variance * soft * soft)


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

    def structure(self, cleaned: sp.csr_array, weight: Tensor | None = None) -> Spreads:
        over = Neighbourhood(cleaned, self.ground.device, weight)
        degree = over.total(over.weight)
        both = degree[over.row] * degree[over.col]
        return Spreads(over, over.weight * both**-0.5, over.weight / both)

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
