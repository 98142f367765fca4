"""The sample data that we ship: made here, from a fixed seed, the same bytes every time.

A contextual stochastic block model: nodes of a class meet more often, and use the words of
their class more often. Beside it a version with edges added by an adversary, and a split. And
recordings of EEG, captures of traffic, texts and images, of which the `sample.py` of each kind
tells.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from engine.data.eeg import sample as eeg
from engine.data.graph.export import write_adjacency, write_graph
from engine.data.graph.graph import Graph, adjacency_of
from engine.data.images import sample as images
from engine.data.split.split import Split
from engine.data.text import sample as text
from engine.data.traffic import sample as traffic

SEED = 20240229
NODES, CLASSES, WORDS = 400, 4, 300
DEGREE = 4.0  # mean; Cora's is 4.1
HOMOPHILY = 0.81  # Cora's is .804
WORDS_PER_NODE = 12
OWN_WORDS = 0.35  # share of a node's words that come out of its class's own vocabulary
ADDED = 0.20  # adversarial edges, as a share of the edges
TRAIN, VAL = 0.1, 0.1


@dataclass(frozen=True)
class Sample:
    name: str
    kind: str
    path: Path
    description: str


def write_samples(folder: Path) -> list[Sample]:
    """Write the sample datasets into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    graph = block_model(rng)
    split = stratified(graph.labels, rng)
    attacked = attack(graph, split, rng=rng)
    paths = {name: folder / name for name in ("blocks.npz", "blocks_attacked.npz", "blocks.json")}
    write_graph(paths["blocks.npz"], graph)
    write_adjacency(paths["blocks_attacked.npz"], attacked.adjacency)
    lists = {f"idx_{part}": nodes.tolist() for part, nodes in split.parts().items()}
    paths["blocks.json"].write_text(json.dumps(lists) + "\n", encoding="utf-8")
    paths["alpha.zip"] = folder / "alpha.zip"
    eeg.write_recordings(paths["alpha.zip"], np.random.default_rng(SEED))
    paths["exchanges.zip"] = folder / "exchanges.zip"
    traffic.write_captures(paths["exchanges.zip"], np.random.default_rng(SEED))
    paths["reviews.zip"] = folder / "reviews.zip"
    text.write_reviews(paths["reviews.zip"], np.random.default_rng(SEED))
    paths["shapes.npz"] = folder / "shapes.npz"
    images.write_shapes(paths["shapes.npz"], np.random.default_rng(SEED))
    added = attacked.edges - graph.edges
    return [
        Sample(
            "Sample graph",
            "graph",
            paths["blocks.npz"],
            f"{graph.nodes} nodes in {graph.classes} classes that mostly link to their own, "
            f"{graph.edges} edges, {WORDS} words as features. Made by a block model.",
        ),
        Sample(
            "Sample graph, attacked",
            "graph",
            paths["blocks_attacked.npz"],
            f"The sample graph after an adversary added {added} edges between classes, "
            "each to a training node.",
        ),
        Sample(
            "Sample split",
            "split",
            paths["blocks.json"],
            f"{split.train.size} training, {split.val.size} validation and {split.test.size} test "
            "nodes of the sample graph, in every class alike.",
        ),
        Sample(
            "Sample EEG",
            "eeg",
            paths["alpha.zip"],
            f"{eeg.SUBJECTS} subjects, each {eeg.SECONDS} s with closed eyes and {eeg.SECONDS} s "
            f"with open ones, {len(eeg.CHANNELS)} channels at {eeg.RATE} Hz. Made of noise and an "
            "alpha rhythm.",
        ),
        Sample(
            "Sample traffic",
            "traffic",
            paths["exchanges.zip"],
            f"Captures of {traffic.CAPTURES} hosts that speak {', '.join(traffic.FLOWS)}; each "
            "flow has its protocol as a label. Made by a script, with drawn contents.",
        ),
        Sample(
            "Sample reviews",
            "text",
            paths["reviews.zip"],
            f"{sum(text.ROWS.values())} sentences of guests, good or bad, in train, dev and test. "
            "Made by a small grammar with contrasts and negations.",
        ),
        Sample(
            "Sample shapes",
            "images",
            paths["shapes.npz"],
            f"{sum(images.COUNTS.values())} images of {images.SIDE} x {images.SIDE} pixels, each a "
            f"{', '.join(images.CLASSES[:-1])} or {images.CLASSES[-1]}, in train, dev and test. "
            "Drawn by a script.",
        ),
    ]


def block_model(rng: np.random.Generator) -> Graph:
    """A graph in one component, with classes in its edges and in its words."""
    labels = rng.permutation(np.arange(NODES) % CLASSES).astype(np.int64)
    pairs = _meet(labels, rng)
    adjacency = adjacency_of(NODES, pairs[:, 0], pairs[:, 1])
    return Graph(adjacency=adjacency, features=_words(labels, rng), labels=labels)


def _meet(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(E, 2) edges: a tree-like start that links all nodes, then chance meetings."""
    likeness = (labels[:, None] == labels).astype(float)
    order = rng.permutation(NODES)
    pairs = [
        (order[at], _companion(order[:at], likeness[order[at], order[:at]], rng))
        for at in range(1, NODES)
    ]
    known = {(min(pair), max(pair)) for pair in pairs}
    while len(known) < NODES * DEGREE / 2:
        node = int(rng.integers(NODES))
        others = np.delete(np.arange(NODES), node)
        other = _companion(others, likeness[node, others], rng)
        known.add((min(node, other), max(node, other)))
    return np.array(sorted(known), dtype=np.int64)


def _companion(others: np.ndarray, alike: np.ndarray, rng: np.random.Generator) -> int:
    """One of the others: of the own class by HOMOPHILY, where there is a choice."""
    own = bool(rng.random() < HOMOPHILY)
    choice = others[alike == own]
    return int(rng.choice(choice if choice.size else others))


def _words(labels: np.ndarray, rng: np.random.Generator) -> csr_array:
    """0/1 rows: some words out of the class's own vocabulary, the others out of all."""
    each = WORDS // CLASSES
    rows = np.zeros((NODES, WORDS), dtype=np.float32)
    for node, label in enumerate(labels):
        for own in rng.random(WORDS_PER_NODE) < OWN_WORDS:
            word = label * each + rng.integers(each) if own else rng.integers(WORDS)
            rows[node, word] = 1
    return csr_array(rows)


def stratified(labels: np.ndarray, rng: np.random.Generator) -> Split:
    """The same share of every class in each part."""
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for label in np.unique(labels):
        nodes = rng.permutation(np.flatnonzero(labels == label))
        first, second = round(TRAIN * nodes.size), round((TRAIN + VAL) * nodes.size)
        for part, chosen in zip(parts, np.split(nodes, [first, second]), strict=True):
            part += chosen.tolist()
    return Split(*(np.array(sorted(part), dtype=np.int64) for part in parts))


def attack(graph: Graph, split: Split, *, rng: np.random.Generator) -> Graph:
    """Add edges that join a training node to a node of another class."""
    pairs = {tuple(pair) for pair in graph.edge_list().tolist()}
    goal = len(pairs) + round(ADDED * graph.edges)
    while len(pairs) < goal:
        node, other = int(rng.choice(split.train)), int(rng.integers(graph.nodes))
        if graph.labels[node] != graph.labels[other]:
            pairs.add((min(node, other), max(node, other)))
    ends = np.array(sorted(pairs), dtype=np.int64)
    adjacency = adjacency_of(graph.nodes, ends[:, 0], ends[:, 1])
    return Graph(adjacency=adjacency, features=graph.features, labels=graph.labels)
