"""MLP: two layers on a node's own features. Whatever is below it under attack is useless."""

from __future__ import annotations

import scipy.sparse as sp
from torch import Tensor, nn

from engine.methods.gagn.defences.fit import HIDDEN, Drop, Fit


class Mlp(nn.Module):
    def __init__(self, inputs: int, classes: int):
        super().__init__()
        self.layers = nn.ModuleList((nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, classes)))

    def forward(self, x: Tensor, graph: None, drop: Drop) -> Tensor:
        return self.layers[1](drop(self.layers[0](x).relu()))


class MlpFit(Fit):
    def structure(self, cleaned: sp.csr_array, weight: Tensor | None = None) -> None:
        return None

    def build(self, inputs: int, classes: int) -> nn.Module:
        return Mlp(inputs, classes)
