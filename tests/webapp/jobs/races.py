"""Deletions and submissions of one moment, in PostgreSQL; `python -m` prints how each ended.

In each race the first transaction does its deed and stays open until the second one waits for
it, or has ended without waiting: the order is certain, and nothing sleeps for luck.
"""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

PATIENCE = 20  # seconds until a race that never ends is a failure

Deed = Callable[[], object]


def race(first: Deed, *others: Deed) -> list[str]:
    """How each ended: "done", or the exception."""
    held, release = threading.Event(), threading.Event()

    def holding() -> None:
        from django.db import transaction

        with transaction.atomic():
            first()
            held.set()
            if not release.wait(PATIENCE):
                raise TimeoutError("nobody let the first one go on")

    with ThreadPoolExecutor(1 + len(others)) as pool:
        leader = pool.submit(_ending, holding)
        if not held.wait(PATIENCE):
            raise TimeoutError("the first one never did its deed")
        followers = [pool.submit(_ending, other) for other in others]
        _wait_until_blocked(followers)
        release.set()
        return [future.result(PATIENCE) for future in (leader, *followers)]


def _ending(deed: Deed) -> str:
    from django.db import connection

    try:
        deed()
    except Exception as fault:  # noqa: BLE001 - how it ended is what is asked
        return f"{type(fault).__name__}: {fault}"
    finally:
        connection.close()
    return "done"


def _wait_until_blocked(followers: list[Future]) -> None:
    from django.db import connection

    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            (blocked,) = cursor.fetchone()
        if blocked + sum(future.done() for future in followers) >= len(followers):
            return
        time.sleep(0.01)
    raise TimeoutError("the others neither wait nor end")


def bench(name: str) -> SimpleNamespace:
    """A team of its own for one race: a version, two projects, and an artifact of the first."""
    from webapp.accounts.models import Membership, Team, User
    from webapp.artifacts.models import Artifact, Blob
    from webapp.datasets.models import Dataset, Version
    from webapp.jobs.models import Job, Project

    user = User.objects.create_user(f"{name}@example.org", None, name=name)
    team = Team.objects.create(slug=name, name=name)
    Membership.objects.create(user=user, team=team, role="owner")
    blob, _ = Blob.objects.get_or_create(sha256="a" * 64, defaults={"size": 1})
    version = Version.objects.create(
        dataset=Dataset.objects.create(team=team, name="split", kind="split"),
        number=1, blob=blob, file_name="s.json", state="ready", facts={"train": 1},
    )  # fmt: skip
    project, other = (Project.objects.create(team=team, slug=slug, name=slug) for slug in "ab")
    maker = Job.objects.create(project=project, method="fake", created_by=user, state="failed")
    artifact = Artifact.objects.create(
        job=maker, blob=blob, path="s.json", title="s", role="export",
        media="application/json", kind="split", n=1,
    )  # fmt: skip
    return SimpleNamespace(
        user=user, team=team, version=version, project=project, other=other, maker=maker,
        artifact=artifact,
    )  # fmt: skip


def races() -> Iterator[tuple[str, list[str]]]:
    from webapp.accounts import projects, teams
    from webapp.datasets import store
    from webapp.jobs import actions
    from webapp.jobs.models import Project
    from webapp.jobs.submit import submit

    def taking(here: SimpleNamespace, **source: str) -> Deed:
        """A job in the second project that takes the version, or an artifact of the first."""
        asked = {"method": "fake", "inputs": {"data": source}, "params": {}}
        key = here.other.pk  # read anew, as a request does: who deletes changes its own objects
        return lambda: submit(here.user, project=Project.objects.get(pk=key), **asked)

    pairs: dict[str, Callable[[SimpleNamespace], tuple[Deed, Deed]]] = {
        "dataset": lambda here: (
            taking(here, version=here.version.pk),
            lambda: store.delete(here.version.dataset, here.user),
        ),
        "project": lambda here: (
            taking(here, version=here.version.pk),
            lambda: projects.delete(here.user, here.other),
        ),
        "source": lambda here: (
            taking(here, artifact=here.artifact.pk),
            lambda: projects.delete(here.user, here.project),
        ),
        "team": lambda here: (
            taking(here, version=here.version.pk),
            lambda: teams.delete(here.user, here.team),
        ),
        "job": lambda here: (
            taking(here, artifact=here.artifact.pk),
            lambda: actions.delete(here.maker, here.user),
        ),
        "retry": lambda here: (
            taking(here, artifact=here.artifact.pk),
            lambda: actions.retry(here.maker, here.user),
        ),
    }
    for name, pair in pairs.items():
        submitting, deleting = pair(bench(f"{name}-late"))
        yield f"submit, {name}", race(submitting, deleting)
        submitting, deleting = pair(bench(f"{name}-early"))
        yield f"{name}, submit", race(deleting, submitting)
    yield "uploads", race(*uploads(bench("uploads")))


def uploads(here: SimpleNamespace) -> list[Deed]:
    from webapp.datasets import store

    def upload(content: bytes) -> Deed:
        return lambda: store.create(
            here.user, team=here.team, name="new", kind="split",
            file=io.BytesIO(content), file_name="s.json",
        )  # fmt: skip

    return [upload(str(number).encode()) for number in range(5)]


def numbers() -> list[int]:
    from webapp.datasets.models import Version

    found = Version.objects.filter(dataset__name="new").order_by("number")
    return list(found.values_list("number", flat=True))


if __name__ == "__main__":
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    json.dump({**dict(races()), "numbers": numbers()}, sys.stdout)
