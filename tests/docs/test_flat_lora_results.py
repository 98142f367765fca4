"""docs/results/flat_lora.md says what its committed rows say."""

from __future__ import annotations

import json
from pathlib import Path

from tests.verify.flat_lora_tables import tables

RESULTS = Path(__file__).resolve().parents[2] / "docs/results"


def test_the_tables_are_those_of_the_rows():
    lines = (RESULTS / "flat_lora.runs.jsonl").read_text().splitlines()
    made = tables([json.loads(line) for line in lines])
    assert made.count("\n") > 10
    assert made in (RESULTS / "flat_lora.md").read_text()
