"""Whole jobs on tables of made-up sentences and a network of a few thousand numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.job import EVENTS
from tests.methods import attempts
from tests.models import making

QUICK: dict[str, Any] = {
    "epochs": 1, "batch": 16, "probe": 8, "draws": 2, "grid": 5, "look_every": 3,
    "landscape": ["line", "plane"], "save_model": False,
}  # fmt: skip
# A job that ends soon, where its rows are the point.
BRIEF: dict[str, Any] = {
    "variants": ["head"],
    "landscape": [],
    "hessian": False,
    "max_steps": 1,
    "look_every": 0,
}
HEAD = ("sentence", "label")
CLOCKS = ("seconds", "overhead_ratio", "peak_bytes")  # what two runs of the same job may differ in

Attempt = Callable[..., dict[str, float | None]]


def sentences(rows: int, seed: int = 0) -> list[tuple[str, str]]:
    """Made of the tiny network's words: those with a cat are of one class, others of the other."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(rows):
        words = rng.choice([word for word in making.WORDS if word != "cat"], rng.integers(3, 10))
        if number % 2:
            words[rng.integers(len(words))] = "cat"
        found.append((" ".join(words), "cat" if number % 2 else "none"))
    return found


def table(path: Path, rows: list[tuple[str, ...]], head: tuple[str, ...]) -> Path:
    path.write_text("".join(",".join(row) + "\n" for row in [head, *rows]), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "cats.csv"
    return table(path, sentences(140), ("sentence", "label"))


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return making.folder(tmp_path_factory.mktemp("models") / "bert", making.weights("bert"))


@pytest.fixture(scope="session")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = making.weights("llama", causal=True, tie_word_embeddings=True)
    return making.folder(tmp_path_factory.mktemp("models") / "llama", found)


@pytest.fixture
def attempt(tmp_path: Path, texts: Path, encoder: Path) -> Attempt:
    def make(
        name: str, *, stop_at: int = 0, seed: int = 0, inputs: dict[str, Path] | None = None,
        **params: Any,
    ) -> dict[str, float | None]:  # fmt: skip
        given = {"data": texts, "model": encoder} if inputs is None else inputs
        values = {**QUICK, **params}
        return attempts.attempt(
            tmp_path / name, "flat_lora", given, values, seed=seed, stop_at=stop_at
        )

    return make


@pytest.fixture
def events(tmp_path: Path) -> Callable[[str], list[dict[str, Any]]]:
    def read(name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (tmp_path / name / EVENTS).read_text().splitlines()]

    return read


def timeless(numbers: dict[str, Any]) -> dict[str, Any]:
    """Without what a clock measured."""
    return {key: value for key, value in numbers.items()
            if not any(clock in key for clock in CLOCKS)}  # fmt: skip
