"""What deployment does to merged weights: rounding to few bits, and pruning.

Both are ours, the plainest of their kind: they show what a flat minimum bears, no best practice.
"""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def rounded(weight: Tensor, bits: int) -> Tensor:
    """(m, n) with each row at the nearest of the 2ᵇ − 1 multiples k q_i, |k| ≤ 2ᵇ⁻¹ − 1.

    q_i = max_j |W_ij| / (2ᵇ⁻¹ − 1): symmetric, one step per row, no calibration data.
    """
    if bits < 2:
        raise ValueError(f"a signed weight takes two bits at least, not {bits}")
    most = 2 ** (bits - 1) - 1
    step = weight.abs().amax(dim=1, keepdim=True) / most
    whole = weight / torch.where(step == 0, 1, step)
    return whole.round_().clamp_(-most, most).mul_(step)


@torch.no_grad()
def pruned(weight: Tensor, share: float) -> Tensor:
    """(m, n) with that share of all entries, the smallest in magnitude, at zero."""
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies in [0, 1], not {share}")
    flat = weight.flatten().clone()
    smallest = flat.abs().topk(round(share * flat.numel()), largest=False, sorted=False).indices
    flat[smallest] = 0
    return flat.view(weight.shape)
