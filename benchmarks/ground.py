"""What the benchmarks of the web application stand on: a home of their own, a user and a job.

Import it before anything of Django. Not a benchmark itself.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(tempfile.mkdtemp(prefix="tenfold-benchmark-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
sys.path.insert(0, str(ROOT))
os.environ.update(DJANGO_SETTINGS_MODULE="webapp.settings", TENFOLD_HOME=str(HOME), DEBUG="1")
for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL"):
    os.environ.pop(name, None)

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

settings.DEBUG = False  # only the static files without a manifest were wanted of it
import webapp.asgi  # noqa: E402, F401 - as the server: all pages loaded, what stays is frozen


def migrate() -> None:
    call_command("migrate", verbosity=0)


def new_job() -> Any:
    """A job of a new team, without a worker."""
    from webapp.accounts.models import Team
    from webapp.ids import new_id
    from webapp.jobs.models import Job, Project

    team = Team.objects.create(slug=new_id(), name="Lab")
    project = Project.objects.create(team=team, slug="bench", name="Bench")
    return Job.objects.create(project=project, method="gagn", threads=1)


def owner_of(job: Any) -> Any:
    from webapp.accounts.models import Membership, User
    from webapp.ids import new_id

    user = User.objects.create_user(f"{new_id()}@example.org")
    Membership.objects.create(user=user, team=job.project.team, role="owner")
    return user


@contextmanager
def timed(times: list[float]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times.append(time.perf_counter() - start)


def quantile(times: list[float], share: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(name: str, **figures: Any) -> None:
    """One line of JSON; numbers in four digits, the load of the machine beside them."""
    line = {"benchmark": name, **figures, "load": os.getloadavg()[0], "cpus": os.cpu_count()}
    print(json.dumps(_rounded(line)))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return value
