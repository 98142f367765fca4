"""A new user's way through the bench: one process with SQLite."""

from __future__ import annotations

import pytest

from tests.bench import Bench
from tests.browser.journey import by_door, tell  # noqa: F401 - fixtures of this test

pytestmark = [pytest.mark.browser, pytest.mark.realdata]


def test_a_team_runs_watches_inspects_and_shares_gagn(tell, tmp_path):  # noqa: F811
    tell(Bench(tmp_path / "home"))
