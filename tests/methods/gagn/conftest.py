"""What GAgN's tests share: whole jobs on small inputs, and the real Cora, where it is at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from engine.core.job import EVENTS
from engine.data.graph import io as graphs
from engine.data.split import io as splits
from tests.methods import attempts
from tests.methods.gagn.graphs import write_inputs

QUICK: dict[str, Any] = {"rounds": 12, "rounds_after": 6, "candidates": 1, "min_gain": 0.0}
QUICK["baseline_epochs"] = 30

Attempt = Callable[..., dict[str, float | None]]


@pytest.fixture
def cora(shared_data: Path) -> tuple[sp.csr_array, sp.csr_array, np.ndarray, dict[str, np.ndarray]]:
    folder = shared_data / "graph/cora"
    graph, _ = graphs.load(folder / "cora.npz").largest_component()
    split = splits.load(folder / "cora_prognn_splits.json")
    return graph.adjacency, graph.features, graph.labels, split.parts()


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "inputs"
    folder.mkdir()
    return write_inputs(folder)


@pytest.fixture
def attempt(tmp_path: Path, inputs: dict[str, Path]) -> Attempt:
    """One attempt at a job in the folder of that name; a second one there goes on with it."""

    def make(
        name: str,
        *,
        stop_at: int = 0,
        seed: int = 0,
        given: dict[str, Path] | None = None,
        **params,
    ) -> dict[str, float | None]:
        values = {**QUICK, **params}
        inputs_ = inputs if given is None else given
        return attempts.attempt(
            tmp_path / name, "gagn", inputs_, values, seed=seed, stop_at=stop_at
        )

    return make


@pytest.fixture
def series(tmp_path: Path) -> Callable[[str], list[tuple[int, dict[str, float]]]]:
    """Every number that a job logged, without the times."""

    def read(name: str) -> list[tuple[int, dict[str, float]]]:
        lines = (tmp_path / name / EVENTS).read_text().splitlines()
        return [(line["s"], line["d"]) for line in map(json.loads, lines) if line["t"] == "m"]

    return read
