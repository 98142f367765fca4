"""What is not watched any more is lost, and goes on by itself while its checkpoints advance."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError

from tests.bench import wait_until
from webapp.jobs.models import Attempt, Job, Lease, State, Worker
from webapp.jobs.states import claim
from workers import folders, reconcile, tasks
from workers.here import HOST
from workers.reconcile import Keeper, give_up, hold_lease, silent


@pytest.fixture
def held(make_job, settings):
    """An attempt whose supervisor was heard `ago` seconds ago."""
    settings.HEARTBEAT, settings.HEARTBEAT_LIMIT = 2, 30

    def make(ago: float, *, worker: str = "tenfold-1@elsewhere", **fields) -> Attempt:
        make_job()
        job, attempt = claim(worker, ["cpu"], host=worker.partition("@")[2])
        Job.objects.filter(pk=job.pk).update(state=State.RUNNING, **fields)
        heard = timezone.now() - timedelta(seconds=ago)
        Attempt.objects.filter(pk=attempt.pk).update(heartbeat=heard)
        attempt.refresh_from_db()
        return attempt

    return make


def state_of(attempt: Attempt) -> str:
    return Job.objects.get(pk=attempt.job_id).state


def test_one_that_beats_is_left_alone(held) -> None:
    held(ago=25)
    assert silent() == []


def test_one_that_stopped_beating_is_silent(held) -> None:
    attempt = held(ago=31)
    assert silent() == [attempt]


def test_a_worker_that_is_no_process_any_more_is_not_waited_for(held) -> None:
    gone = held(ago=7, worker=f"tenfold-4194303@{HOST}")
    held(ago=7, worker=f"tenfold-{os.getpid()}@{HOST}")
    assert silent() == [gone]


def test_where_there_is_one_process_another_is_not_waited_for_at_all(held, settings) -> None:
    settings.EMBEDDED = True
    gone = held(ago=0.1, worker=f"tenfold-4194303@{HOST}")
    held(ago=0.1, worker=f"tenfold-{os.getpid()}@{HOST}")
    assert silent() == [gone]


def test_without_a_checkpoint_it_begins_anew_once(held) -> None:
    attempt = held(ago=60)
    assert give_up(attempt)
    job = Job.objects.get(pk=attempt.job_id)
    assert (job.state, job.resume, job.message) == (State.QUEUED, False, "")
    _, second = claim("tenfold-1@elsewhere", ["cpu"], host="elsewhere")
    assert second.number == 2
    assert give_up(second)
    assert state_of(attempt) == State.LOST
    attempt.refresh_from_db()
    assert attempt.outcome == "lost"
    assert "stopped beating" in attempt.reason


def test_with_a_new_checkpoint_it_goes_on(held) -> None:
    attempt = held(ago=60, checkpoint_n=12)
    assert give_up(attempt)
    job = Job.objects.get(pk=attempt.job_id)
    assert (job.state, job.resume, job.message) == (State.QUEUED, True, "")


def test_without_a_newer_checkpoint_it_stays_lost(held) -> None:
    attempt = held(ago=60, checkpoint_n=12)
    Attempt.objects.filter(pk=attempt.pk).update(resumed_from=12)
    attempt.refresh_from_db()
    give_up(attempt)
    assert state_of(attempt) == State.LOST


def test_one_that_was_to_be_cancelled_is_cancelled(held) -> None:
    attempt = held(ago=60, checkpoint_n=12, wanted="cancel")
    give_up(attempt)
    assert state_of(attempt) == State.CANCELLED


def test_a_heartbeat_in_the_last_moment_saves_the_attempt(held) -> None:
    attempt = held(ago=60)
    Attempt.objects.filter(pk=attempt.pk).update(heartbeat=timezone.now())
    assert not give_up(attempt)
    assert state_of(attempt) == State.RUNNING


def test_one_process_at_a_time_holds_the_lease(db, settings) -> None:
    settings.RECONCILE_EVERY = 10
    assert hold_lease("a")
    assert hold_lease("a")
    assert not hold_lease("b")
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert hold_lease("b")
    assert not hold_lease("a")


def test_no_deed_that_fails_ends_the_thread_or_keeps_another_off(
    db, settings, monkeypatch, caplog
) -> None:
    settings.HEARTBEAT = settings.RECONCILE_EVERY = 0.01
    done: list[str] = []

    def store_away() -> None:
        done.append("tidied")
        raise OSError("the store is away")

    def beat() -> None:
        done.append("beat")
        raise RuntimeError("no heartbeat")

    monkeypatch.setattr(reconcile, "TIDY_EVERY", 0.01)
    monkeypatch.setattr(folders, "forget_deleted", store_away)
    monkeypatch.setattr(reconcile, "forget_ended", lambda: None)
    monkeypatch.setattr(reconcile, "drop_unused", lambda: done.append("dropped"))
    monkeypatch.setattr(reconcile.ask, "close_idle", lambda: None)
    keeper = Keeper(SimpleNamespace(register=beat))
    monkeypatch.setattr(keeper, "_look_for_work", lambda: done.append("looked"))
    monkeypatch.setattr(keeper, "_reconcile", lambda: done.append("reconciled"))
    keeper.start()
    try:
        wait_until(lambda: done.count("dropped") >= 2, "it has tidied twice", patience=10)
    finally:
        keeper.stop()
    assert done[:5] == ["beat", "looked", "reconciled", "tidied", "dropped"]
    assert "store_away failed" in caplog.text
    assert "OSError: the store is away" in caplog.text


def test_a_broker_that_is_away_keeps_no_silent_worker(db, monkeypatch) -> None:
    def away(*arguments, **words):
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.check_version, "apply_async", away)
    monkeypatch.setattr(reconcile, "forgotten_checks", lambda: ["an upload"])
    yesterday = timezone.now() - timedelta(days=1)
    Worker.objects.create(name="w", host="h", pid=1, queues=[], slots=1, heartbeat=yesterday)
    reconcile.reconcile()
    assert not Worker.objects.exists()


def test_a_directory_that_another_removes_meanwhile_is_no_fault(home, db, monkeypatch) -> None:
    for name in ("a", "b"):
        (home / "jobs" / name).mkdir(parents=True)
    first, rmtree = [], shutil.rmtree

    def raced(path) -> None:
        if not first:
            first.append(path)
            rmtree(path)  # as the page's own deletion does
        rmtree(path)

    monkeypatch.setattr(folders.shutil, "rmtree", raced)
    folders.forget_deleted()
    assert list((home / "jobs").iterdir()) == []


def test_what_a_check_needs_is_kept_and_what_a_killed_one_left_is_removed(home, db) -> None:
    with folders.scratch_of_check() as goes_on:
        left = goes_on.with_name(f"{folders.CHECKS}left")
        left.mkdir()
        os.utime(left, (0, 0))
        folders.forget_deleted()
        assert goes_on.is_dir()
        assert not left.exists()
    assert not goes_on.exists()
