"""How a job's state moves: always by one conditional UPDATE that names the state it expects.

Zero rows mean that somebody else was quicker, and the caller does nothing. A claim and a
rewind happen in one transaction, so a new attempt never sees what an old one left behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from webapp.artifacts.models import Artifact
from webapp.jobs.models import ACTIVE, Attempt, Change, Job, LogPart, State, Verification, Worker
from webapp.live.publish import publish
from webapp.metrics import store

LOOK_AT = 20  # waiting jobs that one claim tries before it gives up
LOW_DISK = "No job starts: "  # how the message of a job begins that waits for disk space
HARDWARE = {"gpu": "a worker with a GPU", "hdl": "a worker with the HDL tools"}


def move(
    job_id: str,
    *,
    expect: Collection[State],
    to: State,
    attempt: int | None = None,
    **fields: Any,
) -> bool:
    """Move a job to a state, if it is in one of `expect` (and at this attempt); then tell."""
    with transaction.atomic():
        rows = Job.objects.filter(pk=job_id, state__in=list(expect))
        if attempt is not None:
            rows = rows.filter(attempt=attempt)
        if not rows.update(state=to, seq=F("seq") + 1, **fields):
            return False
        announce(job_id)
    return True


def announce(job_id: str, **more: Any) -> None:
    """After the commit: the job's pages and its team's lists learn where it stands."""
    job = Job.objects.select_related("project").get(pk=job_id)
    about = {"job": job.pk, "state": job.state, "phase": job.phase, "progress": job.progress}
    row = {"job": job.pk, "state": job.state, "phase": job.phase}
    transaction.on_commit(lambda: publish(f"job.{job.pk}", {**about, "seq": job.seq, **more}))
    transaction.on_commit(lambda: publish(f"team.{job.team_id}", row))


def claim(worker: str, queues: Collection[str], *, host: str = "") -> tuple[Job, Attempt] | None:
    """Take the first waiting job of these queues: by priority, then by age."""
    waiting = Job.objects.filter(state=State.QUEUED, queue__in=list(queues))
    for pk in waiting.order_by("-priority", "id").values_list("pk", flat=True)[:LOOK_AT]:
        taken = _take(pk, worker, host=host)
        if taken is not None:
            return taken
    return None


@transaction.atomic
def _take(job_id: str, worker: str, *, host: str) -> tuple[Job, Attempt] | None:
    now = timezone.now()
    taken = Job.objects.filter(pk=job_id, state=State.QUEUED).update(
        state=State.STARTING, attempt=F("attempt") + 1, ended=None, message="", where="", wanted=""
    )
    if not taken:
        return None
    job = Job.objects.get(pk=job_id)
    point = (job.checkpoint_n if job.resume else None) or 0
    if point == 0 or job.started is None:
        Job.objects.filter(pk=job_id).update(started=now)
    attempt = Attempt.objects.create(
        job=job,
        number=job.attempt,
        worker=worker,
        host=host,
        resumed_from=point or None,
        started=now,
        heartbeat=now,
    )
    if job.attempt > 1:
        rewind(job_id, point)
    job.refresh_from_db()
    return job, attempt


def rewind(job_id: str, n: int) -> None:
    """Delete all that a job stored above event `n`; pages are told to drop it too.

    Runs inside the caller's transaction, in which the job is at the caller's attempt.
    """
    store.rewind(job_id, n)
    later = Artifact.objects.filter(job=job_id, n__gt=n)
    retire(later)
    later.delete()
    Verification.objects.filter(job=job_id, n__gt=n).delete()
    LogPart.objects.filter(job=job_id, n__gt=n).delete()
    Change.objects.filter(job=job_id, n__gt=n).update(n=None, attempt=None, step=None, fault="")
    kept = Artifact.objects.filter(job=job_id, role=Artifact.Role.CHECKPOINT)
    newest = kept.order_by("-n").values_list("n", flat=True).first()
    Job.objects.filter(pk=job_id).update(
        seq=F("seq") + 1, last_n=n, checkpoint_n=newest, summary={}, phase="", progress={}
    )
    announce(job_id, rewind=n)


def retire(artifacts: QuerySet[Artifact]) -> None:
    """Put those that other jobs use out of the way, so that these keep what they were given."""
    for artifact in artifacts.exclude(used_by=None).select_related("job").distinct():
        artifact.path = f"earlier/{artifact.pk}/{artifact.path}"
        artifact.n = 0
        artifact.save(update_fields=["path", "n"])


def alive() -> QuerySet[Worker]:
    """The workers whose heartbeat is fresh."""
    limit = timezone.now() - timedelta(seconds=settings.HEARTBEAT_LIMIT)
    return Worker.objects.filter(heartbeat__gte=limit)


def waits_for(jobs: Iterable[Job]) -> dict[str, str]:
    """What each waiting job of these waits for, in words; those that do not wait are left out.

    However many jobs, it asks the database three times: a page of a long queue asks often.
    """
    waiting = [job for job in jobs if job.state == State.QUEUED]
    if not waiting:
        return {}
    workers = list(alive())
    held = _held(workers)
    before = _before(waiting)
    return {job.pk: _words(job, workers, held, before=before[job.pk]) for job in waiting}


def _words(job: Job, workers: list[Worker], held: Counter[str], *, before: int) -> str:
    if job.message.startswith(LOW_DISK):
        return job.message
    able = [worker for worker in workers if job.queue in worker.queues]
    if not able:
        return f"waits for {HARDWARE.get(job.queue, 'a worker')}: none is running"
    ready = [worker for worker in able if not worker.draining]
    if not ready:
        return "waits for a worker: the last one is stopping"
    slots = sum(worker.slots for worker in ready)
    taken = min(sum(held[worker.name] for worker in ready), slots)
    if taken < slots and not before:
        return "starts in a moment"
    ahead = f"; {before} {'job is' if before == 1 else 'jobs are'} before it" if before else ""
    return f"waits for a free slot: {taken} of {slots} taken{ahead}"


def _held(workers: list[Worker]) -> Counter[str]:
    """How many slots each worker has given away."""
    held = Attempt.objects.filter(
        worker__in=[worker.name for worker in workers],
        ended=None,
        job__state__in=ACTIVE,
        number=F("job__attempt"),
    )
    return Counter(held.values_list("worker", flat=True))


def _before(jobs: list[Job]) -> dict[str, int]:
    """How many wait before each of these in its queue.

    One walk along the queues up to the last of the jobs: counting before each of a hundred jobs
    took fifteen times as long with ten thousand waiting.
    """
    found = {job.pk: 0 for job in jobs}
    missing = set(found)
    passed: Counter[str] = Counter()
    queues = {job.queue for job in jobs}
    waiting = Job.objects.filter(state=State.QUEUED, queue__in=queues).order_by("-priority", "id")
    for pk, queue in waiting.values_list("pk", "queue").iterator():
        if pk in missing:
            found[pk] = passed[queue]
            missing.remove(pk)
            if not missing:
                break
        passed[queue] += 1
    return found
