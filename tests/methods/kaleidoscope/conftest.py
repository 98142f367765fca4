"""A finished job on the sample captures, which several files of tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.methods.kaleidoscope import jobs


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return jobs.captures(tmp_path_factory.mktemp("captures"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> tuple[Path, dict]:
    """A job on the cycle model: its folder, its summary."""
    folder = tmp_path_factory.mktemp("jobs") / "modelled"
    return folder, jobs.run(folder, sample)


@pytest.fixture(scope="session")
def modelled(finished: tuple[Path, dict]) -> Path:
    return finished[0]


@pytest.fixture(scope="session")
def summary(finished: tuple[Path, dict]) -> dict:
    return finished[1]
