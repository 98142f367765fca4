"""What the trainings of all defences have in common: epochs, snapshots, checkpoints.

Trained as the GCN's authors did: Adam 0.01, decay 5e-4 on the first layer, dropout on features and
hidden units. Kept is the last snapshot that improved validation accuracy or validation loss, which
is how the attack literature picks it. A defence overrides the steps in which it differs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.methods.gagn.defences.ground import Ground
from engine.methods.gagn.defences.similarity import places

Drop = Callable[[Tensor], Tensor]
HIDDEN = 16
DECAY = 5e-4


def keep(hidden: Tensor) -> Tensor:
    """The dropout of evaluation: none."""
    return hidden


class Fit:
    """One training, epoch by epoch, with a state that a checkpoint can hold.

    `drawn` is the training's only source of randomness; its state is kept by whoever owns it.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"dropout": 0.5, "rate": 0.01}
    grid: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)  # what validation chooses from

    def __init__(self, ground: Ground, settings: Mapping[str, Any], *, generator: torch.Generator):
        unknown = set(settings) - set(self.defaults)
        if unknown:
            raise ValueError(f"{type(self).__name__} has no setting {', '.join(sorted(unknown))}")
        self.ground, self.generator = ground, generator
        self.settings = {**self.defaults, **settings}
        self.cleaned = self.clean(ground.adjacency)
        self.graph = self.structure(self.cleaned)
        with self._seeded():  # layers draw from the global generator
            self.model = self.build(ground.features.shape[1], ground.classes).to(ground.device)
        self.optimizer = torch.optim.Adam(self.groups(), lr=self.settings["rate"])
        self.best: dict[str, float] = {}
        self.kept = self.snapshot()
        self.top, self.least = -1.0, float("inf")  # validation accuracy and loss so far

    # What defences override

    def clean(self, adjacency: sp.csr_array) -> sp.csr_array:
        """The graph that it trusts, of one that it is given."""
        return adjacency

    def structure(self, cleaned: sp.csr_array, weight: Tensor | None = None) -> Any:
        """A trusted graph in the form that the model's layers take. `weight` (nnz,): to which
        degree each of its entries is there, differentiable; without it, all are."""
        raise NotImplementedError

    def relaxed(self, pattern: sp.csr_array, weight: Tensor) -> Any:
        """The structure of a graph whose entries are there to some degree, cleaned like its own."""
        kept = self.clean(pattern)
        place = torch.from_numpy(places(pattern, kept)).to(weight.device)
        return self.structure(kept, weight[place])

    def build(self, inputs: int, classes: int) -> nn.Module:
        """The model: (x [N, F], structure, drop) -> [N, C], with its layers in `layers`."""
        raise NotImplementedError

    def groups(self) -> list[dict[str, Any]]:
        first, second = self.model.layers
        return [
            {"params": list(first.parameters()), "weight_decay": DECAY},
            {"params": list(second.parameters()), "weight_decay": 0.0},
        ]

    def loss(self) -> Tensor:
        ground = self.ground
        shares = self.model(ground.x(self._drop(ground.values)), self.graph, self._drop)
        train = ground.part["train"]
        return F.cross_entropy(shares[train], ground.labels[train])

    def snapshot(self) -> dict[str, Any]:
        """What `recall` needs to answer as now."""
        return {name: value.clone() for name, value in self.model.state_dict().items()}

    def recall(self, snapshot: dict[str, Any]) -> None:
        self.model.load_state_dict(snapshot)

    # Training

    def epoch(self, number: int) -> dict[str, float]:
        loss = self.step()
        return {"loss": loss, **self.judge(number)}

    def step(self) -> float:
        self.model.train()
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def answer(self, graph: Any) -> Tensor:
        """[N, C] of the model as it is."""
        self.model.eval()
        return self.model(self.ground.x(self.ground.values), graph, keep)

    def judge(self, number: int) -> dict[str, float]:
        """Look at validation; a better snapshot is kept."""
        labels, part = self.ground.labels, self.ground.part
        shares = self.answer(self.graph)
        right = shares.argmax(1) == labels
        score = {name: right[nodes].double().mean().item() for name, nodes in part.items()}
        surprise = F.cross_entropy(shares[part["val"]], labels[part["val"]]).item()
        if score["val"] > self.top or surprise < self.least:
            asked = {f"{name}_accuracy": score[name] for name in part if name != "train"}
            self.best = {**asked, "epoch": number}
            self.kept = self.snapshot()
        self.top, self.least = max(self.top, score["val"]), min(self.least, surprise)
        return {"train_accuracy": score["train"], "val_accuracy": score["val"]}

    # Going on

    def state(self) -> dict[str, Any]:
        slots = self.optimizer.state_dict()["state"]
        return {
            "model": dict(self.model.state_dict()),
            "adam": [dict(slots[k]) for k in sorted(slots)],
            "best": self.best,
            "kept": self.kept,
            "top": self.top,
            "least": self.least,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        stored = self.optimizer.state_dict()
        stored["state"] = dict(enumerate(state["adam"]))
        self.optimizer.load_state_dict(stored)
        self.best, self.kept = dict(state["best"]), dict(state["kept"])
        self.top, self.least = state["top"], state["least"]

    # Randomness

    def _drop(self, hidden: Tensor) -> Tensor:
        """Dropout from our own stream, so that a resume goes on with the same draws."""
        mask = torch.rand(hidden.shape, generator=self.generator).to(hidden.device)
        return hidden * (mask >= self.settings["dropout"]) / (1 - self.settings["dropout"])

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        """For layers that draw from the global generator: seeded from our stream, then put back."""
        cuda = [self.ground.device] if self.ground.device.startswith("cuda") else []
        with torch.random.fork_rng(devices=cuda):
            torch.manual_seed(int(torch.randint(1 << 62, (), generator=self.generator)))
            yield


class Trained:
    """A defence after training, at the snapshot that validation chose, as an attacker meets it."""

    def __init__(self, fit: Fit):
        self._fit = copy.copy(fit)
        self._fit.model = copy.deepcopy(fit.model)  # training may go on
        self._fit.recall(fit.kept)
        self.settings, self.scores = dict(fit.settings), dict(fit.best)

    @property
    def cleaned(self) -> sp.csr_array:
        """[N, N] The graph that it trusts of the one that it was trained on."""
        return self._fit.cleaned

    def logits(self, adjacency: sp.csr_array) -> Tensor:
        """[N, C] on another graph of the same nodes (evasion): cleaned like its own, not learnt."""
        fit = self._fit
        return fit.answer(fit.structure(fit.clean(adjacency)))

    def relaxed(self, pattern: sp.csr_array, weight: Tensor) -> Tensor:
        """[N, C] on a graph whose entries are there to some degree [nnz]; differentiable in it."""
        fit = self._fit
        fit.model.eval()
        graph = fit.relaxed(pattern, weight.to(fit.ground.device))
        return fit.model(fit.ground.x(fit.ground.values), graph, keep)
