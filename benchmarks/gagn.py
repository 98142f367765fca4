"""GAgN: batched rounds against a plain loop over agents, sparse GCN against a dense one.

Prints one line of JSON with the two ratios. The graph is planted (1,000 nodes), the plain loop
computes 20 of its agents and is scaled up to all, the dense GCN multiplies N × N matrices as the
peers of this field do.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.core.seed import torch_stream
from engine.data.split.split import Split
from engine.methods.gagn.case import Case
from engine.methods.gagn.defences import Ground, Unit, begin
from engine.methods.gagn.params import GagnParams
from tests.methods.gagn.graphs import PlainAgents, agents, planted, world

NODES, ROUNDS, SAMPLE, EPOCHS = 1000, 5, 20, 20


def main() -> None:
    torch.set_num_threads(1)
    adjacency, words, labels = planted(nodes=NODES, classes=5, width=500)
    train = np.arange(0, NODES, 10)
    params = GagnParams(warm=0)
    made, generator = agents(adjacency, world(words, labels, train), params)
    made.round(0, generator)
    began = time.perf_counter()
    for number in range(1, ROUNDS + 1):
        made.round(number, generator)
    batched = (time.perf_counter() - began) / ROUNDS
    who = np.random.default_rng(0).choice(NODES, SAMPLE, replace=False).tolist()
    began = time.perf_counter()
    PlainAgents(made, who).round(ROUNDS)
    plain = (time.perf_counter() - began) * NODES / SAMPLE

    split = Split(train, np.arange(1, NODES, 10), np.arange(2, NODES, 10))
    case = Case(adjacency, None, words, labels, split, np.arange(NODES), drawn=False)
    fit = begin(Unit("gcn"), Ground(case, "cpu"), generator=torch_stream(0, "gcn"))
    began = time.perf_counter()
    for epoch in range(EPOCHS):
        fit.epoch(epoch)
    sparse = (time.perf_counter() - began) / EPOCHS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    dense = dense_gcn(adjacency.toarray(), words.toarray(), labels, train)
    print(
        json.dumps(
            {
                "benchmark": "gagn",
                "nodes": NODES,
                "round_seconds": round(batched, 4),
                "plain_loop_seconds": round(plain, 2),
                "batched_over_plain": round(plain / batched, 1),
                "gcn_epoch_seconds": round(sparse, 5),
                "dense_gcn_epoch_seconds": round(dense, 5),
                "sparse_over_dense": round(dense / sparse, 2),
                "peak_bytes": peak,
            }
        )
    )


def dense_gcn(adjacency: np.ndarray, words: np.ndarray, labels: np.ndarray, train) -> float:
    """Seconds per epoch of the same training and looking, on dense matrices."""
    closed = torch.from_numpy(adjacency + np.eye(len(adjacency), dtype=np.float32))
    scale = closed.sum(1).rsqrt()
    spread = scale[:, None] * closed * scale
    x, y = torch.from_numpy(words), torch.from_numpy(labels)
    first, second = nn.Linear(x.shape[1], 16), nn.Linear(16, int(labels.max()) + 1)
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.01)

    def shares(p: float) -> torch.Tensor:
        hidden = (spread @ first(nn.functional.dropout(x, p))).relu()
        return spread @ second(nn.functional.dropout(hidden, p))

    began = time.perf_counter()
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(shares(0.5)[train], y[train]).backward()
        optimizer.step()
        with torch.no_grad():
            shares(0.0)
    return (time.perf_counter() - began) / EPOCHS


if __name__ == "__main__":
    main()
