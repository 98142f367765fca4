"""The graph that a job works on: inputs made to fit together, or refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from engine.core.errors import UserError
from engine.data.split.split import Split
from engine.methods.gagn.card import beyond, other_size
from engine.methods.gagn.neighbourhood import Neighbourhood
from engine.methods.gagn.world import World

if TYPE_CHECKING:
    from engine.data.graph.graph import Graph
    from engine.methods.gagn.params import GagnParams

LARGEST = 1e12  # features are squared and summed in single precision


@dataclass(frozen=True)
class Case:
    adjacency: sp.csr_array  # what the agents live on
    clean: sp.csr_array | None  # the same nodes before the attack, where that is known
    features: sp.csr_array
    labels: np.ndarray
    split: Split
    kept: np.ndarray  # numbers of the nodes in the uploaded graph
    drawn: bool  # was the split drawn here?
    featureless: bool = False  # the upload had none: one per node stands for them
    node_names: np.ndarray | None = None  # as the upload calls them, where not by number
    class_names: np.ndarray | None = None
    targets: np.ndarray | None = None  # nodes that an attack is after, counted on their own
    cell: str = ""  # of the arena
    prey: bool = False  # are its models kept, for attacks on themselves?
    shown: bool = True  # is it the cell whose numbers are the job's, and that one inspects?

    @property
    def nodes(self) -> int:
        return self.adjacency.shape[0]

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """The split, and the targets where there are any."""
        return self.split.parts() | ({} if self.targets is None else {"targets": self.targets})

    def world(self, params: GagnParams, *, seed: int, device: str = "cpu") -> World:
        """What its agents live in: their states, after features were exchanged over its edges."""
        return World(
            self.features,
            self.labels,
            self.split.train,
            classes=self.classes,
            projection=params.projection,
            seed=seed,
            device=device,
            around=Neighbourhood(self.adjacency, device),
            exchanges=params.exchanges,
        )

    def key(self, name: str) -> str:
        """A metric, told apart from the other cells'."""
        return name if self.shown else f"cell.{self.cell}.{name}"

    def phase(self, name: str) -> str:
        return f"{self.cell}: {name}" if self.cell else name


def prepare(
    graph: Graph,
    perturbed: Graph | None,
    split: Split | None,
    *,
    params: GagnParams,
    rng: np.random.Generator,
) -> Case:
    if graph.labels is None or (graph.labels >= 0).sum() == 0:
        raise UserError("graph", "expected labels: there is nothing to learn without any")
    if len(np.unique(graph.labels[graph.labels >= 0])) < 2:
        raise UserError("graph", "expected nodes of at least two classes; all labels are the same")
    if (
        graph.features is not None
        and graph.features.nnz
        and np.abs(graph.features.data).max() > LARGEST
    ):
        raise UserError("graph", f"expected features of at most {LARGEST:g} in size: scale them")
    whole = graph.nodes
    kept = np.arange(whole)
    if params.largest_component:
        graph, kept = graph.largest_component()
    features = graph.features
    if features is None:
        features = sp.eye_array(graph.nodes, format="csr", dtype=np.float32)
    adjacency, clean = graph.adjacency, None
    if perturbed is not None:
        if perturbed.nodes != graph.nodes:
            raise UserError("perturbed", other_size(perturbed.nodes, graph.nodes, whole))
        adjacency, clean = perturbed.adjacency, graph.adjacency
    drawn = split is None
    if split is None:
        split = stratified(graph.labels, rng)
    check_split(split, graph.labels, whole=whole)
    return Case(
        adjacency,
        clean,
        features,
        graph.labels,
        split,
        kept,
        drawn,
        featureless=graph.features is None,
        node_names=graph.node_names,
        class_names=graph.class_names,
    )


def stratified(labels: np.ndarray, rng: np.random.Generator) -> Split:
    """10 % of each class to train, 10 % to validate, the rest to test; one at least of each, as
    far as they go: a class of one only trains, of two it trains and tests."""
    parts: dict[str, list[np.ndarray]] = {"train": [], "val": [], "test": []}
    for value in np.unique(labels[labels >= 0]):
        nodes = rng.permutation(np.flatnonzero(labels == value))
        train = max(1, round(0.1 * len(nodes)))
        val = train if len(nodes) > 2 else 0
        parts["train"].append(nodes[:train])
        parts["val"].append(nodes[train : train + val])
        parts["test"].append(nodes[train + val :])
    return Split(**{name: np.sort(np.concatenate(nodes)) for name, nodes in parts.items()})


def check_split(split: Split, labels: np.ndarray, *, whole: int) -> None:
    for name, nodes in split.parts().items():
        if not len(nodes):
            raise UserError("split", f"{name} is empty; expected at least one node")
        if nodes.min() < 0 or nodes.max() >= len(labels):
            worst = nodes.min() if nodes.min() < 0 else nodes.max()
            what = f"{name} names node {worst}"
            raise UserError("split", beyond(what, len(labels), whole))
        unknown = nodes[labels[nodes] < 0]
        if len(unknown):
            raise UserError("split", f"{name} names node {unknown[0]}, whose label is unknown")
    if len(np.unique(labels[split.train])) < 2:
        raise UserError("split", "expected training nodes of at least two classes")
