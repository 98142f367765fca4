"""What a reconstruction is worth: the error of three guesses that learn little or nothing.

All take x (n, C, S, P) and mask (n, C, S), true where hidden, and answer the mean squared error
over the samples of hidden patches, as the network is judged. Source: ours.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.methods.cbramod.model import masked_error

RIDGE = 1e-6  # of the mean variance; channels that were referenced together are dependent


def zero(x: Tensor, mask: Tensor) -> float:
    """Nothing: the error is the variance."""
    return masked_error(torch.zeros_like(x), x, mask).item()


def channel_mean(x: Tensor, mask: Tensor) -> float:
    """The mean of the visible channels at the same instant, zero where there is none."""
    visible = (~mask)[..., None].to(x.dtype)
    mean = (x * visible).sum(1, keepdim=True) / visible.sum(1, keepdim=True).clamp(min=1)
    return masked_error(mean.expand_as(x), x, mask).item()


def covariance(x: Tensor) -> Tensor:
    """Of the channels over all instants of some windows, (C, C), in double precision."""
    flat = x.transpose(0, 1).flatten(1).double()
    return flat @ flat.T / flat.shape[1]


def gaussian(x: Tensor, mask: Tensor, spread: Tensor) -> float:
    """The expectation of the hidden channels given the visible ones at the same instant, were
    the channels Gaussian with covariance `spread` (C, C): the best that is linear in space."""
    return masked_error(conditional(x, mask, spread), x, mask).item()


def conditional(x: Tensor, mask: Tensor, spread: Tensor) -> Tensor:
    """E(hidden | visible) = K_hv K_vv^-1 visible, all patches at once, (n, C, S, P)."""
    channels = len(spread)
    ridge = RIDGE * spread.trace() / channels
    seen = (~mask).transpose(1, 2).double()  # (n, S, C)
    within = spread * seen[..., :, None] * seen[..., None, :]
    within = within + torch.diag_embed(1 - seen + ridge)  # hidden ones: an identity, apart
    visible = x.transpose(1, 2).double() * seen[..., None]  # (n, S, C, P)
    guess = spread @ torch.linalg.solve(within, visible)
    return guess.transpose(1, 2).to(x.dtype)
