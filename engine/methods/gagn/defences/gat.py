"""GAT (Veličković et al., 2018): 8 heads of 8 units, then one head per class, dropout 0.6."""

from __future__ import annotations

from typing import Any

import scipy.sparse as sp
from torch import Tensor, nn
from torch_geometric.nn import GATConv
from torch_geometric.utils import from_scipy_sparse_matrix

from engine.methods.gagn.defences.fit import DECAY, Drop, Fit

HEADS = UNITS = 8


class Gat(nn.Module):
    def __init__(self, inputs: int, classes: int, dropout: float):
        super().__init__()
        attentions = (
            GATConv(inputs, UNITS, heads=HEADS, dropout=dropout),
            GATConv(HEADS * UNITS, classes, dropout=dropout),
        )
        self.layers = nn.ModuleList(attentions)

    def forward(self, x: Tensor, graph: Tensor, drop: Drop) -> Tensor:
        return self.layers[1](drop(nn.functional.elu(self.layers[0](x, graph))), graph)


class GatFit(Fit):
    """Validation chooses between the settings of the paper and those of the attack literature."""

    defaults = {"dropout": 0.6, "rate": 0.005}
    grid = ({"dropout": 0.6, "rate": 0.005}, {"dropout": 0.5, "rate": 0.01})

    def structure(self, cleaned: sp.csr_array) -> Tensor:
        return from_scipy_sparse_matrix(cleaned.tocoo())[0].to(self.ground.device)

    def build(self, inputs: int, classes: int) -> nn.Module:
        return Gat(inputs, classes, self.settings["dropout"])

    def groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.model.parameters()), "weight_decay": DECAY}]

    def loss(self) -> Tensor:
        with self._seeded():  # the layers drop attention themselves
            return super().loss()
