"""The criss-cross blocks on a CPU when nothing has to be kept for a way back.

The numbers of model.Block to a rounding, for less traffic between a core and its memory, which is
what a forward pass is slow by there: products are added to what already holds residual and bias,
heads are read where they lie in the fused projection, and hidden features overwrite one another, of
a few windows at a time (benchmarks/cbramod.py). Not for autocast, whose products would not fit what
they are added to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.methods.cbramod.attention import Attention

if TYPE_CHECKING:
    from engine.methods.cbramod.model import Block

CACHED = 2400  # patches whose features pass through all blocks before the next ones start


def through(layers: Iterable[Block], x: Tensor) -> Tensor:
    """(B, C, S, D) -> (B, C, S, D), a few windows at a time."""
    blocks = list(layers)
    windows = max(1, CACHED // (x.shape[1] * x.shape[2]))
    return torch.cat([_through(blocks, piece) for piece in x.split(windows)])


def _through(blocks: list[Block], x: Tensor) -> Tensor:
    x = x.clone(memory_format=torch.contiguous_format)  # what the blocks add to
    hidden = x.new_empty(x.shape[:3].numel(), blocks[0].linear1.out_features)
    rows = x.view(len(hidden), -1)
    for block in blocks:
        _criss_cross(block, x)
        up, down = block.linear1, block.linear2
        torch.addmm(up.bias, block.norm2(rows), up.weight.T, out=hidden)
        torch.ops.aten.gelu_(hidden)
        rows.add_(down.bias).addmm_(hidden, down.weight.T)
    return x


def _criss_cross(block: Block, x: Tensor) -> None:
    """Add to x what both attentions heard."""
    over_channels, over_patches = block.norm1(x).chunk(2, dim=-1)
    across, along = block.self_attn_s, block.self_attn_t
    x += torch.cat((_bias(across), _bias(along)))
    for_channels, for_patches = x.chunk(2, dim=-1)
    columns = over_channels.transpose(1, 2)
    heard = _heard(across, columns) @ across.out_proj.weight.T
    for_channels += heard.view(columns.shape).transpose(1, 2)
    for_patches.flatten(0, 2).addmm_(_heard(along, over_patches), along.out_proj.weight.T)


def _heard(attention: Attention, x: Tensor) -> Tensor:
    """What attention passes to its last projection, (B·R·L, W), of (B, R, L, W), but for the
    bias of its values. That of its keys moves all scores of a row alike and is left out."""
    batch, rows, length, width = x.shape
    heads, scale = attention.heads, (width // attention.heads) ** -0.5
    fused = x.flatten(0, 2) @ attention.in_proj_weight.T
    fused[:, :width] += attention.in_proj_bias[:width]
    parts = fused.view(batch * rows, length, 3, heads, width // heads)
    queries, keys, values = parts.unbind(2)
    shares = x.new_empty(heads, batch * rows, length, length)
    heard = x.new_empty(heads, batch * rows, length, width // heads)
    for head in range(heads):
        asked, keyed = queries[:, :, head], keys[:, :, head].mT
        torch.baddbmm(shares[head], asked, keyed, beta=0, alpha=scale, out=shares[head])
    shares = shares.softmax(-1)
    for head in range(heads):
        torch.bmm(shares[head], values[:, :, head], out=heard[head])
    return heard.permute(1, 2, 0, 3).reshape(-1, width)


def _bias(attention: Attention) -> Tensor:
    """That of the last projection and, as shares sum to 1, that of the values through it."""
    width, last = attention.out_proj.in_features, attention.out_proj
    return torch.addmv(last.bias, last.weight, attention.in_proj_bias[2 * width :])
