"""One row of a defence on Cora or Cora-ML over five seeds, as docs/results/gagn-defences.md has it.

    python -m tests.verify.defence_rows FOLDER DEFENCE RATE [SETTING=VALUE …]

FOLDER has NAME.npz, NAME_prognn_splits.json and meta/. Without settings validation chooses from the
defence's own; with settings there is one training per seed. Prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.core.seed import torch_stream
from engine.data.graph import io as graphs
from engine.data.split import io as splits
from engine.methods.gagn.case import Case
from engine.methods.gagn.defences import Fit, Ground, Unit, begin, units
from engine.methods.gagn.defences.training import key

SEEDS, EPOCHS = 5, 200


def case(folder: Path, rate: str) -> Case:
    name = folder.name
    graph, kept = graphs.load(folder / f"{name}.npz").largest_component()
    split = splits.load(folder / f"{name}_prognn_splits.json")
    adjacency = graph.adjacency
    if float(rate):
        adjacency = graphs.load(folder / f"meta/{name}_meta_adj_{rate}.npz").adjacency
    return Case(adjacency, None, graph.features, graph.labels, split, kept, drawn=False)


def fitted(unit: Unit, ground: Ground, seed: int) -> Fit:
    """The same stream as a job of that seed has."""
    fit = begin(unit, ground, generator=torch_stream(seed, key(unit)))
    for epoch in range(EPOCHS):
        fit.epoch(epoch)
    return fit


def row(folder: Path, name: str, rate: str, settings: dict[str, Any]) -> dict[str, Any]:
    torch.set_num_threads(1)
    given, todo = case(folder, rate), [Unit(name, settings)] if settings else units([name])
    found, began = [], time.monotonic()
    for seed in range(SEEDS):
        ground = Ground(given, "cpu")
        tried = [(fitted(unit, ground, seed).best, dict(unit.settings)) for unit in todo]
        found.append(max(tried, key=lambda pair: pair[0]["val_accuracy"]))
    test = np.array([best["test_accuracy"] for best, _ in found])
    return {
        "defence": name,
        "rate": rate,
        "test": round(float(test.mean()), 4),
        "deviation": round(float(test.std(ddof=1)), 4),
        "val": round(float(np.mean([best["val_accuracy"] for best, _ in found])), 4),
        "chosen": [chosen for _, chosen in found],
        "seconds_per_training": round((time.monotonic() - began) / SEEDS / len(todo), 2),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def main(folder: str, name: str, rate: str, *settings: str) -> None:
    pairs = dict(setting.split("=", 1) for setting in settings)
    values = {name: json.loads(value) for name, value in pairs.items()}
    sys.stdout.write(json.dumps(row(Path(folder), name, rate, values)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
