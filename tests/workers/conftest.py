"""A bench in each mode, started once per module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import Bench


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def bench(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker,
) -> Iterator[Bench]:
    home: Path = tmp_path_factory.mktemp(request.param)
    services = request.getfixturevalue("services") if request.param == "distributed" else None
    with django_db_blocker.unblock(), Bench(home, services) as made:
        yield made
