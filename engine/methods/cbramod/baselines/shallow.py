"""ShallowConvNet (Schirrmeister et al., 2017): log band power, with bands and patterns learnt.

Its two convolutions have nothing between them, so they are computed as the one that they make
together: the same numbers in a seventh of the time.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.core.errors import UserError
from engine.methods.cbramod.baselines.network import Network

FILTERS = 40
KERNEL = 25
POOL, STRIDE = 75, 15
LEAST = 1e-6  # a power's logarithm begins here


class ShallowConvNet(Network):
    # The paper's dropout, and braindecode's rate for it first.
    grid = (
        {"rate": 6e-4, "dropout": 0.5},
        {"rate": 2e-3, "dropout": 0.5},
        {"rate": 6e-4, "dropout": 0.75},
    )

    def __init__(self, channels: int, times: int, outputs: int, *, dropout: float):
        super().__init__()
        least = KERNEL - 1 + POOL
        if times < least:
            raise UserError("baselines", f"shallow needs windows of {least} samples, not {times}")
        # No biases: the normalisation takes off any constant.
        self.temporal = nn.Conv2d(1, FILTERS, (1, KERNEL), bias=False)
        self.spatial = nn.Conv2d(FILTERS, FILTERS, (channels, 1), bias=False)
        self.norm = nn.BatchNorm1d(FILTERS)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(FILTERS * ((times - least) // STRIDE + 1), outputs)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.norm(self.convolved(x)).square()  # (B, 40, T - 24)
        power = F.avg_pool1d(hidden, POOL, STRIDE)
        return self.answer(self.dropout(power.clamp(min=LEAST).log()).flatten(1))

    def convolved(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, 40, T - 24): `temporal`, then `spatial`."""
        time, space = self.temporal.weight[:, 0, 0], self.spatial.weight[..., 0]
        return F.conv1d(x, torch.einsum("oic,ik->ock", space, time))

    @torch.no_grad()
    def limit(self) -> None:
        self.temporal.weight.renorm_(2, 0, 2.0)
        self.spatial.weight.renorm_(2, 0, 2.0)
        self.answer.weight.renorm_(2, 0, 0.5)
