"""Whole jobs on the sample recordings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.job import EVENTS
from engine.core.run import Stop
from engine.data.eeg.sample import write_recordings
from tests.methods import attempts

QUICK: dict[str, Any] = {
    "folds": 2, "pretrain_epochs": 2, "epochs": 2, "window": 5, "baselines": ["majority"]
}  # fmt: skip

Attempt = Callable[..., dict[str, float | None]]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("eeg") / "eyes.zip"
    write_recordings(path, np.random.default_rng(0))
    return path


@pytest.fixture
def attempt(tmp_path: Path, sample: Path) -> Attempt:
    def make(
        name: str,
        *,
        stop_at: int = 0,
        seed: int = 0,
        recordings: Path = sample,
        weights: Path | None = None,
        **params: Any,
    ) -> dict[str, float | None]:
        values = {**QUICK, **params}
        given = {"recordings": recordings} | ({"weights": weights} if weights else {})
        return attempts.attempt(
            tmp_path / name, "cbramod", given, values, seed=seed, stop_at=stop_at
        )

    return make


@pytest.fixture
def events(tmp_path: Path) -> Callable[[str], list[dict[str, Any]]]:
    def read(name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (tmp_path / name / EVENTS).read_text().splitlines()]

    return read


@pytest.fixture
def go_on(attempt: Attempt, events: Callable[[str], list[dict[str, Any]]]) -> Callable[..., None]:
    """A job "stopped" somewhere that goes on gives what a job "whole" gives, step by step."""

    def compare(stop: int, **params: Any) -> None:
        whole = attempt("whole", **params)
        with pytest.raises(Stop):
            attempt("stopped", stop_at=stop, **params)
        assert attempt("stopped", **params) == whole
        first, second = (
            [line["d"] for line in events(name) if line["t"] == "m"]
            for name in ("whole", "stopped")
        )
        assert first == second

    return compare
