"""Masked patch reconstruction (section 2.5): hide half of the patches, guess their samples."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.errors import UserError
from engine.methods.cbramod.mixed import mixed
from engine.methods.cbramod.model import CBraMod, masked_error
from engine.methods.cbramod.params import Precision

SHARE = 0.5  # of the patches that are hidden, each for itself (section 2.1)
CLIP = 1.0  # of the gradient's norm
LOWEST_LR = 1e-5  # where the cosine ends


def hidden(windows: int, channels: int, patches: int, draws: torch.Generator) -> Tensor:
    """A mask (windows, channels, patches), each patch hidden with probability one half; drawn anew
    where that hides nothing at all, as it may of a patch or two."""
    while True:
        mask = torch.rand(windows, channels, patches, generator=draws) < SHARE
        if mask.any() or not mask.numel():
            return mask


def refuse_diverged(field: str, rate: float, norm: float, done: int) -> None:
    """Before the optimiser steps by a gradient that is no number; it is one where loss, outputs
    and weights are."""
    if not math.isfinite(norm):
        raise UserError(
            field,
            f"the gradient of step {done + 1} is {norm}: training diverged; expected a smaller "
            f"step size than {rate:g}, or other weights where some were given",
        )


class Pretraining:
    """The network, its optimiser and where they are: `step` takes one batch further.

    AdamW on every parameter, cosine from `lr` per step after a short warm-up (ours: without one
    the first steps of a fast start are thrown away).
    """

    def __init__(
        self,
        model: CBraMod,
        *,
        lr: float,
        weight_decay: float,
        steps: int,
        warmup: int = 0,
        precision: Precision = "fp32",
    ):
        self.model, self.lr, self.steps, self.warmup = model, lr, steps, warmup
        self.precision = precision
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=lr, weight_decay=weight_decay, fused=True
        )
        self.done = 0

    @property
    def rate(self) -> float:
        """Of the step to come."""
        if self.done < self.warmup:
            return self.lr * (self.done + 1) / self.warmup
        share = (self.done - self.warmup) / max(1, self.steps - self.warmup)
        return LOWEST_LR + (self.lr - LOWEST_LR) * (1 + math.cos(math.pi * min(share, 1))) / 2

    def step(self, x: Tensor, mask: Tensor) -> tuple[float, float]:
        """The loss, and the gradient's norm before it was clipped."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        self.model.train()
        with mixed(x, self.precision):
            guess = self.model(x, mask)
        loss = masked_error(guess.float(), x, mask)
        self.optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        refuse_diverged("pretrain_lr", self.lr, norm.item(), self.done)
        self.optimizer.step()
        self.done += 1
        return loss.item(), norm.item()

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "done": self.done,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done = state["done"]


@torch.no_grad()
def error(model: CBraMod, x: Tensor, mask: Tensor, *, batch: int = 64) -> float:
    """The masked error of some windows in evaluation mode, over all their hidden samples."""
    model.eval()
    total = 0.0
    for some, some_mask in zip(x.split(batch), mask.split(batch), strict=True):
        guess = model(some, some_mask)
        total += masked_error(guess, some, some_mask).item() * some_mask.sum().item()
    return total / mask.sum().item()
