"""What fine-tuning learns of a window: its class, or a number. All that differs between the two.

Labels y (n,) are int64 places of classes, or float64 numbers. Outputs (n, ·) are what a network
gives; answers are (n, K) float64 probabilities, or (n,) float64 numbers in the labels' unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.methods.cbramod import metrics
from engine.methods.cbramod.metrics import Found

DIGITS = 9  # of a probability, as many as 32 bits hold: fewer make ties, which AUROC counts


@dataclass(frozen=True, eq=False)
class Classes:
    """Cross-entropy, of one output alone binary. `weights` (K,) of the classes in the loss (ours),
    `smoothing` of the labels with three outputs or more."""

    count: int
    weights: Tensor
    smoothing: float = 0.0

    name: ClassVar = "class"
    key: ClassVar = "balanced_accuracy"  # which judges, in all and fold by fold
    words: ClassVar = "balanced accuracy"
    within: ClassVar = (0.0, 1.0)  # what the key can be
    of_subject: ClassVar = ("balanced_accuracy", "balanced accuracy")  # which judges, and its words
    titles: ClassVar[Mapping[str, str]] = {}  # of models that are called otherwise here

    @property
    def ranks(self) -> tuple[str, ...]:
        """Keys of what depends on how answers stand to each other alone."""
        return ("auc_pr", "auroc") if self.count == 2 else ()

    @property
    def outputs(self) -> int:
        return 1 if self.count == 2 else self.count

    @property
    def columns(self) -> int:
        """Outputs of a network that gives each class its own."""
        return self.count

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        weights = self.weights.to(outputs.device)
        if outputs.shape[1] == 1:
            each = F.binary_cross_entropy_with_logits(
                outputs[:, 0], y.to(outputs.dtype), reduction="none"
            )
            weight = weights[y]
            return (each * weight).sum() / weight.sum()
        return F.cross_entropy(outputs, y, weight=weights, label_smoothing=self.smoothing)

    def answers(self, outputs: Tensor) -> np.ndarray:
        if outputs.shape[1] == 1:
            of_one = outputs[:, 0].double().sigmoid()
            return torch.stack([1 - of_one, of_one], dim=1).cpu().numpy()
        return outputs.double().softmax(dim=1).cpu().numpy()

    def settle(self, head: nn.Sequential) -> None:
        """Nothing: outputs are logits before and after."""

    def scores(self, y: np.ndarray, answers: np.ndarray) -> Found:
        return metrics.classification(y, answers)

    def value(self, y: np.ndarray, answers: np.ndarray) -> float | None:
        """Of the key alone."""
        return metrics.balanced_accuracy(y, metrics.answered(answers))

    def choice(self, found: Found) -> float | None:
        """What validation chooses an epoch by, more is better."""
        value = found["auroc"] if "auroc" in found else found["kappa"]
        return found["balanced_accuracy"] if value is None else value

    def verdict(self, y: np.ndarray, answers: np.ndarray) -> tuple[float, ...]:
        """What validation chooses a baseline by, more is better: balanced accuracy, of equals the
        log-likelihood.

        Not the likelihood first: on other people a network's grows worse from the first epochs on,
        by ever surer mistakes, while its answers still improve. Each class has the same weight in
        either.
        """
        right = metrics.balanced_accuracy(y, metrics.answered(answers))
        named = np.maximum(answers[np.arange(len(y)), y], np.finfo(np.float32).tiny)
        weights = class_weights(y, self.count)[y]
        return right, float((weights * np.log(named)).sum() / weights.sum())

    def heard(self, verdict: tuple[float, ...]) -> dict[str, float]:
        """A verdict as numbers of an epoch."""
        return {"val_balanced_accuracy": verdict[0], "val_loss": -verdict[1]}

    def commonest(self, y: np.ndarray) -> np.ndarray:
        """(K,) the one answer that fits these labels best: the classes' shares."""
        return np.bincount(y, minlength=self.count) / len(y)

    def confusion(self, y: np.ndarray, answers: np.ndarray) -> np.ndarray | None:
        return metrics.confusion(y, metrics.answered(answers), classes=self.count)

    def named(self, answers: np.ndarray) -> tuple[list[int], list[float]]:
        """Of each window its likeliest class, and how likely that is."""
        places = metrics.answered(answers)
        likely = answers[np.arange(len(answers)), places]
        return places.tolist(), likely.tolist()

    def towards(self, answers: np.ndarray, answer: int) -> np.ndarray:
        """(n,) how near each comes to an answer: its probability."""
        return answers[:, answer]

    def header(self, model: str, names: Sequence[str]) -> list[str]:
        """Of a model's columns in a table of answers."""
        return [f"{model}.{name}" for name in names]

    def cells(self, answer: np.ndarray) -> list[float]:
        return [float(f"{value:.{DIGITS}g}") for value in answer.tolist()]

    def described(self, y: np.ndarray, names: Sequence[str]) -> str:
        counts = np.bincount(y, minlength=self.count)
        told = ", ".join(f"{n} {name}" for name, n in zip(names, counts, strict=True))
        return f"classes: {told}"


@dataclass(frozen=True, eq=False)
class Numbers:
    """Mean squared error of one output, which is the label minus `mean` by `deviation`, those of
    the training windows (ours). Validation chooses by the least RMSE, which for given labels is
    the highest R², and is defined where all labels are one."""

    mean: float = 0.0
    deviation: float = 1.0

    name: ClassVar = "number"
    key: ClassVar = "r2"
    words: ClassVar = "R²"
    within: ClassVar = (-math.inf, 1.0)
    of_subject: ClassVar = ("rmse", "RMSE")  # a subject's labels may all be one
    titles: ClassVar[Mapping[str, str]] = {"majority": "Mean of training"}
    ranks: ClassVar = ("pearson_r",)  # blind to a shift, which each fold's network has its own of
    outputs: ClassVar = 1
    columns: ClassVar = 1

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        wanted = (y - self.mean) / self.deviation
        return F.mse_loss(outputs[:, 0], wanted.to(outputs.dtype))

    def answers(self, outputs: Tensor) -> np.ndarray:
        return outputs[:, 0].double().cpu().numpy() * self.deviation + self.mean

    @torch.no_grad()
    def settle(self, head: nn.Sequential) -> None:
        """Bring the last layer to the labels' unit, so that exported weights need no more."""
        weight, bias = head[-1].parameters()
        weight.mul_(self.deviation)
        bias.mul_(self.deviation).add_(self.mean)

    def scores(self, y: np.ndarray, answers: np.ndarray) -> Found:
        return metrics.regression(y, answers)

    def value(self, y: np.ndarray, answers: np.ndarray) -> float | None:
        return metrics.regression(y, answers)["r2"]

    def choice(self, found: Found) -> float | None:
        return None if found["rmse"] is None else -found["rmse"]

    def verdict(self, y: np.ndarray, answers: np.ndarray) -> tuple[float, ...]:
        return (-metrics.rmse(y, answers),)

    def heard(self, verdict: tuple[float, ...]) -> dict[str, float]:
        return {"val_rmse": -verdict[0]}

    def commonest(self, y: np.ndarray) -> np.ndarray:
        return np.asarray(y.mean())

    def confusion(self, y: np.ndarray, answers: np.ndarray) -> np.ndarray | None:
        return None

    def named(self, answers: np.ndarray) -> tuple[list[float], list[None]]:
        return list(map(shown, answers.tolist())), [None] * len(answers)

    def towards(self, answers: np.ndarray, answer: float) -> np.ndarray:
        return answers

    def header(self, model: str, names: Sequence[str]) -> list[str]:
        return [model]

    def cells(self, answer: np.ndarray) -> list[float]:
        return [shown(float(answer))]

    def described(self, y: np.ndarray, names: Sequence[str]) -> str:
        return f"labels: {y.min():g} to {y.max():g}, mean {y.mean():.4g}"


Goal = Classes | Numbers


def learnt(y: np.ndarray, classes: int, *, balanced: bool = True, smoothing: float = 0.0) -> Goal:
    """The goal of training on these labels; without classes they are numbers."""
    if not classes:
        return Numbers(float(y.mean()), float(y.std()) if np.ptp(y) > 0 else 1.0)
    weights = class_weights(y, classes) if balanced else np.ones(classes)
    return Classes(classes, torch.from_numpy(weights).float(), smoothing)


def settled(classes: int) -> Goal:
    """The goal of a network that is trained, and of judging answers."""
    return Classes(classes, torch.ones(classes)) if classes else Numbers()


def class_weights(y: np.ndarray, classes: int) -> np.ndarray:
    """(K,) of a class in a loss, that makes all alike: n / (K nₖ), 0 where it is not there."""
    counts = np.bincount(y, minlength=classes)
    there = counts > 0
    return np.where(there, len(y) / (there.sum() * np.maximum(counts, 1)), 0.0)


def shown(value: float) -> float:
    """To six digits."""
    return float(f"{value:.6g}")
