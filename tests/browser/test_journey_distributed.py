"""A new user's way through the bench: web and worker processes, PostgreSQL and Redis."""

from __future__ import annotations

import pytest

from tests.bench import Bench
from tests.browser.journey import by_door, tell  # noqa: F401 - fixtures of this test
from tests.services import Services, own_database

pytestmark = [pytest.mark.browser, pytest.mark.realdata, pytest.mark.services]


def test_a_team_runs_watches_inspects_and_shares_gagn(tell, services, tmp_path):  # noqa: F811
    with own_database(services.database_url) as url:
        tell(Bench(tmp_path / "home", Services(url, services.redis_url)))
