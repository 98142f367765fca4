"""Attacks made on a real graph by themselves, and what they do to a GCN with its usual settings.

    python -m tests.verify.attacked FOLDER ATTACK [AMOUNT] [OPTION=VALUE …]

FOLDER is as in defence_rows. ATTACK is the name of one, or the file of a graph that was attacked
elsewhere. AMOUNT is a number of flips or, below 1, a share of the edges; with Nettack and FGA a
number of flips for each of the targets in FOLDER/nettack. The option nodes=N takes only the N
nodes that a breadth-first search from the largest hub reaches first, stream=N (0) says by which
random numbers.

Prints one line of JSON: flips, seconds, peak memory, how many added edges join different classes,
and the accuracy of GCNs on the test nodes, or on the targets, means of twenty seeds: trained on the
attacked graph (poisoning), or before, on the given one (evasion; clean without the attack). With
PGD also that of the very model that it went through, before and after.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.csgraph import breadth_first_order

from engine.data.graph import io as graphs
from engine.data.split.split import Split
from engine.methods.gagn.attacks import TARGETED, attack
from engine.methods.gagn.attacks.surrogate import Spread
from engine.methods.gagn.attacks.victim import Attack, Victim, budget, edge_pairs, flipped
from engine.methods.gagn.case import Case
from engine.methods.gagn.defences import Ground, Trained, Unit
from tests.verify.defence_rows import case, fitted

SEEDS = 20


def victim_of(given: Case, targets: np.ndarray | None = None) -> Victim:
    return Victim(
        given.adjacency, given.features, given.labels, given.split, given.classes, targets
    )


def flips_of(made: Attack) -> np.ndarray:
    """All the flips that it makes, (k, 2)."""
    for _ in range(made.total):
        made.step()
    return made.flips


def on(given: Case, adjacency: sp.csr_array) -> Case:
    """The same nodes and split on another graph."""
    return Case(adjacency, None, given.features, given.labels, given.split, given.kept, drawn=False)


class Gcns:
    """GCNs of many seeds, trained on one graph: one differs from another by a point."""

    def __init__(self, given: Case):
        self.given, self.trained = given, []
        ground = Ground(given, "cpu")
        for seed in range(SEEDS):
            self.trained.append(Trained(fitted(Unit("gcn"), ground, seed)))

    def accuracy(
        self, adjacency: sp.csr_array | None = None, nodes: np.ndarray | None = None
    ) -> float:
        """Their mean on the test nodes, or others, of the own graph or, as evasion, another."""
        nodes = self.given.split.test if nodes is None else nodes
        graph = self.given.adjacency if adjacency is None else adjacency
        told = [gcn.logits(graph).argmax(1).cpu().numpy()[nodes] for gcn in self.trained]
        return float(np.mean([answer == self.given.labels[nodes] for answer in told]))


def ball(given: Case, nodes: int) -> Case:
    """The nodes that a breadth-first search from the largest hub reaches first, and their part of
    the split."""
    hub = int(np.diff(given.adjacency.indptr).argmax())
    order = breadth_first_order(given.adjacency, hub, return_predecessors=False)
    kept = np.sort(order[:nodes])
    place = np.full(given.nodes, -1)
    place[kept] = np.arange(len(kept))
    parts = (place[part] for part in (given.split.train, given.split.val, given.split.test))
    split = Split(*(part[part >= 0] for part in parts))
    adjacency = sp.csr_array(given.adjacency[kept][:, kept])
    return Case(adjacency, None, given.features[kept], given.labels[kept], split, kept, drawn=False)


def surrogate_accuracy(made: Attack, given: Case, adjacency: sp.csr_array) -> float:
    """Test accuracy, on a graph, of the model that an attack goes through."""
    spread, test = Spread(adjacency, given.features.dtype), given.split.test
    logits = made.surrogate.forward(spread, given.features).logits
    return float(np.mean(logits[test].argmax(1) == given.labels[test]))


def heterophily(given: Case, flips: np.ndarray) -> float:
    """The share of the added edges that join nodes of different classes."""
    there = {tuple(pair) for pair in edge_pairs(given.adjacency).tolist()}
    added = np.array([pair for pair in flips.tolist() if tuple(pair) not in there])
    u, v = added.T
    return float(np.mean(given.labels[u] != given.labels[v]))


def targets_of(folder: Path) -> np.ndarray:
    """The supplied targets of Nettack."""
    told = json.loads((folder / f"nettack/{folder.name}_nettacked_nodes.json").read_text())
    return np.array(told["attacked_test_nodes"])


def flips_between(before: sp.csr_array, after: sp.csr_array) -> np.ndarray:
    """(k, 2) the pairs in which two graphs differ."""
    return edge_pairs(sp.csr_array(before != after).astype(np.float32))


def main(folder: str, name: str, *options: str) -> None:
    torch.set_num_threads(1)
    place = Path(folder)
    given = case(place, "0")
    pairs = dict(option.split("=", 1) for option in options if "=" in option)
    values: dict[str, Any] = {key: json.loads(value) for key, value in pairs.items()}
    stream, nodes = values.pop("stream", 0), values.pop("nodes", 0)
    if nodes:
        given = ball(given, nodes)
    targets = targets_of(place) if "nettack" in name or name in TARGETED else None
    began = time.monotonic()
    if name.endswith(".npz"):
        made, flips = None, flips_between(given.adjacency, graphs.load(Path(name)).adjacency)
    else:
        amount = float(options[0])
        count = budget(amount, given.adjacency.nnz // 2) if amount < 1 else int(amount)
        rng = np.random.default_rng(stream)
        made = attack(name, victim_of(given, targets), count, rng=rng, **values)
        flips = flips_of(made)
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    changed, before = flipped(given.adjacency, flips), Gcns(given)
    told = {
        "attack": name,
        "options": pairs,
        "flips": len(flips),
        "seconds": round(seconds, 1),
        "peak_bytes": peak,
        "heterophily": round(heterophily(given, flips), 4),
        "poisoning": round(Gcns(on(given, changed)).accuracy(nodes=targets), 4),
        "evasion": round(before.accuracy(changed, targets), 4),
        "clean": round(before.accuracy(nodes=targets), 4),
    }
    if name == "pgd":
        on_graphs = (surrogate_accuracy(made, given, graph) for graph in (given.adjacency, changed))
        told["through"] = [round(found, 4) for found in on_graphs]
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
