"""GCN: two graph convolutions (Kipf and Welling, 2017), over edges or over any linear operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm
from torch_geometric.utils import from_scipy_sparse_matrix

from engine.methods.gagn.defences.fit import HIDDEN, Drop, Fit

Edges = tuple[Tensor, Tensor]  # [2, E] with self-loops, and their weights [E]


class Gcn(nn.Module):
    """Over edges whose weights are normalised already: D̃^-½ (A + I) D̃^-½."""

    def __init__(self, inputs: int, classes: int):
        super().__init__()
        convolutions = (
            GCNConv(inputs, HIDDEN, normalize=False),
            GCNConv(HIDDEN, classes, normalize=False),
        )
        self.layers = nn.ModuleList(convolutions)

    def forward(self, x: Tensor, graph: Edges, drop: Drop) -> Tensor:
        return self.layers[1](drop(self.layers[0](x, *graph).relu()), *graph)


class Convolution(nn.Module):
    """spread(x W) + b, where no list of edges says what `spread` does."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.xavier_uniform_(self.weight)  # as GCNConv

    def forward(self, x: Tensor, spread: Callable[[Tensor], Tensor]) -> Tensor:
        return spread(x @ self.weight) + self.bias


class OperatorGcn(nn.Module):
    """The same GCN over an operator [N, ·] -> [N, ·]."""

    def __init__(self, inputs: int, classes: int):
        super().__init__()
        self.layers = nn.ModuleList((Convolution(inputs, HIDDEN), Convolution(HIDDEN, classes)))

    def operator(self, graph: Any) -> Callable[[Tensor], Tensor]:
        return graph

    def forward(self, x: Tensor, graph: Any, drop: Drop) -> Tensor:
        spread = self.operator(graph)
        return self.layers[1](drop(self.layers[0](x, spread).relu()), spread)


class GcnFit(Fit):
    grid = ({"dropout": 0.5}, {"dropout": 0.8})

    def structure(self, cleaned: sp.csr_array, weight: Tensor | None = None) -> Edges:
        edges = from_scipy_sparse_matrix(cleaned.tocoo())[0].to(self.ground.device)
        return gcn_norm(edges, weight, self.ground.nodes, dtype=torch.float32)

    def build(self, inputs: int, classes: int) -> nn.Module:
        return Gcn(inputs, classes)
