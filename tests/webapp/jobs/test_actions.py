"""What people do with jobs, in every state, and what they may not."""

from __future__ import annotations

from functools import partial

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from engine.core.registry import methods
from webapp.artifacts.models import Artifact, Blob
from webapp.audit.models import AuditEvent
from webapp.jobs import actions
from webapp.jobs.models import ACTIVE, ENDED, Job, JobInput, State
from webapp.refused import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def used(make_job):
    """A failed job of which another one took an artifact, made at event 5."""
    job = make_job(state=State.FAILED, checkpoint_n=9)
    artifact = Artifact.objects.create(
        job=job, blob=Blob.objects.create(sha256="c" * 64, size=1), path="p", title="t",
        role="export", media="text/csv", kind="split", n=5,
    )  # fmt: skip
    JobInput.objects.create(job=make_job(name="taker"), name="data", artifact=artifact)
    return job


def test_a_waiting_job_is_cancelled_at_once(make_job, editor):
    job = make_job()
    actions.cancel(job, editor)
    job.refresh_from_db()
    assert job.state == State.CANCELLED
    assert job.ended is not None


@pytest.mark.parametrize("state", ACTIVE)
def test_a_worker_is_asked_to_cancel_what_it_holds(make_job, editor, state):
    job = make_job(state=state)
    actions.cancel(job, editor)
    job.refresh_from_db()
    assert (job.state, job.wanted) == (state, "cancel")


@pytest.mark.parametrize("state", ENDED)
def test_an_ended_job_cannot_be_cancelled(make_job, editor, state):
    with pytest.raises(Refused, match=state):
        actions.cancel(make_job(state=state), editor)


@pytest.fixture
def running(make_job):
    return make_job(state=State.RUNNING, params=methods()["fake"].defaults())


def test_live_parameters_of_a_running_job_change(running, editor):
    actions.change(running, editor, {"scale": 2, "seconds_per_step": 0.0})
    change = running.changes.get()
    assert (change.values, change.by, change.n, change.fault) == ({"scale": 2.0}, editor, None, "")
    assert running.params_now == {**running.params, "scale": 2.0}
    assert running.params["scale"] == 1.0
    event = AuditEvent.objects.get()
    assert (event.action, event.detail) == ("job.set", {"values": {"scale": 2.0}})


def test_the_last_of_two_changes_wins_and_none_is_no_change(running, editor):
    for scale in (2.0, 3.0, 3.0):
        actions.change(running, editor, {"scale": scale})
    assert [change.values for change in running.changes.all()] == [{"scale": 2.0}, {"scale": 3.0}]
    assert running.params_now["scale"] == 3.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"scale": -1}, "scale: expected a number above 0"),
        ({"scale": "2"}, "scale: expected a number"),
        ({"steps": 4}, "steps: expected one that may change while the job runs: scale, seconds"),
        ({"colour": 1}, "colour: this method has no such parameter"),
    ],
)
def test_a_change_is_refused_by_name(running, editor, values, said):
    with pytest.raises(Refused, match=said):
        actions.change(running, editor, values)
    assert not running.changes.exists()


@pytest.mark.parametrize("state", sorted({*State.values} - {State.RUNNING}))
def test_only_a_running_job_is_changed(make_job, editor, state):
    with pytest.raises(Refused, match=f"state: expected a job that runs; this one is {state}"):
        actions.change(make_job(state=state), editor, {"scale": 2.0})


def test_a_resume_keeps_changes_and_a_retry_forgets_them(running, editor):
    actions.change(running, editor, {"scale": 2.0})
    Job.objects.filter(pk=running.pk).update(state=State.FAILED, checkpoint_n=3)
    running.refresh_from_db()
    actions.resume(running, editor)
    assert running.params_now["scale"] == 2.0
    Job.objects.filter(pk=running.pk).update(state=State.FAILED)
    actions.retry(running, editor)
    assert running.params_now["scale"] == 1.0


@pytest.mark.parametrize("state", State.values)
def test_retry_is_for_what_did_not_get_done(make_job, editor, state):
    job = make_job(state=state, message="boom", wanted="cancel")
    if state in (State.FAILED, State.CANCELLED, State.LOST):
        actions.retry(job, editor)
        job.refresh_from_db()
        assert (job.state, job.resume, job.message, job.wanted) == ("queued", False, "", "")
    else:
        with pytest.raises(Refused, match="state"):
            actions.retry(job, editor)


def test_resume_needs_a_checkpoint(make_job, editor):
    with pytest.raises(Refused, match="checkpoint"):
        actions.resume(make_job(state=State.LOST), editor)
    job = make_job(state=State.LOST, checkpoint_n=4)
    actions.resume(job, editor)
    job.refresh_from_db()
    assert (job.state, job.resume) == ("queued", True)


def test_what_others_use_is_not_made_again(used, editor):
    with pytest.raises(Refused, match="taker"):
        actions.retry(used, editor)
    actions.resume(used, editor)  # the artifact lies before the checkpoint


def test_a_job_that_others_use_is_not_deleted(used, editor):
    with pytest.raises(Refused, match="taker"):
        actions.delete(used, editor)
    JobInput.objects.all().delete()
    actions.delete(used, editor)
    assert not Job.objects.filter(pk=used.pk).exists()


@pytest.mark.parametrize("state", ACTIVE)
def test_a_running_job_is_not_deleted(make_job, editor, state):
    with pytest.raises(Refused, match="cancel it first"):
        actions.delete(make_job(state=state), editor)


def test_edit_changes_words_and_says_so(make_job, editor):
    job = actions.edit(make_job(), editor, name="new", tags=["a", " a", "b"], pinned=True)
    assert (job.name, job.tags, job.pinned) == ("new", ["a", "b"], True)
    assert AuditEvent.objects.get().detail == {"changed": ["name", "pinned", "tags"]}


def test_edit_refuses_by_field(make_job, editor):
    with pytest.raises(Refused, match="tags"):
        actions.edit(make_job(), editor, tags=["x" * 50])


def test_only_maintainers_order_the_queue(make_job, editor, maintainer):
    job = make_job()
    with pytest.raises(PermissionDenied):
        actions.edit(job, editor, priority=5)
    assert actions.edit(job, maintainer, priority=5).priority == 5


def test_an_editor_controls_only_their_own(make_job, person):
    other = person("other", "editor")
    set_scale = partial(actions.change, values={"scale": 2.0})
    for act in (actions.cancel, actions.retry, actions.delete, set_scale):
        with pytest.raises(PermissionDenied):
            act(make_job(), other)


def test_the_page_offers_what_works(make_job, editor, viewer):
    job = make_job(state=State.FAILED, checkpoint_n=3)
    assert {name for name, may in actions.allowed(job, editor).items() if may} == {
        "retry", "resume", "edit", "delete", "fork",
    }  # fmt: skip
    assert not any(actions.allowed(job, viewer).values())


@pytest.mark.parametrize("deed", [actions.cancel, actions.retry, actions.delete])
def test_a_job_that_was_deleted_in_between_is_missing(make_job, editor, deed):
    job = make_job(state=State.FAILED)
    Job.objects.filter(pk=job.pk).delete()
    with pytest.raises(Http404):
        deed(job, editor)
