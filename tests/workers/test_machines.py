"""One bench on several machines that share no disk: everything passes through the services."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from tests.bench import Bench, children_of, wait_until
from tests.machines import Gate, Visitor, WorkerMachine
from tests.objects import Objects
from tests.services import Services
from webapp.accounts import tokens
from webapp.jobs.models import Job, State
from webapp.metrics import store
from workers import folders

SPLIT = json.dumps({"train": [0, 1, 2], "val": [3], "test": [4, 5]}).encode()
SLOW = {"steps": 150, "seconds_per_step": 0.03, "checkpoint_each": 20}


@pytest.fixture(scope="module")
def gate(objects: Objects) -> Iterator[Gate]:
    """What stands between the workers and the store."""
    with Gate(objects.url) as made:
        yield made


@pytest.fixture(scope="module")
def web(
    services: Services, objects: Objects, tmp_path_factory, django_db_blocker
) -> Iterator[Bench]:
    """A machine that serves pages and runs no job."""
    bench = Bench(tmp_path_factory.mktemp("web"), services, workers=0, **objects.environment)
    with django_db_blocker.unblock(), bench:
        from django.conf import settings

        storages = {**settings.STORAGES, "default": objects.storage}
        with override_settings(STORAGES=storages):
            yield bench


@pytest.fixture(scope="module")
def visitor(web: Bench) -> Visitor:
    user, _ = web.people()
    return Visitor(web, tokens.make(user, "test")[1])


@pytest.fixture
def machine(web: Bench, gate: Gate, tmp_path: Path):
    """Makes worker machines, each with an empty home."""
    made: list[WorkerMachine] = []

    def start(name: str, **settings: str) -> WorkerMachine:
        settings["S3_ENDPOINT"] = gate.url
        made.append(WorkerMachine(web, tmp_path / name, **settings).__enter__())
        return made[-1]

    yield start
    for each in made:
        each.__exit__()


def points(job: Job) -> dict[str, list[tuple[int, float]]]:
    return {
        key: list(zip(found.step.tolist(), found.value.tolist(), strict=True))
        for key, found in store.read_points(job.pk)
        if not key.startswith("system.")
    }


def upload(web: Bench, visitor: Visitor, data: bytes, name: str = "small") -> str:
    """A split through the web machine; returns its version once a worker has checked it."""
    _, project = web.people()
    about = {"team": project.team_id, "name": name, "kind": "split"}
    version = visitor.post("/datasets", data=about, files={"file": ("split.json", data)})

    def checked() -> bool:
        return visitor.get(f"/versions/{version['id']}")["state"] != "checking"

    wait_until(checked, "the upload is checked")
    found = visitor.get(f"/versions/{version['id']}")
    assert found["state"] == "ready", found
    return version["id"]


def files(home: Path) -> set[bytes]:
    return {path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(web: Bench, gate: Gate, tmp_path_factory) -> Job:
    home = tmp_path_factory.mktemp("undisturbed")
    with WorkerMachine(web, home, S3_ENDPOINT=gate.url):
        return web.wait_for(web.submit(**SLOW), State.DONE, State.FAILED)


def test_a_job_lives_on_another_machine_than_its_pages(
    web: Bench, visitor: Visitor, machine
) -> None:
    worker = machine("worker")
    version = upload(web, visitor, SPLIT)
    assert SPLIT not in files(web.home)
    assert visitor.bytes(f"/versions/{version}/download") == SPLIT

    _, project = web.people()
    params = {"steps": 30, "verbose": True}
    asked = {"project": project.pk, "method": "fake", "params": params}
    given = {"data": {"version": version}}
    made = visitor.post("/jobs", json={**asked, "inputs": given, "seed": 0})
    job = web.wait_for(Job.objects.get(pk=made["jobs"][0]["id"]), State.DONE, State.FAILED)
    assert job.state == State.DONE, job.message
    assert job.summary["size"] == 3.0

    listed = {each["path"]: each for each in visitor.get(f"/jobs/{job.pk}/artifacts")}
    walk = listed["walk.json"]
    written = worker.home / "jobs" / job.pk / "walk.json"
    assert visitor.bytes(f"/artifacts/{walk['id']}/download") == written.read_bytes()
    assert visitor.get(f"/jobs/{job.pk}/log")["text"].count("a stray line") == 30
    assert len(visitor.get(f"/jobs/{job.pk}/series")["series"]["value"]["value"]) == 30
    assert not (web.home / "jobs").exists()

    answer = visitor.post(f"/jobs/{job.pk}/ask", json={"question": "scale", "set": {"factor": 2}})
    path = json.loads(written.read_bytes())
    assert answer["answer"]["path"] == [2 * value for value in path]


def test_a_job_is_cancelled_from_the_web_machine(web: Bench, visitor: Visitor, machine) -> None:
    machine("worker")
    job = web.wait_for(web.submit(steps=100_000, seconds_per_step=0.01), State.RUNNING)
    visitor.post(f"/jobs/{job.pk}/cancel")
    web.wait_for(job, State.CANCELLED)
    assert not children_of(job.pk)


def test_a_second_machine_goes_on_where_the_first_died(
    web: Bench, machine, undisturbed: Job
) -> None:
    first = machine("first")
    job = web.submit(**SLOW)
    wait_until(lambda: (Job.objects.get(pk=job.pk).checkpoint_n or 0) > 0, "a checkpoint")
    first.kill()
    second = machine("second")
    web.wait_for(job, State.DONE, State.FAILED)
    assert job.state == State.DONE, job.message
    one, two = job.attempts.order_by("number")
    assert first.has(one)
    assert second.has(two)
    assert two.resumed_from
    assert points(job) == points(undisturbed)
    assert job.summary == undisturbed.summary
    assert result_of(job) == result_of(undisturbed)


def result_of(job: Job) -> dict[str, str]:
    """Hashes of the files, without the checkpoints: these hold times."""
    return {
        artifact.path: artifact.blob_id for artifact in job.artifacts.exclude(role="checkpoint")
    }


@pytest.mark.slow
def test_a_machine_that_comes_back_forgets_what_it_knew(
    web: Bench, machine, undisturbed: Job, tmp_path: Path
) -> None:
    """Its directory is older than what another machine has done since."""
    first = machine("first")
    job = web.submit(**SLOW)
    wait_until(lambda: (Job.objects.get(pk=job.pk).checkpoint_n or 0) > 0, "a checkpoint")
    first.kill()
    second = machine("second")
    wait_until(lambda: Job.objects.get(pk=job.pk).attempt == 2, "the second machine has it")
    n = Job.objects.get(pk=job.pk).checkpoint_n
    wait_until(lambda: (Job.objects.get(pk=job.pk).checkpoint_n or 0) > n, "a later checkpoint")
    second.kill()
    stale = tmp_path / "first" / "jobs" / job.pk / "tables" / "stale.csv"
    stale.parent.mkdir(exist_ok=True)
    stale.write_text("left over")
    machine("first")
    web.wait_for(job, State.DONE, State.FAILED)
    assert job.state == State.DONE, job.message
    assert points(job) == points(undisturbed)
    assert not stale.exists()


def test_a_question_is_answered_where_the_job_never_was(
    web: Bench, visitor: Visitor, machine, undisturbed: Job
) -> None:
    other = machine("other")
    answer = visitor.post(
        f"/jobs/{undisturbed.pk}/ask", json={"question": "scale", "set": {"factor": 1}}
    )
    assert len(answer["answer"]["path"]) == SLOW["steps"]
    rebuilt = other.home / "jobs" / undisturbed.pk
    assert json.loads((rebuilt / "result.json").read_text())["summary"] == undisturbed.summary


def test_a_slow_store_does_not_lose_the_job(web: Bench, visitor: Visitor, gate, machine) -> None:
    """Files are carried for longer than a heartbeat may be missing."""
    machine("worker", TENFOLD_HEARTBEAT_LIMIT="2.5", TENFOLD_CHECKPOINT_EVERY="60")
    version = upload(web, visitor, SPLIT, "slow")
    gate.delay = 3.0
    try:
        job = web.submit(steps=1, inputs={"data": {"version": version}}, limits={"silence": 600})
        web.wait_for(job, State.DONE, State.FAILED, State.LOST, patience=120)
    finally:
        gate.delay = 0.0
    assert job.state == State.DONE, job.message
    assert job.attempt == 1


@pytest.mark.slow
def test_an_outage_of_the_store_is_sat_out(web: Bench, gate, machine, undisturbed: Job) -> None:
    machine("worker")
    job = web.submit(**SLOW)
    wait_until(lambda: (Job.objects.get(pk=job.pk).checkpoint_n or 0) > 0, "a checkpoint")
    gate.close()
    time.sleep(3)
    gate.reopen()
    web.wait_for(job, State.DONE, State.FAILED)
    assert job.state == State.DONE, job.message
    assert job.attempt == 1
    assert points(job) == points(undisturbed)


@pytest.mark.slow
def test_a_hundred_jobs_give_their_connections_back(web: Bench, machine) -> None:
    machine("worker", TENFOLD_SLOTS="2")
    jobs = [web.submit(steps=1, seed=seed) for seed in range(100)]
    for job in jobs:
        web.wait_for(job, State.DONE, State.FAILED, patience=600)
    assert {job.state for job in jobs} == {State.DONE}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in transaction%')"
            " FROM pg_stat_activity WHERE datname = current_database()"
        )
        held, stuck = cursor.fetchone()
    assert held <= 20  # this test, the web machine, and a pool of 16 + 2 · 2 that is not full
    assert stuck == 0


def test_a_worker_keeps_nothing_of_a_job_that_ended_long_ago(web: Bench, tmp_path: Path) -> None:
    user, project = web.people()
    about = {"project": project, "method": "fake", "created_by": user, "threads": 1}
    now = timezone.now()
    jobs = {
        "long ago": Job.objects.create(**about, state=State.DONE, ended=now - timedelta(days=2)),
        "asked": Job.objects.create(**about, state=State.DONE, ended=now - timedelta(days=2)),
        "just now": Job.objects.create(**about, state=State.DONE, ended=now),
        "waits": Job.objects.create(**about, state=State.LOST),
    }
    for job in jobs.values():
        (tmp_path / job.pk).mkdir()
    with override_settings(JOBS_DIR=tmp_path):
        assert folders.forget_ended(keep={jobs["asked"].pk}) == 1
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {jobs[name].pk for name in ("asked", "just now", "waits")}
