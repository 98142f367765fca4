"""Whole jobs of Kaleidoscope on the sample captures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.core import registry
from engine.core.job import EVENTS, Job
from engine.core.method import resolve
from engine.core.params import parse
from engine.core.plain import plain
from engine.data.traffic.sample import write_captures
from tests.methods import attempts

CARD = registry.method("kaleidoscope")
QUICK: dict[str, Any] = {
    "epochs": 4,
    "folds": 2,
    "backend": "model",
    "leakage": False,
    "resources": False,
}


def captures(folder: Path) -> Path:
    """The sample's captures, with a label for each flow."""
    path = folder / "captures.zip"
    write_captures(path, np.random.default_rng(0))
    return path


def run(
    folder: Path, given: Path, *, stop_at: int = 0, seed: int = 0, **params: Any
) -> dict[str, float | None]:
    values = {**QUICK, **params}
    inputs = {"captures": given}
    return attempts.attempt(folder, "kaleidoscope", inputs, values, stop_at=stop_at, seed=seed)


def events(folder: Path, *types: str) -> list[dict[str, Any]]:
    lines = (folder / EVENTS).read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["t"] in types]


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def whatif(folder: Path) -> Any:
    return resolve(CARD.whatif)(Job(folder))


def asked(answers: Any, question: str, **values: Any) -> Any:
    given = parse(CARD.question(question).params, values)
    return plain(getattr(answers, question)(given))
