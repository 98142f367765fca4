"""Trains the convolutional baselines until validation stops them, and keeps their best epoch.

Adam, classes weighted to be alike (of numbers the squared error), windows standardised per channel
by the training part. A network of a few thousand weights needs dozens of epochs where a large
pre-trained one needs ten: stopped at eight, EEGNet is a straw man.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.methods.cbramod.baselines.labelled import Labelled, require_two_labels
from engine.methods.cbramod.baselines.network import Network
from engine.methods.cbramod.goal import Goal

BATCH = 64
EPOCHS = 100  # at most
PATIENCE = 12  # epochs without a better one on validation
ALONE = 40  # epochs where no validation stops it
ANSWERED = 256  # windows at a time
WORST = (float("-inf"),)  # before the first epoch

Told = Callable[[Mapping[str, Any], int, Mapping[str, float]], None]  # settings, epoch, numbers


def nothing(*of: object) -> None:
    """For who does not want to be told."""


def tensor(x: np.ndarray) -> Tensor:
    """A copy, as windows may lie in a file that is mapped for reading only."""
    return torch.tensor(x, dtype=torch.float32)


class Standardised(nn.Module):
    """A network behind its input's scale: (B, C, T) µV -> (B, K) outputs."""

    mean: Tensor  # (C, 1)
    deviation: Tensor

    def __init__(self, network: Network, train: np.ndarray):
        super().__init__()
        mean, deviation = train.mean(axis=(0, 2)), train.std(axis=(0, 2))
        deviation[deviation == 0] = 1  # a flat channel stays 0
        self.register_buffer("mean", torch.from_numpy(mean)[:, None])
        self.register_buffer("deviation", torch.from_numpy(deviation)[:, None])
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network((x - self.mean) / self.deviation)


class TrainedNetwork:
    def __init__(self, model: nn.Module, goal: Goal, settings: Mapping[str, Any], *, device: str):
        self.model, self.goal, self.device = model, goal, device
        self.settings: Mapping[str, Any] = dict(settings)

    @torch.no_grad()
    def answers(self, x: np.ndarray) -> np.ndarray:
        self.model.eval()
        parts = np.array_split(x, range(ANSWERED, len(x), ANSWERED))
        outputs = [self.model(tensor(part).to(self.device)) for part in parts]
        return self.goal.answers(torch.cat(outputs))


class Training:
    """One training, epoch by epoch. `generator`, on the CPU, is its only source of randomness, and
    its state is kept by whoever owns it."""

    def __init__(
        self,
        build: type[Network],
        train: Labelled,
        val: Labelled | None,
        settings: Mapping[str, Any],
        *,
        generator: torch.Generator,
        device: str = "cpu",
    ):
        require_two_labels(train)
        self.val, self.settings, self.device = val, settings, device
        self.generator = generator
        self.x, self.y, self.goal = train.x, torch.tensor(train.y), train.goal
        _, channels, times = train.x.shape
        with self._seeded():  # layers draw from the global generator
            network = build(channels, times, self.goal.columns, dropout=settings["dropout"])
        self.network = network
        self.model = Standardised(network, train.x).to(device)
        self.optimizer = torch.optim.Adam(network.parameters(), lr=settings["rate"])
        self.epochs, self.best, self.best_epoch = 0, WORST, 0
        self.kept = self._snapshot()

    @property
    def finished(self) -> bool:
        if self.val is None:
            return self.epochs >= ALONE
        return self.epochs >= min(EPOCHS, self.best_epoch + PATIENCE)

    def epoch(self, tick: Callable[[], None] = nothing) -> dict[str, float]:
        """One pass in a new order; `tick` is called after each batch, and may raise to cancel."""
        self.model.train()
        order = torch.randperm(len(self.y), generator=self.generator)
        total = torch.zeros((), device=self.device)
        with self._seeded():  # dropout draws from the global generator
            for batch in order.split(BATCH):
                total += self._step(batch) * len(batch)
                tick()
        self.epochs += 1
        return {"loss": total.item() / len(order), **self._judge()}

    def trained(self) -> TrainedNetwork:
        """As it was after its best epoch. Nothing is to be trained any more."""
        self.model.load_state_dict(self.kept)
        return TrainedNetwork(self.model, self.goal, self.settings, device=self.device)

    def state(self) -> dict[str, Any]:
        """For a checkpoint between two epochs; the generator's state belongs beside it."""
        return {
            "model": self._snapshot(),
            "optimizer": self.optimizer.state_dict(),
            "kept": self.kept,
            "epochs": self.epochs,
            "best": list(self.best),
            "best_epoch": self.best_epoch,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.kept = dict(state["kept"])
        self.epochs, self.best = state["epochs"], tuple(state["best"])
        self.best_epoch = state["best_epoch"]

    def _step(self, batch: Tensor) -> Tensor:
        x, y = tensor(self.x[batch.numpy()]).to(self.device), self.y[batch].to(self.device)
        self.optimizer.zero_grad()
        loss = self.goal.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        self.network.limit()
        return loss.detach()

    def _judge(self) -> dict[str, float]:
        if self.val is None:
            self.kept = self._snapshot()
            return {}
        model = TrainedNetwork(self.model, self.goal, self.settings, device=self.device)
        found = self.val.goal.verdict(self.val.y, model.answers(self.val.x))
        if found > self.best:
            self.best, self.best_epoch, self.kept = found, self.epochs, self._snapshot()
        return self.goal.heard(found)

    def _snapshot(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.model.state_dict().items()}

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        """The global generators seeded from our stream, then put back."""
        cuda = [self.device] if self.device.startswith("cuda") else []
        with torch.random.fork_rng(devices=cuda):
            torch.manual_seed(int(torch.randint(1 << 62, (), generator=self.generator)))
            yield


def fit(
    build: type[Network],
    train: Labelled,
    val: Labelled | None,
    *,
    generator: torch.Generator,
    device: str = "cpu",
    grid: Sequence[Mapping[str, Any]] | None = None,
    told: Told = nothing,
    tick: Callable[[], None] = nothing,
) -> TrainedNetwork:
    """A training per setting of the grid (the network's own); validation chooses, the first of
    equals. Without validation it is the first setting alone. `told` hears each epoch's numbers."""
    tried = list(grid or build.grid)
    chosen: Training | None = None
    for settings in tried if val is not None else tried[:1]:
        training = Training(build, train, val, settings, generator=generator, device=device)
        while not training.finished:
            numbers = training.epoch(tick)
            told(settings, training.epochs, numbers)
        if chosen is None or training.best > chosen.best:
            chosen = training
    return chosen.trained()
