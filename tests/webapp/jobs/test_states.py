"""Claims, moves and rewinds: conditional, in order, and gentle to what others use."""

from __future__ import annotations

import pytest

from webapp.artifacts.models import Artifact, Blob
from webapp.jobs.models import ENDED, Job, JobInput, State, Worker
from webapp.jobs.states import LOW_DISK, claim, move, rewind, waits_for


@pytest.fixture
def workers(db):
    def make(name: str, *, queues=("cpu",), slots: int = 1, draining: bool = False) -> Worker:
        return Worker.objects.create(
            name=name, host="here", pid=1, queues=list(queues), slots=slots, draining=draining
        )

    return make


def test_a_job_is_claimed_once(make_job) -> None:
    made = make_job()
    job, attempt = claim("w1", ["cpu"], host="here")
    assert (job.pk, job.state, job.attempt) == (made.pk, State.STARTING, 1)
    assert (attempt.number, attempt.worker, attempt.host) == (1, "w1", "here")
    assert claim("w2", ["cpu"]) is None


def test_priority_comes_before_age(make_job) -> None:
    older, higher, newer = make_job(id="1"), make_job(id="2", priority=1), make_job(id="3")
    order = [claim("w", ["cpu"])[0].pk for _ in range(3)]
    assert order == [higher.pk, older.pk, newer.pk]


def test_a_worker_takes_only_from_its_queues(make_job) -> None:
    make_job(queue="gpu")
    assert claim("w", ["cpu", "hdl"]) is None
    assert claim("w", ["cpu", "gpu"]) is not None


def test_a_claim_wipes_what_the_last_attempt_said(make_job) -> None:
    make_job(message="it failed", where="steps", wanted="cancel")
    job, _ = claim("w", ["cpu"])
    assert (job.message, job.where, job.wanted) == ("", "", "")


def test_a_move_needs_the_state_it_expects(make_job) -> None:
    job = make_job()
    assert not move(job.pk, expect=[State.RUNNING], to=State.DONE)
    assert move(job.pk, expect=[State.QUEUED], to=State.CANCELLED)
    assert not move(job.pk, expect=[State.QUEUED], to=State.CANCELLED)
    job.refresh_from_db()
    assert (job.state, job.seq) == (State.CANCELLED, 1)


def test_a_move_of_an_old_attempt_is_refused(make_job) -> None:
    job = make_job(state=State.RUNNING, attempt=2)
    assert not move(job.pk, expect=[State.RUNNING], to=State.DONE, attempt=1)
    assert move(job.pk, expect=[State.RUNNING], to=State.DONE, attempt=2)


def test_a_rewind_leaves_other_jobs_what_they_use(make_job) -> None:
    maker, user = make_job(attempt=1), make_job()
    blob = Blob.objects.create(sha256="0" * 64, size=1)
    words = {"job": maker, "blob": blob, "title": "Graph", "role": "export", "media": "x/y"}
    used = Artifact.objects.create(path="graph.npz", n=5, **words)
    unused = Artifact.objects.create(path="other.npz", n=6, **words)
    JobInput.objects.create(job=user, name="graph", artifact=used)
    rewind(maker.pk, 0)
    used.refresh_from_db()
    assert used.path.endswith("/graph.npz")
    assert not Artifact.objects.filter(pk=unused.pk).exists()
    Artifact.objects.create(path="graph.npz", n=5, **words)  # the new attempt makes it again


def words_of(job: Job) -> str:
    return waits_for([job])[job.pk]


def test_what_does_not_wait_waits_for_nothing(make_job, db) -> None:
    for state in (State.RUNNING, *ENDED):
        assert waits_for([make_job(state=state)]) == {}


def test_without_a_worker_it_waits_for_one(make_job) -> None:
    assert words_of(make_job()) == "waits for a worker: none is running"
    assert words_of(make_job(queue="gpu")) == "waits for a worker with a GPU: none is running"


def test_a_worker_of_another_queue_does_not_help(make_job, workers) -> None:
    workers("w")
    assert "a worker with the HDL tools" in words_of(make_job(queue="hdl"))


def test_it_tells_slots_and_place_in_the_line(make_job, workers) -> None:
    workers("w")
    make_job()
    claim("w", ["cpu"])
    second, third = make_job(id="1"), make_job(id="2")
    assert words_of(second) == "waits for a free slot: 1 of 1 taken"
    assert words_of(third) == "waits for a free slot: 1 of 1 taken; 1 job is before it"


def test_places_in_the_line_are_counted_by_queue_and_priority(make_job, workers) -> None:
    workers("w")
    workers("g", queues=["gpu"])
    make_job()
    claim("w", ["cpu"])
    last = make_job(id="1", priority=-1)
    other, later, alone = make_job(id="2"), make_job(id="3"), make_job(id="4", queue="gpu")
    first = make_job(id="5", priority=9)
    full = "waits for a free slot: 1 of 1 taken"
    assert waits_for([last, later, alone, first]) == {
        last.pk: f"{full}; 3 jobs are before it",
        later.pk: f"{full}; 2 jobs are before it",
        alone.pk: "starts in a moment",
        first.pk: full,
    }
    assert waits_for([other]) == {other.pk: f"{full}; 1 job is before it"}


def test_with_a_free_slot_it_starts_in_a_moment(make_job, workers) -> None:
    workers("w")
    assert words_of(make_job()) == "starts in a moment"


def test_a_stopping_worker_takes_no_more(make_job, workers) -> None:
    workers("w", draining=True)
    assert words_of(make_job()) == "waits for a worker: the last one is stopping"


def test_it_says_when_the_disk_is_full(make_job, workers) -> None:
    workers("w")
    said = f"{LOW_DISK}less than 1 GiB is free on the disk of here"
    assert words_of(make_job(message=said)) == said
    job = make_job(message="")
    assert Job.objects.filter(pk=job.pk, message="").exists()
