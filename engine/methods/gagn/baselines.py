"""The baselines, on torch_geometric layers: MLP, GCN, and GCN on a Jaccard-filtered graph.

Each is trained as the GCN's authors did (hidden 16, dropout on features and hidden units, Adam
0.01, decay 5e-4 on the first layer, 200 epochs), and keeps the last snapshot that improved
validation accuracy or validation loss, which is how the attack literature picks it. Validation
also picks the GCN's dropout and the Jaccard threshold.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import GCNConv
from torch_geometric.utils import from_scipy_sparse_matrix

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.gagn.case import Case

HIDDEN = 16
DROPOUT = 0.5
DROPOUTS = (0.5, 0.8)
RATE = 0.01
DECAY = 5e-4
JACCARD = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1)


class Mlp(nn.Module):
    def __init__(self, inputs: int, classes: int):
        super().__init__()
        self.layers = nn.ModuleList((nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, classes)))

    def forward(self, x: Tensor, edges: Tensor, drop: Any) -> Tensor:
        return self.layers[1](drop(self.layers[0](x).relu()))


class Gcn(nn.Module):
    def __init__(self, inputs: int, classes: int):
        super().__init__()
        convolutions = GCNConv(inputs, HIDDEN, cached=True), GCNConv(HIDDEN, classes, cached=True)
        self.layers = nn.ModuleList(convolutions)

    def forward(self, x: Tensor, edges: Tensor, drop: Any) -> Tensor:
        return self.layers[1](drop(self.layers[0](x, edges).relu()), edges)


@dataclass(frozen=True)
class Unit:
    """One training: a baseline with one setting of what validation tunes."""

    name: str
    threshold: float | None = None
    dropout: float = DROPOUT

    @property
    def key(self) -> str:
        """The prefix of its series; the first setting of each has the baseline's plain name."""
        plain = f"baseline.{self.name}"
        if self == units([self.name])[0]:
            return plain
        if self.threshold is not None:
            return f"{plain}.threshold{round(self.threshold * 100):03d}"
        return f"{plain}.dropout{round(self.dropout * 100):03d}"


def units(names: list[str]) -> list[Unit]:
    todo: list[Unit] = []
    for name in names:
        if name == "jaccard":
            todo += [Unit(name, threshold=value) for value in JACCARD]
        elif name == "gcn":
            todo += [Unit(name, dropout=value) for value in DROPOUTS]
        else:
            todo.append(Unit(name))
    return todo


def jaccard(adjacency: sp.csr_array, features: sp.csr_array) -> tuple[np.ndarray, ...]:
    """(u, v, similarity) of every edge: Jaccard of the non-zero features, or for features that
    are not 0/1 their cosine."""
    upper = sp.triu(adjacency, k=1).tocoo()
    u, v = upper.row.astype(np.int64), upper.col.astype(np.int64)
    values = features.copy()
    binary = bool(np.isin(values.data, (0, 1)).all())
    both = np.asarray(values[u].multiply(values[v]).sum(axis=1)).ravel()
    if binary:
        size = np.asarray(values.sum(axis=1)).ravel()
        bottom = size[u] + size[v] - both
    else:
        length = np.sqrt(np.asarray(values.multiply(values).sum(axis=1)).ravel())
        bottom = length[u] * length[v]
    return u, v, both / np.maximum(bottom, 1e-12)


def purified(case: Case, threshold: float) -> sp.csr_array:
    """The graph without edges that are less similar than the threshold."""
    u, v, similarity = jaccard(case.adjacency, case.features)
    keep = similarity >= threshold if threshold else similarity > 0
    u, v = u[keep], v[keep]
    entries = (np.ones(2 * len(u), np.float32), (np.r_[u, v], np.r_[v, u]))
    return sp.csr_array(entries, shape=case.adjacency.shape)


class Fit:
    """One baseline's training, epoch by epoch, with a state that a checkpoint can hold."""

    def __init__(self, unit: Unit, case: Case, *, generator: torch.Generator, device: str):
        self.generator, self.device, self.dropout = generator, device, unit.dropout
        adjacency = case.adjacency if unit.threshold is None else purified(case, unit.threshold)
        self.edges = from_scipy_sparse_matrix(adjacency.tocoo())[0].to(device)
        features = sp.csr_array(case.features)
        self.shape = features.shape
        self.crow = torch.from_numpy(features.indptr.astype(np.int64)).to(device)
        self.column = torch.from_numpy(features.indices.astype(np.int64)).to(device)
        self.values = torch.from_numpy(features.data.astype(np.float32)).to(device)
        self.labels = torch.from_numpy(case.labels).to(device)
        self.part = {
            name: torch.from_numpy(nodes).to(device) for name, nodes in case.split.parts().items()
        }
        kind = Mlp if unit.name == "mlp" else Gcn
        with torch.random.fork_rng(devices=[]):  # layers draw from the global generator
            torch.manual_seed(int(torch.randint(1 << 62, (), generator=generator)))
            self.model = kind(features.shape[1], case.classes).to(device)
        first, second = self.model.layers
        groups = [
            {"params": list(first.parameters()), "weight_decay": DECAY},
            {"params": list(second.parameters()), "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.Adam(groups, lr=RATE)
        self.best: dict[str, float] = {}
        self.top, self.least = -1.0, float("inf")  # validation accuracy and loss so far

    def _features(self, values: Tensor) -> Tensor:
        """Bags of words are nearly empty: the first layer multiplies a sparse matrix."""
        return torch.sparse_csr_tensor(
            self.crow, self.column, values, self.shape, check_invariants=False
        )

    def _drop(self, hidden: Tensor) -> Tensor:
        """Dropout from our own stream, so that a resume goes on with the same draws."""
        mask = torch.rand(hidden.shape, generator=self.generator).to(self.device) >= self.dropout
        return hidden * mask / (1 - self.dropout)

    def epoch(self, number: int) -> dict[str, float]:
        self.model.train()
        self.optimizer.zero_grad()
        x = self._features(self._drop(self.values))
        shares = self.model(x, self.edges, self._drop)
        loss = F.cross_entropy(shares[self.part["train"]], self.labels[self.part["train"]])
        loss.backward()
        self.optimizer.step()
        self.model.eval()
        with torch.no_grad():
            shares = self.model(self._features(self.values), self.edges, lambda hidden: hidden)
        right = shares.argmax(1) == self.labels
        score = {name: right[nodes].double().mean().item() for name, nodes in self.part.items()}
        surprise = F.cross_entropy(shares[self.part["val"]], self.labels[self.part["val"]]).item()
        if score["val"] > self.top or surprise < self.least:
            self.best = {
                "val_accuracy": score["val"],
                "test_accuracy": score["test"],
                "epoch": number,
            }
        self.top, self.least = max(self.top, score["val"]), min(self.least, surprise)
        return {
            "loss": loss.item(),
            "train_accuracy": score["train"],
            "val_accuracy": score["val"],
        }

    def state(self) -> dict[str, Any]:
        slots = self.optimizer.state_dict()["state"]
        return {
            "model": dict(self.model.state_dict()),
            "adam": [dict(slots[k]) for k in sorted(slots)],
            "best": self.best,
            "top": self.top,
            "least": self.least,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        stored = self.optimizer.state_dict()
        stored["state"] = dict(enumerate(state["adam"]))
        self.optimizer.load_state_dict(stored)
        self.best, self.top, self.least = dict(state["best"]), state["top"], state["least"]


def train(run: Run, case: Case, todo: list[Unit], *, standing: dict[str, Any], step: int) -> list:
    """Train every unit; `standing` is the whole job's state and is kept up to date."""
    finished: list[dict[str, Any]] = standing["baselines"]["finished"]
    epochs = run.params.baseline_epochs
    run.phase("baselines", total=epochs * len(todo), done=epochs * len(finished))
    for unit in todo[len(finished) :]:
        began = time.monotonic()
        generator = run.torch_rng(unit.key)
        fit = Fit(unit, case, generator=generator, device=run.device)
        first = standing["baselines"]["epoch"]
        if first:
            fit.restore(standing["baselines"]["fit"])
            generator.set_state(standing["baselines"]["stream"])
        run.advance(first)
        for epoch in range(first, epochs):
            scores = fit.epoch(epoch)
            run.log(epoch, **{f"{unit.key}.{name}": value for name, value in scores.items()})
            run.advance(1)
            if run.checkpoint_due():
                standing["baselines"] |= {
                    "epoch": epoch + 1,
                    "fit": fit.state(),
                    "stream": generator.get_state(),
                }
                run.checkpoint(standing, step=step)
        finished.append(
            {
                "name": unit.name,
                "threshold": unit.threshold,
                "dropout": unit.dropout,
                **fit.best,
                "seconds": time.monotonic() - began,
            }
        )
        standing["baselines"] |= {"epoch": 0, "fit": None, "stream": None}
    return finished


def best(finished: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Of one baseline's trainings the one that validation prefers; the first of equals."""
    return max(
        (row for row in finished if row["name"] == name), key=lambda row: row["val_accuracy"]
    )
