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
from torch.nn import functional as F

from engine.methods.cbramod import metrics
from engine.methods.cbramod.dropout import Dropout
from engine.methods.cbramod.model import WIDTH, CBraMod

CLIP = 1.0
LOWEST_LR = 1e-6
SMOOTHING = 0.1  # of the labels, with three classes or more
ANSWERED = 64  # windows at a time


def head(name: str, *, channels: int, patches: int, outputs: int, dropout: float) -> nn.Module:
    """(B, C, S, D) -> (B, outputs)."""
    everything = channels * patches * WIDTH
    if name == "avg_pool":
        return nn.Sequential(Mean(), nn.Linear(WIDTH, outputs))
    if name == "time_pool":
        return nn.Sequential(MeanOverTime(), nn.Linear(channels * WIDTH, outputs))
    if name == "one_layer":
        return nn.Sequential(nn.Flatten(), nn.Linear(everything, outputs))
    if name == "two_layer":
        layers = [nn.Linear(everything, WIDTH), nn.ELU(), Dropout(dropout)]
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(WIDTH, outputs))
    if name == "all_patch":
        layers = [nn.Linear(everything, patches * WIDTH), nn.ELU(), Dropout(dropout)]
        layers += [nn.Linear(patches * WIDTH, WIDTH), nn.ELU(), Dropout(dropout)]
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(WIDTH, outputs))
    raise ValueError(f"no head is called {name!r}")


class Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(1, 2))


class MeanOverTime(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=2).flatten(1)


class Classifier(nn.Module):
    """The network without its reconstruction layer, and a head: logits (B, K), of two classes
    one logit (B, 1). Saved as the official code saves it: `backbone.*` and `classifier.*`."""

    def __init__(
        self,
        backbone: CBraMod,
        name: str,
        *,
        channels: int,
        patches: int,
        classes: int,
        dropout: float,
        frozen: bool = False,
    ):
        super().__init__()
        self.backbone, self.frozen = backbone, frozen
        backbone.proj_out = nn.Sequential(nn.Identity())
        outputs = 1 if classes == 2 else classes
        self.classifier = head(
            name, channels=channels, patches=patches, outputs=outputs, dropout=dropout
        )
        if frozen:
            backbone.requires_grad_(False)

    def train(self, mode: bool = True) -> Classifier:
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        if self.frozen:
            with torch.no_grad():
                features = self.backbone.features(x)
        else:
            features = self.backbone.features(x)
        return self.classifier(features)


class Tuning:
    """The classifier, its optimiser and its best epoch by validation.

    AdamW with a step size for the network and one for the head, cosine per step; cross-entropy with
    smoothed labels, or binary cross-entropy. `weights` (K,) of the classes in the loss (ours).
    """

    def __init__(
        self,
        model: Classifier,
        *,
        lr: float,
        lr_head: float,
        weight_decay: float,
        steps: int,
        weights: Tensor,
    ):
        self.model, self.steps, self.weights = model, steps, weights
        groups = [{"params": list(model.classifier.parameters()), "lr": lr_head}]
        if not model.frozen:
            backbone = [p for p in model.backbone.parameters() if p.requires_grad]
            groups.append({"params": backbone, "lr": lr})
        for group in groups:
            group["top"] = group["lr"]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=weight_decay, fused=True)
        self.done, self.epoch = 0, 0
        self.best: dict[str, Any] | None = None

    def step(self, x: Tensor, y: Tensor) -> float:
        share = min(self.done / max(1, self.steps), 1)
        for group in self.optimizer.param_groups:
            top = group["top"]
            group["lr"] = LOWEST_LR + (top - LOWEST_LR) * (1 + math.cos(math.pi * share)) / 2
        self.model.train()
        loss = self.loss(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self.done += 1
        return loss.item()

    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        if logits.shape[1] == 1:
            each = F.binary_cross_entropy_with_logits(
                logits[:, 0], y.to(logits.dtype), reduction="none"
            )
            weight = self.weights[y]
            return (each * weight).sum() / weight.sum()
        return F.cross_entropy(logits, y, weight=self.weights, label_smoothing=SMOOTHING)

    def judge(self, x: Tensor, y: np.ndarray) -> dict[str, float | None]:
        """Validation after an epoch; the best one so far is kept, the first of equals."""
        self.epoch += 1
        found = metrics.classification(y, probabilities(self.model, x))
        key = "auroc" if "auroc" in found else "kappa"
        value = found[key] if found[key] is not None else found["balanced_accuracy"]
        if value is not None and (self.best is None or value > self.best["value"]):
            self.best = {"value": value, "epoch": self.epoch, "model": self._weights()}
        return found

    def finish(self) -> Classifier:
        """The classifier of the best epoch."""
        if self.best is not None:
            self.model.load_state_dict(self.best["model"])
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
def probabilities(model: Classifier, x: Tensor) -> np.ndarray:
    """(n, K) float64 of windows (n, C, S, P), in evaluation mode."""
    model.eval()
    return shares(torch.cat([model(part) for part in x.split(ANSWERED)]))


def shares(logits: Tensor) -> np.ndarray:
    """(n, K) float64 probabilities of logits (n, K), or of (n, 1) of two classes."""
    if logits.shape[1] == 1:
        of_one = logits[:, 0].double().sigmoid()
        return torch.stack([1 - of_one, of_one], dim=1).cpu().numpy()
    return logits.double().softmax(dim=1).cpu().numpy()
