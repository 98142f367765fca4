"""Fine-tuning on labelled windows (section 2.6): a head on the features, all of it trained.

"Frozen" is our reading: the network stays in evaluation mode and is no part of the optimiser, so
neither dropout nor weight decay touches it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.methods.cbramod import sequences
from engine.methods.cbramod.goal import Goal
from engine.methods.cbramod.heads import head
from engine.methods.cbramod.metrics import Found
from engine.methods.cbramod.mixed import mixed
from engine.methods.cbramod.model import CBraMod
from engine.methods.cbramod.params import Precision
from engine.methods.cbramod.pretrain import refuse_diverged

CLIP = 1.0
LOWEST_LR = 1e-6
SMOOTHING = 0.1  # of the labels, with three classes or more
ANSWERED = 64  # windows at a time


class Classifier(nn.Module):
    """The network without its reconstruction layer, and a head: (B, C, S, P) -> (B, outputs), as
    its goal has them. Saved as the official code saves it: `backbone.*` and `classifier.*`."""

    def __init__(
        self,
        backbone: CBraMod,
        name: str,
        *,
        channels: int,
        patches: int,
        outputs: int,
        dropout: float,
        frozen: bool = False,
        sequence: int = 1,
    ):
        super().__init__()
        self.backbone, self.frozen = backbone, frozen
        backbone.proj_out = nn.Sequential(nn.Identity())
        sizes = {"channels": channels, "patches": patches, "outputs": outputs}
        self.classifier = head(name, **sizes, dropout=dropout, sequence=sequence)
        if frozen:
            backbone.requires_grad_(False)

    def train(self, mode: bool = True) -> Classifier:
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.outputs(self.taken(x))

    def taken(self, x: Tensor) -> Tensor:
        """What `outputs` takes of windows (n, C, S, P): the windows, or, where the network is
        frozen, their features (n, C, S, D), which then are made once instead of in every epoch."""
        if not self.frozen:
            return x
        self.backbone.eval()
        with torch.no_grad():
            return torch.cat([self.backbone.features(some) for some in x.split(ANSWERED)])

    def outputs(self, taken: Tensor) -> Tensor:
        return self.classifier(taken if self.frozen else self.backbone.features(taken))


class Tuning:
    """The classifier, its optimiser and its best epoch by validation.

    AdamW with a step size for the network and one for the head, cosine per step; the loss is the
    goal's.
    """

    def __init__(
        self,
        model: Classifier,
        goal: Goal,
        *,
        lr: float,
        lr_head: float,
        weight_decay: float,
        steps: int,
        precision: Precision = "fp32",
    ):
        self.model, self.goal, self.steps, self.precision = model, goal, steps, precision
        groups = [{"params": list(model.classifier.parameters()), "lr": lr_head}]
        if not model.frozen:
            backbone = [p for p in model.backbone.parameters() if p.requires_grad]
            groups.append({"params": backbone, "lr": lr})
        for group in groups:
            group["top"] = group["lr"]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=weight_decay, fused=True)
        self.done, self.epoch = 0, 0
        self.best: dict[str, Any] | None = None

    def step(self, taken: Tensor, y: Tensor) -> float:
        """One batch, as the model's `taken` gives it."""
        share = min(self.done / max(1, self.steps), 1)
        for group in self.optimizer.param_groups:
            top = group["top"]
            group["lr"] = LOWEST_LR + (top - LOWEST_LR) * (1 + math.cos(math.pi * share)) / 2
        self.model.train()
        with mixed(taken, self.precision):
            outputs = self.model.outputs(taken)
        loss = self.goal.loss(outputs.float(), y)
        self.optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        refuse_diverged("lr", self.optimizer.param_groups[-1]["top"], norm.item(), self.done)
        self.optimizer.step()
        self.done += 1
        return loss.item()

    def judge(self, taken: Tensor, rows: np.ndarray, y: np.ndarray) -> Found:
        """Validation after an epoch, as `answers` takes it, with labels (k,); the best epoch so far
        is kept, the first of equals."""
        self.epoch += 1
        found = self.goal.scores(y, answers(self.model, self.goal, taken, rows))
        value = self.goal.choice(found)
        if value is not None and (self.best is None or value > self.best["value"]):
            self.best = {"value": value, "epoch": self.epoch, "model": self._weights()}
        return found

    def finish(self) -> Classifier:
        """The classifier of the best epoch, settled: its training is over."""
        if self.best is not None:
            self.model.load_state_dict(self.best["model"])
        self.goal.settle(self.model.classifier)
        return self.model.eval()

    def state(self) -> dict[str, Any]:
        return {
            "model": self._weights(),
            "optimizer": self.optimizer.state_dict(),
            "done": self.done,
            "epoch": self.epoch,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.epoch, self.best = state["done"], state["epoch"], state["best"]

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.model.state_dict().items()}


@torch.no_grad()
def answers(model: Classifier, goal: Goal, taken: Tensor, rows: np.ndarray) -> np.ndarray:
    """Of windows, as the model's `taken` gives them, those in rows of places (m, L), in evaluation
    mode: each window once, in the order of places; where two rows have it, by the first."""
    model.eval()
    parts = torch.from_numpy(rows).split(max(1, ANSWERED // rows.shape[1]))
    outputs = torch.cat([model.outputs(taken[part.flatten()]) for part in parts])
    return goal.answers(outputs)[sequences.once(rows)]
