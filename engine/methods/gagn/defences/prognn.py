"""Pro-GNN (Jin et al., 2020), truncated: it learns the graph together with the GCN on it.

Brief 1.10. In turns, one step on the graph S from the given A, down
‖S − A‖_F + γ·CE + λ·tr(XᵀL̂X), then the proximal steps of β‖S‖_* and α‖S‖₁ and the projection onto
symmetric S in [0, 1] with an empty diagonal; and two steps on the GCN's weights.

Truncated, since a full SVD of N² numbers in each epoch is what it costs: the nuclear step is taken
every PERIOD epochs, PERIOD times as far; only the RANK eigenvalues largest in size, which a
subspace kept between epochs follows, shrink one by one, the others together. The authors train for
up to 1,000 epochs with steps of 0.01 on the graph: here a fifth of the epochs, and five times the
step. S is dense: it refuses large graphs (`MOST` in training.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from engine.methods.gagn.defences.fit import DECAY, Fit
from engine.methods.gagn.defences.gcn import OperatorGcn
from engine.methods.gagn.defences.similarity import rows

RANK = 200
PERIOD = 5  # epochs
INNER = 2  # steps on the weights for one on the graph
MOMENTUM = 0.9
MEAN = 0.75**0.5  # of |λ| as a share of its root mean square, for λ spread evenly about 0
TINY = 1e-3  # added to degrees, which a learned graph can lose


def soft(values: Tensor, by: float) -> Tensor:
    """prox of by·‖·‖₁: every entry moves towards 0."""
    return values.sign() * (values.abs() - by).clamp(min=0)


def shrink(graph: Tensor, by: float, basis: Tensor) -> tuple[Tensor, Tensor]:
    """prox of by·‖·‖_* of a symmetric [N, N]: exact in a subspace [N, r] that is turned towards its
    largest eigenvalues; those beyond it shrink all by one factor, which takes `by` from the mean of
    their sizes. The turned subspace is handed back for the next time."""
    turned, _ = torch.linalg.qr(graph @ basis)
    values, mixes = torch.linalg.eigh(turned.T @ graph @ turned)
    vectors = turned @ mixes
    rest = graph - (vectors * values) @ vectors.T
    beyond = max(1, len(graph) - len(values))
    mean = MEAN * torch.linalg.norm(rest) / beyond**0.5
    left = (1 - by / mean.clamp(min=by)).clamp(min=0)
    return (vectors * soft(values, by)) @ vectors.T + left * rest, vectors


def roughness(graph: Tensor, kernel: Tensor) -> Tensor:
    """tr(XᵀL̂X) = ½ Σ S_uv ‖x_u/√d_u − x_v/√d_v‖², with kernel = X Xᵀ."""
    degree = graph.sum(1)
    scale = (degree + TINY).rsqrt()
    return (scale**2 * degree * kernel.diagonal()).sum() - scale @ ((graph * kernel) @ scale)


def project(graph: Tensor) -> Tensor:
    graph = ((graph + graph.T) / 2).clamp_(0, 1)
    return graph.fill_diagonal_(0)


class DenseGcn(OperatorGcn):
    """Over D̃^-½ (S + I) D̃^-½ of a dense S [N, N]."""

    def operator(self, graph: Tensor) -> Callable[[Tensor], Tensor]:
        scale = (graph.sum(1) + 1).rsqrt()[:, None]
        return lambda h: scale * (graph @ (scale * h) + scale * h)


class ProGnnFit(Fit):
    defaults = {
        **Fit.defaults,
        "rate_graph": 0.05,
        "sparsity": 5e-4,  # α
        "nuclear": 1.5,  # β
        "smoothness": 1e-3,  # λ
        "teaching": 1.0,  # γ
    }
    grid = ({},)

    def __init__(self, *args: Any, **named: Any):
        ground = args[0]
        self.learnt = ground.adjacency
        super().__init__(*args, **named)
        shape = ground.nodes, min(RANK, ground.nodes)
        self.basis = torch.randn(shape, generator=self.generator).to(ground.device)
        self.given = self.graph.clone()
        self.speed = torch.zeros_like(self.graph)

    def clean(self, adjacency: sp.csr_array) -> sp.csr_array:
        """The graph that it learnt, with what differs from the one it was given carried over:
        to learn from another graph is to be trained again."""
        moved = sp.csr_array(self.learnt + (adjacency - self.ground.adjacency))
        moved.data = moved.data.clip(0, 1)
        return moved

    def structure(self, cleaned: sp.csr_array, weight: Tensor | None = None) -> Tensor:
        """[N, N], dense."""
        if weight is None:
            return torch.from_numpy(cleaned.toarray().astype(np.float32)).to(self.ground.device)
        return self._dense(cleaned, weight)

    def relaxed(self, pattern: sp.csr_array, weight: Tensor) -> Tensor:
        learnt = sp.csr_array(self.learnt - self.ground.adjacency)
        moved = self.structure(learnt) + self._dense(pattern, weight)
        return moved.clamp(0, 1)

    def _dense(self, pattern: sp.csr_array, weight: Tensor) -> Tensor:
        place = (
            torch.from_numpy(part.astype(np.int64)).to(weight.device)
            for part in (rows(pattern), pattern.indices)
        )
        return weight.new_zeros(pattern.shape).index_put(tuple(place), weight)

    def build(self, inputs: int, classes: int) -> nn.Module:
        return DenseGcn(inputs, classes)

    def groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.model.parameters()), "weight_decay": DECAY}]

    def epoch(self, number: int) -> dict[str, float]:
        self.learn_graph(number)
        loss = [self.step() for _ in range(INNER)][-1]
        return {"loss": loss, **self.judge(number)}

    def learn_graph(self, number: int) -> None:
        rate = self.settings["rate_graph"]
        self.model.train()
        self.graph.requires_grad_()
        (slope,) = torch.autograd.grad(self.objective(), self.graph)
        self.graph = self.graph.detach()
        self.speed.mul_(MOMENTUM).add_(slope)
        graph = self.graph - rate * self.speed
        graph = (graph + graph.T) / 2
        if (number + 1) % PERIOD == 0:
            graph, self.basis = shrink(graph, PERIOD * rate * self.settings["nuclear"], self.basis)
        self.graph = project(soft(graph, rate * self.settings["sparsity"]))

    def objective(self) -> Tensor:
        """Its smooth part."""
        far = torch.linalg.norm(self.graph - self.given)
        smooth = roughness(self.graph, self.ground.once("kernel", self._kernel))
        taught = self.settings["teaching"] * self.loss()
        return far + taught + self.settings["smoothness"] * smooth

    def _kernel(self) -> Tensor:
        """[N, N] X Xᵀ"""
        features = self.ground.features.astype(np.float32)
        return torch.from_numpy((features @ features.T).toarray()).to(self.ground.device)

    def snapshot(self) -> dict[str, Any]:
        return {**super().snapshot(), "graph": self.graph.clone()}

    def recall(self, snapshot: dict[str, Any]) -> None:
        weights = dict(snapshot)
        self.graph = weights.pop("graph").to(self.ground.device)
        super().recall(weights)
        self.learnt = self.cleaned = sp.csr_array(self.graph.cpu().numpy())

    def state(self) -> dict[str, Any]:
        learning = {"graph": self.graph, "speed": self.speed, "basis": self.basis}
        return {**super().state(), **learning}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        for name in ("graph", "speed", "basis"):
            setattr(self, name, state[name].to(self.ground.device))
