"""What is not watched any more is lost, and goes on by itself while its checkpoints advance."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from webapp.jobs.models import Attempt, Job, Lease, State
from webapp.jobs.states import claim
from workers.here import HOST
from workers.reconcile import give_up, hold_lease, silent


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
