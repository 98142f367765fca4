"""GAT (Veličković et al., 2018): 8 heads of 8 units, then one head per class, dropout 0.6."""

from __future__ import annotations

from typing import Any

import scipy.sparse as sp
from torch import Tensor, nn
from torch_geometric.nn import GATConv
from torch_geometric.utils import from_scipy_sparse_matrix, scatter

from engine.methods.gagn.defences.fit import DECAY, Drop, Fit

HEADS = UNITS = 8


Edges = tuple[Tensor, Tensor | None]  # [2, E], and how far each is there [E]


class Attention(GATConv):
    """Edges may be there to some degree: α_ij ∝ w_ij exp(e_ij)."""

    def edge_update(
        self,
        alpha_j: Tensor,
        alpha_i: Tensor,
        edge_attr: Tensor | None,
        index: Tensor,
        ptr: Tensor | None,
        dim_size: int,
    ) -> Tensor:
        share = super().edge_update(alpha_j, alpha_i, None, index, ptr, dim_size)
        if edge_attr is None:
            return share
        heard = share * edge_attr[:, None]
        return heard / scatter(heard, index, dim_size=dim_size)[index]


class Gat(nn.Module):
    def __init__(self, inputs: int, classes: int, dropout: float):
        super().__init__()
        attentions = (
            Attention(inputs, UNITS, heads=HEADS, dropout=dropout, fill_value=1.0),
            Attention(HEADS * UNITS, classes, dropout=dropout, fill_value=1.0),
        )
        self.layers = nn.ModuleList(attentions)

    def forward(self, x: Tensor, graph: Edges, drop: Drop) -> Tensor:
        hidden = nn.functional.elu(self.layers[0](x, *graph))
        return self.layers[1](drop(hidden), *graph)


class GatFit(Fit):
    """Validation chooses between the settings of the paper and those of the attack literature."""

    defaults = {"dropout": 0.6, "rate": 0.005}
    grid = ({"dropout": 0.6, "rate": 0.005}, {"dropout": 0.5, "rate": 0.01})

    def structure(self, cleaned: sp.csr_array, weight: Tensor | None = None) -> Edges:
        return from_scipy_sparse_matrix(cleaned.tocoo())[0].to(self.ground.device), weight

    def build(self, inputs: int, classes: int) -> nn.Module:
        return Gat(inputs, classes, self.settings["dropout"])

    def groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.model.parameters()), "weight_decay": DECAY}]

    def loss(self) -> Tensor:
        with self._seeded():  # the layers drop attention themselves
            return super().loss()
