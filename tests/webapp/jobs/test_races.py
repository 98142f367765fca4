"""Who deletes while somebody submits: one of the two is refused in words, and nobody breaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.webapp.jobs import races

GONE = "it was deleted"
# Of each race, what the words of the second one's refusal hold; None where both succeed.
REFUSED = {
    "submit, dataset": "one that no job uses",
    "dataset, submit": GONE,
    "submit, project": None,  # the waiting job goes with its project
    "project, submit": GONE,
    "submit, source": "expected one that no other uses",
    "source, submit": GONE,
    "submit, team": None,
    "team, submit": GONE,
    "submit, job": "none that another job uses",
    "job, submit": GONE,
    "submit, retry": "none that another job uses",
    "retry, submit": "its job was tried again",
}


@pytest.fixture(scope="module")
def endings(services, tmp_path_factory) -> dict[str, list]:
    environment = {
        **os.environ,
        "DATABASE_URL": services.database_url,
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
        "TENFOLD_HOME": str(tmp_path_factory.mktemp("races")),
    }
    done = subprocess.run(
        [sys.executable, "-m", races.__name__],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.services
@pytest.mark.parametrize("race", REFUSED)
def test_the_second_one_is_refused_in_words(endings, race):
    first, second = endings[race]
    assert first == "done"
    if REFUSED[race] is None:
        assert second == "done"
    else:
        assert second.startswith("Refused: ")
        assert REFUSED[race] in second


@pytest.mark.services
def test_uploads_of_one_moment_are_numbered_one_after_another(endings):
    assert endings["uploads"] == ["done"] * 5
    assert endings["numbers"] == [1, 2, 3, 4, 5]
