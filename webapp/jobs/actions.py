"""What people do with a job: cancel, change, retry, resume, edit, delete, by role and state."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone

from engine.core import params as parameters
from engine.core.registry import methods
from webapp import policy
from webapp.accounts.models import User
from webapp.audit.record import record
from webapp.jobs import notices
from webapp.jobs.choices import facts_of
from webapp.jobs.models import ACTIVE, WAITING, Change, Job, JobInput, State
from webapp.jobs.states import move
from webapp.jobs.submit import LONGEST_NAME, LONGEST_NOTES, complete, tag_faults
from webapp.locks import lock
from webapp.refused import Refused, words_only

AGAIN = (State.FAILED, State.CANCELLED, State.LOST)  # what can be tried once more
# What a new attempt must not inherit from the one before.
FRESH = {"wanted": Job.Wanted.NOTHING, "message": "", "where": "", "ended": None}


@transaction.atomic
def cancel(job: Job, user: User) -> None:
    """A waiting job ends at once; of one that a worker holds it is asked, within 0.5 s."""
    policy.require(user, "job.control", job)
    ended = move(job.pk, expect=WAITING, to=State.CANCELLED, ended=timezone.now())
    if not ended:
        asked = Job.objects.filter(pk=job.pk, state__in=ACTIVE).update(wanted=Job.Wanted.CANCEL)
        if not asked:
            raise _wrong(job, "a job that waits or runs")
    record(user, "job.cancel", job, team=job.project.team)


@transaction.atomic
def change(job: Job, user: User, values: Mapping[str, Any]) -> None:
    """Set live parameters; the child is told within 0.5 s and takes them at its next step.

    Only while it runs: before, no child hears of it, and after, none is left.
    """
    policy.require(user, "job.control", job)
    if not lock(Job.objects.filter(pk=job.pk, state=State.RUNNING)):
        raise _wrong(job, "a job that runs")
    card = methods().get(job.method)
    if card is None:
        raise Refused([("method", f"expected one of this bench, got {job.method}")])
    live, before = parameters.live(card.params), job.params_now
    known = ", ".join(sorted(live)) or "none of this method"
    expected = f"expected one that may change while the job runs: {known}"
    fixed = card.params.model_fields.keys() - live
    faults = [(name, expected) for name in values if name in fixed]
    after, more = complete(card, {**before, **values}, given=facts_of(job))
    if faults or more:
        raise Refused(faults + more)
    changed = {name: after[name] for name in values if after[name] != before.get(name)}
    if changed:
        Change.objects.create(job=job, by=user, values=changed)
        record(user, "job.set", job, team=job.project.team, values=changed)


def retry(job: Job, user: User) -> None:
    """From the beginning, as it was submitted: the new attempt deletes what the old ones stored."""
    policy.require(user, "job.control", job)
    _again(job, user, resume=False)


def resume(job: Job, user: User) -> None:
    """From the newest checkpoint."""
    policy.require(user, "job.control", job)
    if job.checkpoint_n is None and job.state in AGAIN:
        raise Refused([("state", "expected a job with a checkpoint; this one has none, retry it")])
    _again(job, user, resume=True)


@transaction.atomic
def _again(job: Job, user: User, *, resume: bool) -> None:
    lock(Job.objects.filter(pk=job.pk))  # before `submit` takes an artifact of it, or after
    kept = job.checkpoint_n if resume else 0  # what comes after it is deleted and made again
    if users := users_of(job, after=kept or 0):
        raise Refused([("artifacts", f"expected none that another job uses; {_named(users)}")])
    if not move(job.pk, expect=AGAIN, to=State.QUEUED, resume=resume, **FRESH):
        raise _wrong(job, "a job that failed, was cancelled or lost")
    if not resume:
        job.changes.all().delete()
    job.refresh_from_db()
    record(user, "job.resume" if resume else "job.retry", job, team=job.project.team)
    notices.waiting([job])


@transaction.atomic
def edit(
    job: Job,
    user: User,
    *,
    name: str | None = None,
    notes: str | None = None,
    tags: Iterable[str] | None = None,
    pinned: bool | None = None,
    archived: bool | None = None,
    priority: int | None = None,
) -> Job:
    """Changes what is said about a job, never what was asked of it."""
    policy.require(user, "job.edit", job)
    given = {"name": name, "notes": notes, "pinned": pinned, "archived": archived}
    fields = {key: value for key, value in given.items() if value is not None}
    faults = words_only("name", name or "", longest=LONGEST_NAME)
    faults += words_only("notes", notes or "", longest=LONGEST_NOTES, lines=True)
    if tags is not None:
        fields["tags"] = list(dict.fromkeys(str(tag).strip() for tag in tags))
        faults += tag_faults(fields["tags"])
    if priority is not None:
        policy.require(user, "queue.order", job)
        fields["priority"] = priority
        if not -100 <= priority <= 100:
            faults.append(("priority", f"expected a number from -100 to 100, got {priority}"))
    if faults:
        raise Refused(faults)
    if fields:
        Job.objects.filter(pk=job.pk).update(**fields)
        job.refresh_from_db()
        record(user, "job.edit", job, team=job.project.team, changed=sorted(fields))
        notices.changed(job)
    return job


@transaction.atomic
def delete(job: Job, user: User) -> None:
    """Gone with all that it stored; refused while it runs or others use its artifacts."""
    policy.require(user, "job.delete", job)
    job = get_object_or_404(Job.objects.select_for_update().select_related("project"), pk=job.pk)
    if job.state in ACTIVE:
        raise _wrong(job, "a job that does not run; cancel it first")
    if users := users_of(job):
        raise Refused([("artifacts", f"expected none that another job uses; {_named(users)}")])
    pk, team = job.pk, job.project.team_id
    record(user, "job.delete", job, team=job.project.team, name=job.name)
    job.delete()
    transaction.on_commit(lambda: shutil.rmtree(settings.JOBS_DIR / pk, ignore_errors=True))
    transaction.on_commit(lambda: notices.publish_deleted(team, pk))


def users_of(job: Job, *, after: int = 0) -> list[Job]:
    """Other jobs that took an artifact of this one, made after event `after`, as input."""
    rows = JobInput.objects.filter(artifact__job=job, artifact__n__gt=after).exclude(job=job)
    return list(Job.objects.filter(pk__in=rows.values("job")).order_by("-id"))


def _named(jobs: list[Job]) -> str:
    names = ", ".join(f"{job} ({job.pk})" for job in jobs[:5])
    return f"these do: {names}" + (f" and {len(jobs) - 5} more" if len(jobs) > 5 else "")


def allowed(job: Job, user: User) -> dict[str, bool]:
    """Which actions the page offers: what the role and the state allow."""
    control = policy.can(user, "job.control", job)
    again = control and job.state in AGAIN
    return {
        "cancel": control and job.state in (*WAITING, *ACTIVE) and not job.wanted,
        "set": control and job.state == State.RUNNING and not job.wanted and _has_live(job),
        "retry": again,
        "resume": again and job.checkpoint_n is not None,
        "edit": policy.can(user, "job.edit", job),
        "delete": policy.can(user, "job.delete", job) and job.state not in ACTIVE,
        "fork": policy.can(user, "job.create", job),
    }


def _has_live(job: Job) -> bool:
    card = methods().get(job.method)
    return card is not None and bool(parameters.live(card.params))


def _wrong(job: Job, expected: str) -> Refused:
    state = Job.objects.filter(pk=job.pk).values_list("state", flat=True).first()
    if state is None:
        raise Http404  # deleted by somebody else in between
    return Refused([("state", f"expected {expected}; this one is {state}")])
