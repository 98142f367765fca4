"""Flat-LoRA's bars of accuracy and flatness on four public tasks. Goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest

from tests.verify.flat_lora_protocol import ROOT, TASKS, Protocol
from tests.verify.flat_lora_tables import SCORE, difference, fall

pytestmark = [pytest.mark.slow, pytest.mark.realdata]

BARS = {
    "sst2": {"accuracy": 0.86},
    "cola": {"mcc": 0.25, "accuracy": 0.72},
    "mrpc": {"accuracy": 0.74, "f1": 0.82},
    "trec": {"accuracy": 0.94},
}


@pytest.fixture(scope="module", params=list(TASKS))
def measured(request, shared_data: Path):
    rows = ROOT / "var/verify/flat_lora.jsonl"
    rows.parent.mkdir(parents=True, exist_ok=True)
    return request.param, Protocol(shared_data / "text", rows).measure(request.param)


def test_accuracy(measured):
    name, arms = measured
    for key, bar in BARS[name].items():
        assert mean(row[f"flat.{key}"] for row in arms["paired"]) >= bar


@pytest.mark.parametrize("arm", ["paired", "twentieth"])  # ρ of one seed's choice, and the default
def test_flat_lora_is_not_worse_than_lora(measured, arm: str):
    name, arms = measured
    apart = difference(arms[arm], arms["paired"], SCORE[name])
    low, high = apart["mean"] - apart["half"], apart["mean"] + apart["half"]
    assert apart["mean"] >= -0.003 or (low <= 0 <= high and low >= -0.02)


def test_much_noise_makes_flatter(measured):
    _, arms = measured
    assert min(fall(arms["control"], arms["paired"])) >= 0.15
