"""PostgreSQL answers every query and sort as SQLite does."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.webapp.jobs import scenario


@pytest.mark.django_db
@pytest.mark.services
def test_both_databases_agree(services, tmp_path):
    environment = {
        **os.environ,
        "DATABASE_URL": services.database_url,
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
        "TENFOLD_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.webapp.jobs.scenario"],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    ours, theirs = scenario.answers(scenario.fill()), json.loads(done.stdout)
    for question, answer in ours.items():
        assert theirs[question] == json.loads(json.dumps(answer)), question
