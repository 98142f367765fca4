"""Every family through the whole job on the supplied captures: RTL against golden model.

Accuracy is not judged here, so networks train for a few epochs alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from engine.methods.kaleidoscope.params import Model
from tests.methods.kaleidoscope import jobs

pytestmark = [pytest.mark.slow, pytest.mark.realdata]

FAMILIES = get_args(Model)
FPE_BAR = {"mlp": 52, "mlp64": 88, "cnn": 88, "rnn": 88, "two_path": 88, "autoencoder": 88}


def job(folder: Path, captures: Path, name: str, **params: Any) -> dict[str, float | None]:
    if name == "autoencoder":
        params |= {"classes": ["HTTP"], "anomalous": ["WebattackRCE"]}
    return jobs.run(
        folder, captures, model=name, epochs=6, folds=3, baselines=[], parity_flows=1000, **params
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_all_logits_of_five_hundred_flows_and_more_in_verilator(name, shared_data, tmp_path):
    found = job(tmp_path, shared_data / "traffic", name, backend="verilator")
    told = jobs.read(tmp_path, "inspector/overview.json")
    assert told["backend"]["real"]
    assert told["parity"]["flows"] >= 500 or name == "autoencoder"  # as many normal HTTP flows
    assert told["parity"]["mismatches"] == found["rtl_mismatches"] == 0
    oracles = jobs.events(tmp_path, "verify")
    assert len(oracles) >= 8
    assert [one for one in oracles if not one["ok"]] == []
    if name in FPE_BAR:
        assert found["latency_cycles"] <= FPE_BAR[name]


@pytest.mark.parametrize("name", FAMILIES)
def test_all_logits_of_32_flows_in_icarus(name, shared_data, tmp_path):
    found = job(tmp_path, shared_data / "traffic", name, backend="icarus", replay_packets=300)
    told = jobs.read(tmp_path, "inspector/overview.json")
    assert told["parity"]["flows"] == 32
    assert told["parity"]["mismatches"] == found["rtl_mismatches"] == 0
