"""A backbone with one linear layer that tells classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.models.backbone import Backbone


class Classifier(nn.Module):
    """Logits [batch, classes] out of one vector of each row: an encoder's mean over the tokens of
    the text, a decoder's last token, an image's class token.

    `model` is the backbone's network without an output layer, `head` the linear layer, whose
    fresh weights depend on `seed` alone.
    """

    def __init__(self, backbone: Backbone, classes: int, seed: int):
        super().__init__()
        self.family = backbone.family
        decoder = backbone.family == "decoder"
        self.model = backbone.model.base_model if decoder else backbone.model
        self.head = _linear(backbone.width, classes, seed).to(self.model.device)

    def forward(self, **batch: Tensor) -> Tensor:
        """Of a batch of `tokens.batch`, or pixels [batch, channels, rows, columns]."""
        return self.head(self.vector(**batch))

    def vector(self, **batch: Tensor) -> Tensor:
        """What the head sees of each row [batch, width]."""
        hidden = self.model(**batch).last_hidden_state
        if self.family == "vision":
            return hidden[:, 0]
        mask = batch["attention_mask"]
        if self.family == "decoder":
            last = mask.sum(dim=1) - 1
            return hidden[torch.arange(len(hidden), device=hidden.device), last]
        return mean_over(hidden, mask)


def mean_over(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean of hidden [batch, tokens, width] over the tokens of mask [batch, tokens]."""
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1)


def _linear(width: int, classes: int, seed: int) -> nn.Linear:
    """As `nn.Linear` begins, uniform within ±1/√width, from a generator of its own."""
    made = nn.utils.skip_init(nn.Linear, width, classes)
    generator = torch.Generator().manual_seed(seed)
    bound = width**-0.5
    with torch.no_grad():
        made.weight.uniform_(-bound, bound, generator=generator)
        made.bias.uniform_(-bound, bound, generator=generator)
    return made
