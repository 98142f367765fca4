"""Graphs that list their nodes and edges one by one, each with named attributes.

GraphML and node-link JSON do so. A `Listing` is filled while a file is read; `parts_of` then
settles which attributes are features and which is the class. What the ids of nodes mean for
their numbers is `naming.py`'s.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.graph.attributes import Attributes
from engine.data.graph.build import Edges, Parts
from engine.data.graph.naming import look_up, names_of, to_numbers
from engine.data.graph.npz import MAX_NODES
from engine.data.graph.pairs import MAX_ROWS, Pairs
from engine.data.graph.rows import WHOLE, Column
from engine.data.graph.table import MAX_NAME
from engine.data.kind import Report


def _numbers() -> array:
    return array("i")  # MAX_NODES and MAX_ROWS are far below 2**31


@dataclass
class Listing:
    where: str
    node_place: str  # how a message names the node of a number, as "nodes[{}]"
    edge_place: str
    first: int = 0  # the number of the first node, and of the first edge, in messages
    names: dict[str, int] = field(default_factory=dict)  # every id that occurs, in that order
    nodes: array = field(default_factory=_numbers)  # position in `names` of each listed node
    sources: array = field(default_factory=_numbers)
    targets: array = field(default_factory=_numbers)
    weights: array = field(default_factory=lambda: array("d"))
    weighted: int = 0  # edges that say their weight
    attributes: Attributes = field(init=False)

    def __post_init__(self) -> None:
        self.attributes = Attributes(self.where)
        self._listed: set[int] = set()

    def add_node(self, id: str) -> int:
        """The place of the node in the list, from 0."""
        at = len(self.nodes)
        place = self.node_place.format(self.first + at)
        position = self._position(id, place)
        if position in self._listed:
            raise UserError(self.where, f"{place}: node {id[:30]!a} is there twice")
        self._listed.add(position)
        self.nodes.append(position)
        return at

    def add_edge(self, source: str, target: str, weight: float | None) -> None:
        place = self.next_edge
        if len(self.sources) >= MAX_ROWS:
            raise UserError(self.where, f"over {MAX_ROWS:,} edges, which is the most allowed")
        self.sources.append(self._position(source, place))
        self.targets.append(self._position(target, place))
        self.weights.append(1.0 if weight is None else weight)
        self.weighted += weight is not None

    @property
    def next_node(self) -> str:
        return self.node_place.format(self.first + len(self.nodes))

    @property
    def next_edge(self) -> str:
        return self.edge_place.format(self.first + len(self.sources))

    def _position(self, id: str, place: str) -> int:
        if not id:
            raise UserError(self.where, f"{place}: an empty id; expected the id of a node")
        if len(id) > MAX_NAME:
            raise UserError(
                self.where, f"{place}: an id of {len(id):,} characters; expected at most {MAX_NAME}"
            )
        position = self.names.setdefault(id, len(self.names))
        if position >= MAX_NODES:
            raise UserError(self.where, f"over {MAX_NODES:,} nodes, which is the most allowed")
        return position


def parts_of(listing: Listing, report: Report) -> Parts | None:
    """The graph, or None after errors in the report."""
    where, count = listing.where, len(listing.nodes)
    if not count:
        raise UserError(where, "lists no nodes; expected at least two and an edge between them")
    names = np.array(list(listing.names))
    if all(map(WHOLE.fullmatch, listing.names)):
        names = names.astype(np.int64)
    nodes = Column(where, listing.first, np.arange(count), names[np.asarray(listing.nodes)])
    to_numbers(nodes, report)
    edges = _edges(listing, names, nodes.ids, report=report)
    labels = listing.attributes.labels(count, listing.node_place, listing.first, report=report)
    features = listing.attributes.features(count, report)
    if report.failed:
        return None
    order = nodes.values  # the listed node that is node k here
    return Parts(
        count,
        edges,
        features=None if features is None else features[order],
        features_where=where,
        labels=None if labels is None else labels[order],
        labels_where=where,
        names=names_of(nodes.ids),
    )


def _edges(listing: Listing, names: np.ndarray, ids: np.ndarray, *, report: Report) -> Edges:
    ends = np.column_stack((np.asarray(listing.sources), np.asarray(listing.targets)))
    place = listing.edge_place
    known = list(listing.names)
    pairs = Pairs(listing.where, listing.first, ends.astype(np.int64), known, None, place=place)
    numbers = look_up(pairs, names, ids, report=report)[pairs.ends]
    weights = np.asarray(listing.weights) if listing.weighted else None
    if weights is not None and listing.weighted < weights.size:
        left = weights.size - listing.weighted
        report.warn(
            listing.where, f"no weight on {counted(left, 'edge')}, unlike on others: taken as 1"
        )
    return Edges(listing.where, numbers[:, 0], numbers[:, 1], weights)
