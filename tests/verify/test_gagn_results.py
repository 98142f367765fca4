"""GAgN's bars on the real Cora, five seeds each, through the door as a user runs it.

The numbers of docs/results/gagn.md come from the same commands.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = [pytest.mark.slow, pytest.mark.realdata]


@pytest.fixture(scope="module")
def group(shared_data: Path, tmp_path_factory: pytest.TempPathFactory):
    """Runs five seeds on the clean graph or on a Metattack of it, once per module."""
    folder, done = shared_data / "graph/cora", {}

    def run(rate: str | None) -> tuple[dict[str, float], list[float]]:
        if rate not in done:
            out = tmp_path_factory.mktemp("gagn") / "group"
            command = [sys.executable, "-m", "engine", "run", "gagn", "--seeds", "0-4"]
            command += ["--input", f"graph={folder}/cora.npz", "--out", str(out)]
            command += ["--input", f"split={folder}/cora_prognn_splits.json"]
            if rate:
                command += ["--input", f"perturbed={folder}/meta/cora_meta_adj_{rate}.npz"]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            subprocess.run(command, cwd=ROOT, env=environment, check=True, stdin=subprocess.DEVNULL)
            summary = json.loads((out / "result.json").read_text())["summary"]
            times = [
                json.loads(path.read_text())["seconds"] for path in out.glob("seed-*/result.json")
            ]
            done[rate] = summary, times
        return done[rate]

    return run


def test_the_clean_graph(group):
    summary, times = group(None)
    assert summary["test_accuracy"] >= 0.805
    assert summary["baseline.gcn.test_accuracy"] == pytest.approx(0.835, abs=0.01)
    assert max(times) <= 120
    assert len(times) == 5


def test_a_fifth_of_the_edges_attacked(group):
    summary, times = group("0.2")
    assert summary["test_accuracy"] >= 0.72
    assert summary["baseline.gcn.test_accuracy"] == pytest.approx(0.574, abs=0.025)
    assert summary["test_accuracy"] - summary["baseline.gcn.test_accuracy"] >= 0.14
    assert summary["test_accuracy"] - summary["baseline.mlp.test_accuracy"] >= 0.06
    assert summary["filter_auc"] >= 0.8
    assert summary["degree_error"] <= 0.95 * summary["degree_error_constant"]
    assert max(times) <= 120
