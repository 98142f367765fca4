"""What GAgN's tests share: whole jobs on small inputs, and the real Cora, where it is at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from engine.core import registry, resume
from engine.core.control import Control
from engine.core.emit import Emitter
from engine.core.job import EVENTS, Request
from engine.core.run import Run
from engine.data.graph import io as graphs
from engine.data.split import io as splits
from engine.methods.gagn.method import run as gagn
from tests.methods.gagn.graphs import write_inputs

QUICK: dict[str, Any] = {"rounds": 12, "rounds_after": 6, "candidates": 1, "min_gain": 0.0}
QUICK["baseline_epochs"] = 30

Attempt = Callable[..., dict[str, float | None]]


class StopsAt(Run):
    """A run that is asked to stop at its k-th step, as a drained worker asks it."""

    stop_at = 0

    def checkpoint_due(self) -> bool:
        self.stop_at -= 1
        if self.stop_at == 0:
            self._control.ending = "stopped"
        return super().checkpoint_due()


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
        folder = tmp_path / name
        method = registry.method("gagn")
        values = method.params(**{**QUICK, **params})
        given = inputs if given is None else given
        request = Request(method, values, given, seed, "cpu", 1)
        folder.mkdir(exist_ok=True)
        request.write(folder)
        point = resume.rewind(folder)
        emitter = Emitter(folder / EVENTS, n=point.n)
        run = StopsAt(
            request,
            folder,
            device="cpu",
            emitter=emitter,
            control=Control(),
            point=point,
            checkpoint_every=3600.0,
        )
        run.stop_at = stop_at
        try:
            return run.finish(gagn(run))
        finally:
            emitter.close()

    return make


@pytest.fixture
def series(tmp_path: Path) -> Callable[[str], list[tuple[int, dict[str, float]]]]:
    """Every number that a job logged, without the times."""

    def read(name: str) -> list[tuple[int, dict[str, float]]]:
        lines = (tmp_path / name / EVENTS).read_text().splitlines()
        return [(line["s"], line["d"]) for line in map(json.loads, lines) if line["t"] == "m"]

    return read
