"""Mixed precision: products in bfloat16, weights, norms and losses in float32."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.methods.cbramod.params import Precision


def mixed(x: Tensor, precision: Precision) -> torch.autocast:
    """The context in which a network sees x, on the device of x."""
    return torch.autocast(x.device.type, torch.bfloat16, enabled=precision == "bf16")
