"""Multi-head attention along one axis, fast where sequences are short.

A window has tens of channels and patches, so there are many small attentions. On a CPU plain
batched products beat the fused kernel twofold there (benchmarks/cbramod.py); on a GPU the fused
one is used.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.methods.cbramod.dropout import Dropout


class Attention(nn.Module):
    """Parameters as in torch's own `nn.MultiheadAttention`, so that checkpoints fit."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, Dropout(dropout)
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, R, L, W) -> (B, R, L, W): in each of the B x R rows its L items attend to one
        another."""
        queries, keys, values = self.projected(x)
        if x.is_cuda:
            rate = self.dropout.rate if self.training else 0.0
            heard = F.scaled_dot_product_attention(queries, keys, values, dropout_p=rate)
        else:
            heard = torch.bmm(self.dropout(self.shares(queries, keys)), values)
        batch, rows, length, width = x.shape
        heard = heard.view(batch, rows, self.heads, length, -1).transpose(2, 3)
        return self.out_proj(heard.reshape(-1, width)).view(x.shape)

    def maps(self, x: Tensor) -> Tensor:
        """The weights that `forward` gives values, (B, R, heads, L, L): a row is who asks, a column
        who is heard, and rows sum to 1."""
        batch, rows, length, _ = x.shape
        queries, keys, _ = self.projected(x)
        return self.shares(queries, keys).view(batch, rows, self.heads, length, length)

    def projected(self, x: Tensor) -> Tensor:
        """Queries, keys and values, (3, B·R·heads, L, W / heads)."""
        batch, rows, length, width = x.shape
        flat = x.flatten(0, 2)  # often a view, whose rows may lie apart: the product needs no copy
        fused = F.linear(flat, self.in_proj_weight, self.in_proj_bias)
        parts = fused.view(batch, rows, length, 3, self.heads, width // self.heads)
        return parts.permute(3, 0, 1, 4, 2, 5).reshape(3, -1, length, width // self.heads)

    def shares(self, queries: Tensor, keys: Tensor) -> Tensor:
        """How much each item attends to each, (B·R·heads, L, L); rows sum to 1."""
        scale = queries.shape[-1] ** -0.5
        scores = queries.new_empty(()).expand(len(queries), queries.shape[1], keys.shape[1])
        return torch.baddbmm(scores, queries, keys.mT, beta=0, alpha=scale).softmax(-1)
