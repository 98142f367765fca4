"""The life of a job, in both modes: from the bell to every end that it can come to."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from tests.bench import Bench, children_of, wait_until
from webapp.jobs import actions
from webapp.jobs.models import Job, State
from webapp.metrics import store

SLOW = {"steps": 250, "seconds_per_step": 0.01}


def busy() -> float:
    """How much longer everything takes now than on a machine of our own."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())


def points(job: Job) -> dict[str, list[tuple[int, float]]]:
    """All that a method logged, as (step, value)."""
    return {
        key: list(zip(found.step.tolist(), found.value.tolist(), strict=True))
        for key, found in store.read_points(job.pk)
        if not key.startswith("system.")
    }


def said(bench: Bench, job: Job) -> dict[str, list[tuple[int, int, float]]]:
    """The same out of events.jsonl, with its numbers."""
    found: dict[str, list[tuple[int, int, float]]] = {}
    for line in (bench.home / "jobs" / job.pk / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        for key, value in event.get("d", {}).items() if event["t"] == "m" else ():
            found.setdefault(key, []).append((event["n"], event["s"], value))
    return found


@pytest.fixture(scope="module")
def undisturbed(bench: Bench) -> Job:
    return bench.wait_for(bench.submit(**SLOW), State.DONE, State.FAILED)


def test_a_job_runs_to_its_end(bench: Bench, undisturbed: Job) -> None:
    job = undisturbed
    assert job.state == State.DONE, job.message
    assert job.summary["value"] == pytest.approx(points(job)["value"][-1][1])
    assert (job.phase, job.attempt, job.message) == ("report", 1, "")
    assert job.environment["packages"]
    attempt = job.attempts.get()
    assert (attempt.outcome, attempt.exit_code, attempt.signal) == ("done", 0, None)
    assert attempt.peak_rss > 1 << 20
    assert attempt.cpu_seconds > 0
    assert job.verifications.get().ok


def test_series_and_events_agree_point_for_point(bench: Bench, undisturbed: Job) -> None:
    kept = {
        key: list(zip(found.n.tolist(), found.step.tolist(), found.value.tolist(), strict=True))
        for key, found in store.read_points(undisturbed.pk)
        if not key.startswith("system.")
    }
    assert kept == said(bench, undisturbed)
    assert len(kept["value"]) == 250


def test_its_files_are_in_the_store(bench: Bench, undisturbed: Job) -> None:
    found = {artifact.path: artifact for artifact in undisturbed.artifacts.all()}
    assert {"walk.json", "walk.png", "tables/walk.csv", "figures/walk.json"} <= set(found)
    blob = found["walk.json"].blob
    written = (bench.home / "jobs" / undisturbed.pk / "walk.json").read_bytes()
    assert blob.size == len(written)


def test_another_seed_gives_another_curve(bench: Bench, undisturbed: Job) -> None:
    other = bench.wait_for(bench.submit(**SLOW, seed=1), State.DONE)
    assert points(other)["value"] != points(undisturbed)["value"]


def test_a_running_job_is_cancelled(bench: Bench) -> None:
    user, _ = bench.people()
    job = bench.wait_for(bench.submit(steps=100_000, seconds_per_step=0.01), State.RUNNING)
    asked = time.monotonic()
    actions.cancel(job, user)
    bench.wait_for(job, State.CANCELLED)
    assert time.monotonic() - asked < 8 * busy()
    assert job.attempts.get().exit_code == 130
    assert job.checkpoint_n is not None
    assert not children_of(job.pk)


def test_live_parameters_change_while_it_runs(bench: Bench) -> None:
    user, _ = bench.people()
    job = bench.wait_for(bench.submit(steps=200, seconds_per_step=0.5), State.RUNNING)
    actions.change(job, user, {"seconds_per_step": 5.0})
    actions.change(job, user, {"seconds_per_step": 0.0})
    asked = time.monotonic()
    bench.wait_for(job, State.DONE)
    assert time.monotonic() - asked < 15 * busy()
    first, second = job.changes.all()
    assert job.last_n > second.n > first.n
    assert (first.attempt, second.attempt, second.fault) == (1, 1, "")
    log = "".join(part.text for part in job.log_parts.all())
    assert "parameters changed: seconds_per_step=5.0\n" in log
    result = json.loads((bench.home / "jobs" / job.pk / "result.json").read_text())
    assert result["params"] == job.params_now
    assert (job.params["seconds_per_step"], job.params_now["seconds_per_step"]) == (0.5, 0.0)


def test_a_crash_does_not_undo_a_change(bench: Bench) -> None:
    user, _ = bench.people()
    job = bench.wait_for(bench.submit(steps=100, seconds_per_step=0.5), State.RUNNING)
    actions.change(job, user, {"seconds_per_step": 0.02})
    wait_until(lambda: job.changes.get().n is not None, "the change is taken")
    children_of(job.pk)[0].kill()
    bench.wait_for(job, State.FAILED)
    actions.resume(job, user)
    resumed = time.monotonic()
    bench.wait_for(job, State.DONE)
    assert time.monotonic() - resumed < 20 * busy()
    assert job.changes.get().fault == ""


def test_a_change_that_the_lost_worker_never_told_is_told_by_the_next(bench: Bench) -> None:
    user, _ = bench.people()
    job = bench.wait_for(bench.submit(steps=100, seconds_per_step=0.5), State.RUNNING)
    holder = bench.holder(job)
    holder.send_signal(signal.SIGSTOP)
    actions.change(job, user, {"seconds_per_step": 0.0})
    holder.kill()
    holder.wait()
    bench.start()
    bench.wait_for(job, State.DONE)
    assert (job.attempt, job.changes.get().attempt) == (2, 2)


def test_a_change_that_comes_too_late_is_told_so(bench: Bench) -> None:
    user, _ = bench.people()
    slow = {"steps": 3, "seconds_per_step": 1, "ignore_cancel": True}  # it never looks
    job = bench.wait_for(bench.submit(**slow), State.RUNNING)
    actions.change(job, user, {"scale": 2.0})
    bench.wait_for(job, State.DONE)
    change = job.changes.get()
    assert (change.n, change.fault) == (None, "the job ended before it")
    assert job.params_now == job.params


def test_one_that_ignores_the_wish_is_killed(bench: Bench) -> None:
    user, _ = bench.people()
    slow = {"steps": 2, "seconds_per_step": 60, "ignore_cancel": True}
    job = bench.wait_for(bench.submit(**slow), State.RUNNING)
    actions.cancel(job, user)
    bench.wait_for(job, State.CANCELLED)
    assert not children_of(job.pk)


def test_a_waiting_job_is_cancelled_at_once(bench: Bench) -> None:
    user, _ = bench.people()
    first = bench.submit(steps=100_000, seconds_per_step=0.01)
    second = bench.submit(steps=1)
    actions.cancel(second, user)
    second.refresh_from_db()
    assert second.state == State.CANCELLED
    bench.wait_for(first, State.RUNNING)
    actions.cancel(first, user)
    bench.wait_for(first, State.CANCELLED)


def test_an_error_fails_the_job_with_its_reason(bench: Bench) -> None:
    job = bench.wait_for(bench.submit(steps=10, fail_at=5), State.FAILED)
    assert "asked to fail at step 5" in job.message
    assert any("Traceback" in part.text for part in job.log_parts.all())
    assert len(points(job)["value"]) == 5


def test_a_bad_parameter_is_named(bench: Bench) -> None:
    blocker = bench.submit(steps=100, seconds_per_step=0.01)
    job = bench.submit(steps=10)
    Job.objects.filter(pk=job.pk).update(params={"steps": -1})  # no form lets this through
    bench.wait_for(job, State.FAILED)
    assert job.where == "steps"
    assert "expected a number of 0 or more" in job.message
    assert job.attempts.get().exit_code == 2
    bench.wait_for(blocker, State.DONE)


def test_a_crash_tells_the_signal_and_goes_on_from_the_checkpoint(
    bench: Bench, undisturbed: Job
) -> None:
    user, _ = bench.people()
    job = bench.submit(**SLOW, checkpoint_each=50)
    bench.wait_for(job, State.RUNNING)
    wait_until(lambda: Job.objects.get(pk=job.pk).checkpoint_n is not None, "a checkpoint")
    children_of(job.pk)[0].kill()
    bench.wait_for(job, State.FAILED)
    assert "SIGKILL" in job.message
    assert job.attempts.get().signal == 9
    actions.resume(job, user)
    bench.wait_for(job, State.DONE)
    assert job.attempts.get(number=2).resumed_from is not None
    assert points(job) == points(undisturbed)
    assert job.summary == undisturbed.summary


def test_a_retry_begins_with_nothing(bench: Bench, undisturbed: Job) -> None:
    user, _ = bench.people()
    job = bench.wait_for(bench.submit(**SLOW, crash_at=200), State.FAILED)
    Job.objects.filter(pk=job.pk).update(params={**job.params, "crash_at": None})
    actions.retry(job, user)
    bench.wait_for(job, State.DONE)
    assert job.attempts.get(number=2).resumed_from is None
    assert points(job) == points(undisturbed)
    assert job.verifications.count() == 1


def test_the_time_limit_fails_a_job_that_can_go_on(bench: Bench, undisturbed: Job) -> None:
    user, _ = bench.people()
    job = bench.submit(**SLOW, limits={"seconds": 2})
    bench.wait_for(job, State.FAILED)
    assert "time limit of 2 s was" in job.message
    assert job.attempts.get().exit_code == 75
    Job.objects.filter(pk=job.pk).update(limits={})
    actions.resume(job, user)
    bench.wait_for(job, State.DONE)
    assert points(job) == points(undisturbed)


def test_the_memory_limit_is_named(bench: Bench) -> None:
    limits = {"memory": 300 << 20}
    job = bench.wait_for(bench.submit(steps=5, memory_mb=600, limits=limits), State.FAILED)
    assert "memory" in job.message
    assert "300 MiB" in job.message


def test_silence_has_an_end(bench: Bench) -> None:
    slow = {"steps": 2, "seconds_per_step": 60, "ignore_cancel": True}
    job = bench.submit(**slow, limits={"silence": 1})
    bench.wait_for(job, State.RUNNING, State.FAILED)
    children_of(job.pk)[0].suspend()  # not even its use of memory is said any more
    bench.wait_for(job, State.FAILED)
    assert "nothing was heard for 1 s," in job.message


def test_priority_comes_before_age(bench: Bench) -> None:
    blocker = bench.wait_for(bench.submit(steps=100, seconds_per_step=0.01), State.RUNNING)
    older = bench.submit(steps=1)
    higher = bench.submit(steps=1, priority=5)
    for job in (blocker, older, higher):
        bench.wait_for(job, State.DONE)
    assert higher.started < older.started


def test_what_it_prints_is_its_log(bench: Bench) -> None:
    job = bench.wait_for(bench.submit(steps=3, verbose=True), State.DONE)
    text = "".join(part.text for part in job.log_parts.all())
    assert text.count("a stray line") == 3
    assert "walking" in text
    assert len(points(job)["value"]) == 3


def test_a_stopped_bench_goes_on_where_it_was(bench: Bench, undisturbed: Job) -> None:
    job = bench.submit(**SLOW)
    bench.wait_for(job, State.RUNNING)
    wait_until(lambda: Job.objects.get(pk=job.pk).last_n > 50, "50 events")
    stopping = time.monotonic()
    bench.stop()
    assert time.monotonic() - stopping < 20 * busy()
    job.refresh_from_db()
    assert (job.state, job.resume) == (State.QUEUED, True)
    assert job.checkpoint_n is not None
    assert not children_of(job.pk)
    bench.start()
    bench.wait_for(job, State.DONE)
    assert points(job) == points(undisturbed)
    assert job.summary == undisturbed.summary
    first, second = job.attempts.order_by("number")
    assert (first.outcome, first.exit_code) == ("queued", 75)
    assert second.resumed_from is not None
