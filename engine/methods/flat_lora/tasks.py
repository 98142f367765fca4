"""What is learnt, and how it is judged: classes of texts or images, or the next token.

A batch is a dict of tensors as engine/models/tokens.py makes them; `labels` are taken out of it
before the model sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.models.tokens import IGNORED, order

Batch = dict[str, Tensor]
EVALUATION = 16  # rows at once, where nothing is learnt: few, so that little of them is padding


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows of one part of the data, ready for a model.

    lengths: (n,) tokens; labels: (n,) classes, or None; make: places within this part -> their
    batch.
    """

    lengths: np.ndarray
    labels: np.ndarray | None
    make: Callable[[np.ndarray], Batch]

    def __len__(self) -> int:
        return len(self.lengths)

    def batches(self, size: int = EVALUATION) -> Iterator[tuple[np.ndarray, Batch]]:
        """Places and batch, all rows once, those of a length together."""
        for places in order(self.lengths, size):
            yield places, self.make(places)

    def epoch(self, size: int, rng: np.random.Generator) -> list[np.ndarray]:
        """The places of each batch of a shuffled pass."""
        return order(self.lengths, size, rng)

    def some(self, count: int, rng: np.random.Generator) -> Examples:
        """At most `count` of these rows, drawn without replacement."""
        if count >= len(self):
            return self
        kept = np.sort(rng.permutation(len(self))[:count])
        return Examples(
            self.lengths[kept],
            None if self.labels is None else self.labels[kept],
            lambda places: self.make(kept[places]),
        )


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model makes of examples: (n,) losses, (n,) what each counts (1, or its tokens), and
    of classes the (n, K) probabilities."""

    losses: np.ndarray
    counts: np.ndarray
    probabilities: np.ndarray | None

    @property
    def loss(self) -> float:
        """Mean per row, or per token, in nat."""
        return float((self.losses * self.counts).sum() / self.counts.sum())


@dataclass(frozen=True)
class Classes:
    """To tell classes apart; the loss is the cross-entropy."""

    names: tuple[str, ...]

    def objective(self, model: nn.Module, batch: Batch) -> Tensor:
        inputs, labels = split(batch)
        return F.cross_entropy(model(**inputs).float(), labels)

    def count(self, batch: Batch) -> int:
        """What the objective is the mean over."""
        return len(batch["labels"])

    def losses(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
        inputs, labels = split(batch)
        logits = model(**inputs).float()
        losses = F.cross_entropy(logits, labels, reduction="none")
        return losses, torch.ones_like(losses), logits.softmax(1)

    def scores(self, labels: np.ndarray, found: Answers) -> dict[str, float | None]:
        from sklearn import metrics  # takes seconds to load, and the what-if does without

        answers = found.probabilities.argmax(axis=1)
        if len(self.names) == 2:
            f1 = metrics.f1_score(labels, answers, zero_division=0)
        else:  # over the same classes for every variant, whatever one of them answers
            there = np.unique(labels)
            f1 = metrics.f1_score(labels, answers, labels=there, average="macro", zero_division=0)
        return {
            "accuracy": float((labels == answers).mean()),
            "mcc": float(metrics.matthews_corrcoef(labels, answers)),
            "f1": float(f1),  # of the second class of two, else the mean of the classes there
            "test_loss": found.loss,
        }


@dataclass(frozen=True)
class NextToken:
    """To go on; the loss is the mean over the tokens that count: a completion's, or all."""

    names: tuple[str, ...] = ()

    def objective(self, model: nn.Module, batch: Batch) -> Tensor:
        losses, counts, _ = self.losses(model, batch)
        return (losses * counts).sum() / counts.sum()

    def count(self, batch: Batch) -> int:
        return int((batch["labels"][:, 1:] != IGNORED).sum())

    def losses(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
        inputs, labels = split(batch)
        logits = model(**inputs).logits[:, :-1].float()
        wanted = labels[:, 1:]
        losses = F.cross_entropy(
            logits.transpose(1, 2), wanted, ignore_index=IGNORED, reduction="none"
        )
        counts = (wanted != IGNORED).sum(1)
        return losses.sum(1) / counts.clamp(min=1), counts.float(), None

    def scores(self, labels: np.ndarray | None, found: Answers) -> dict[str, float | None]:
        with np.errstate(over="ignore"):
            return {"test_loss": found.loss, "perplexity": float(np.exp(found.loss))}


Task = Classes | NextToken


def split(batch: Batch) -> tuple[dict[str, Any], Tensor]:
    return {name: value for name, value in batch.items() if name != "labels"}, batch["labels"]


@torch.no_grad()
def answered(
    task: Task, model: nn.Module, examples: Examples, tick: Callable[[], None] = lambda: None
) -> Answers:
    """What a model in evaluation mode makes of examples; `tick` is called after each batch."""
    n = len(examples)
    losses, counts, probabilities = np.zeros(n), np.zeros(n), None
    for places, batch in examples.batches():
        one, many, shares = task.losses(model, batch)
        losses[places], counts[places] = one.cpu().numpy(), many.cpu().numpy()
        if shares is not None:
            if probabilities is None:
                probabilities = np.zeros((n, shares.shape[1]))
            probabilities[places] = shares.cpu().numpy()
        tick()
    return Answers(losses, counts, probabilities)


class Probe:
    """Fixed rows whose mean loss is asked again and again: their batches are made once."""

    def __init__(self, task: Task, examples: Examples):
        self.task, self.rows = task, len(examples)
        self.batches = [batch for _, batch in examples.batches()]

    @torch.no_grad()
    def loss(self, model: nn.Module) -> float:
        """Mean over rows, or tokens, in nat."""
        total, counts = 0.0, 0.0
        for batch in self.batches:
            losses, many, _ = self.task.losses(model, batch)
            total += (losses * many).sum().item()
            counts += many.sum().item()
        return total / counts
