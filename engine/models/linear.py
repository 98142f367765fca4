"""Linear layers that transformers keeps transposed (GPT-2's Conv1D), as linear layers proper.

Adapters, noise by rows and measures of flatness all take weights as [outputs, inputs].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D


class Turned(nn.Linear):
    """One whose weight is written transposed."""


def turn(model: nn.Module) -> None:
    """Put a linear layer in the place of each transposed one."""
    for name, module in list(model.named_modules()):
        if isinstance(module, Conv1D):
            made = nn.utils.skip_init(Turned, *module.weight.shape)
            made.weight = nn.Parameter(module.weight.detach().T.contiguous())
            made.bias = module.bias
            model.set_submodule(name, made)


@torch.no_grad()
def written(model: nn.Module) -> dict[str, Tensor]:
    """The weights as transformers writes them."""
    found = model.state_dict()
    for name, module in model.named_modules():
        if isinstance(module, Turned):
            found[f"{name}.weight"] = found[f"{name}.weight"].T.contiguous()
    return found
