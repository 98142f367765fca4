"""The bell: what it starts, and when it starts nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from kombu.exceptions import OperationalError

from webapp.jobs.models import Job, State
from webapp.jobs.states import waits_for
from workers import here, tasks
from workers.here import ThisWorker


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, home, db) -> ThisWorker:
    """This process as a worker of one slot that serves the CPU queue."""
    made = ThisWorker()
    made.queues, made.slots = ["cpu", "check", "ask"], 1
    monkeypatch.setattr(tasks, "worker", made)
    monkeypatch.setattr(tasks, "ring", lambda queue: None)
    return made


def test_one_bell_is_enough_for_all_that_wait(worker: ThisWorker, make_job) -> None:
    jobs = [make_job(params={"steps": 1}) for _ in range(2)]
    tasks.bell("cpu")
    assert {Job.objects.get(pk=job.pk).state for job in jobs} == {State.DONE}
    assert worker.holding() == []
    assert worker.take_slot()


def test_without_a_free_slot_nothing_starts(worker: ThisWorker, make_job) -> None:
    job = make_job()
    assert worker.take_slot()
    tasks.bell("cpu")
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_a_stopping_worker_starts_nothing(worker: ThisWorker, make_job) -> None:
    job = make_job()
    worker.draining.set()
    tasks.bell("cpu")
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_a_worker_leaves_what_it_cannot_run(worker: ThisWorker, make_job) -> None:
    job = make_job(queue="gpu")
    tasks.bell("gpu")
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_on_a_full_disk_no_job_starts_and_its_page_says_why(
    worker: ThisWorker, make_job, monkeypatch, settings
) -> None:
    job = make_job(params={"steps": 1})
    monkeypatch.setattr(here.shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    settings.MIN_FREE_DISK = 1 << 30
    tasks.bell("cpu")
    job.refresh_from_db()
    assert job.state == State.QUEUED
    assert waits_for([job])[job.pk].startswith("No job starts: less than 1 GiB is free")
    settings.MIN_FREE_DISK = 1 << 10
    assert worker.take_slot()
    tasks._run_one()
    job.refresh_from_db()
    assert (job.state, job.message) == (State.DONE, "")


def test_a_broker_that_is_away_stops_no_request(monkeypatch) -> None:
    def away(*arguments, **words):
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.bell, "apply_async", away)
    tasks.ring("cpu")  # nothing is raised: workers look by themselves


def test_the_registered_worker_can_be_seen(worker: ThisWorker) -> None:
    worker.register()
    found = here.Worker.objects.get(name=worker.name)
    assert (found.queues, found.slots, found.draining) == (["cpu", "check", "ask"], 1, False)
    worker.leave()
    assert not here.Worker.objects.filter(name=worker.name).exists()
