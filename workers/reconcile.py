"""What keeps the bench honest when processes die: a thread in every web and worker process.

A worker says every heartbeat that it lives, and looks for work if it has room. One process at
a time, the holder of the lease, marks jobs as lost that nobody watches any more, lets those go
on whose checkpoints advance, and rings for what waits.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import psutil
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from webapp.artifacts.storage import drop_unused
from webapp.datasets.models import Version
from webapp.datasets.uploads import drop_expired
from webapp.jobs.actions import users_of
from webapp.jobs.models import ACTIVE, Attempt, Job, Lease, State, Worker
from webapp.jobs.states import move
from workers import ask, folders
from workers.here import HOST, ThisWorker
from workers.tasks import ring, ring_check, ring_here, waiting_queues

logger = logging.getLogger(__name__)

LEASE = "reconcile"
TIDY_EVERY = 3600.0  # seconds between two looks for what nobody needs
FORGET = 100  # heartbeat limits after which a silent worker is forgotten


class Keeper:
    """The thread. `here` is None in a process that only serves pages."""

    def __init__(self, here: ThisWorker | None):
        self.here = here
        self.holder = f"{os.getpid()}@{HOST}"
        self._stopping = threading.Event()
        self._reconcile_at = self._tidy_at = 0.0
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopping.is_set():
            for deed in self._due(time.monotonic()):
                try:
                    deed()
                except Exception:
                    # The seam: a database, broker or store that is away comes back, and no
                    # fault of one deed may end the heartbeat or the other deeds for good.
                    logger.exception("%s failed; it is tried again", deed.__name__)
                finally:
                    connection.close()
            self._stopping.wait(min(settings.HEARTBEAT, settings.RECONCILE_EVERY))

    def _due(self, now: float) -> list[Callable[[], object]]:
        """What is to be done in this round."""
        due: list[Callable[[], object]] = []
        if self.here is not None:
            due += [self.here.register, ask.close_idle, self._look_for_work]
        if now >= self._reconcile_at:
            self._reconcile_at = now + settings.RECONCILE_EVERY
            due.append(self._reconcile)
        if now >= self._tidy_at:
            self._tidy_at = now + TIDY_EVERY
            due += [folders.forget_deleted, forget_ended, drop_unused, drop_expired]
        return due

    def _reconcile(self) -> None:
        if settings.EMBEDDED or hold_lease(self.holder):
            reconcile()

    def _look_for_work(self) -> None:
        """A bell may have been heard by a worker without room: look by ourselves."""
        here = self.here
        if here.draining.is_set() or not here.has_room:
            return
        if Job.objects.filter(state=State.QUEUED, queue__in=here.job_queues).exists():
            ring_here()


def forget_ended() -> None:
    folders.forget_ended(keep=ask.warm_jobs())


def hold_lease(holder: str) -> bool:
    """Take or renew the right to reconcile; False while another process has it."""
    now = timezone.now()
    until = now + timedelta(seconds=3 * settings.RECONCILE_EVERY)
    free = Lease.objects.filter(Q(holder=holder) | Q(until__lt=now), name=LEASE)
    if free.update(holder=holder, until=until):
        return True
    try:
        with transaction.atomic():
            Lease.objects.create(name=LEASE, holder=holder, until=until)
    except IntegrityError:
        return False  # somebody else's, and still valid
    return True


def reconcile() -> None:
    for attempt in silent():
        give_up(attempt)
    for queue in waiting_queues():
        ring(queue)
    for version_id in forgotten_checks():
        ring_check(version_id)
    long_ago = timezone.now() - timedelta(seconds=FORGET * settings.HEARTBEAT_LIMIT)
    Worker.objects.filter(heartbeat__lt=long_ago).delete()


def silent() -> list[Attempt]:
    """Attempts of active jobs whose supervisor has stopped beating."""
    now = timezone.now()
    patience = min(3 * settings.HEARTBEAT, settings.HEARTBEAT_LIMIT)
    if settings.EMBEDDED:  # one process alone: an attempt of another is over
        patience = 0
    quiet = now - timedelta(seconds=patience)
    limit = now - timedelta(seconds=settings.HEARTBEAT_LIMIT)
    held = Attempt.objects.filter(
        ended=None, job__state__in=ACTIVE, number=F("job__attempt"), heartbeat__lt=quiet
    )
    return [each for each in held if each.heartbeat < limit or _died_here(each)]


def _died_here(attempt: Attempt) -> bool:
    """Is its worker a process of this host that is no more? Then there is nothing to wait for."""
    found = re.fullmatch(r"tenfold-(\d+)@.*", attempt.worker)
    if attempt.host != HOST or found is None:
        return False
    try:
        return psutil.Process(int(found[1])).create_time() > attempt.started.timestamp()
    except psutil.NoSuchProcess:
        return True


def give_up(attempt: Attempt) -> bool:
    """Mark a job as lost. It goes on by itself if its last attempt got to a new checkpoint, and
    begins anew if it was lost before it had one; twice in a row would be no accident."""
    now = timezone.now()
    with transaction.atomic():
        # The job's row first, as in every transaction of a supervisor: no deadlock.
        held = Job.objects.filter(pk=attempt.job_id, attempt=attempt.number, state__in=ACTIVE)
        job = held.select_for_update().first()
        same = Attempt.objects.filter(pk=attempt.pk, ended=None, heartbeat=attempt.heartbeat)
        if job is None or not same.update(ended=now, outcome=State.LOST, reason=_reason(attempt)):
            return False
        if job.wanted == Job.Wanted.CANCEL:
            move(job.pk, expect=ACTIVE, to=State.CANCELLED, attempt=attempt.number, ended=now)
            return True
        lost = {"ended": now, "message": _reason(attempt)}
        move(job.pk, expect=ACTIVE, to=State.LOST, attempt=attempt.number, **lost)
        resume = (job.checkpoint_n or 0) > (attempt.resumed_from or 0)
        if resume or (job.checkpoint_n is None and _first_loss(attempt)):
            again = {"resume": resume, "ended": None, "message": "", "phase": "", "progress": {}}
            move(job.pk, expect=(State.LOST,), to=State.QUEUED, attempt=attempt.number, **again)
            transaction.on_commit(lambda: ring(job.queue))
    logger.warning("job %s: attempt %s lost", job.pk, attempt.number)
    return True


def _first_loss(attempt: Attempt) -> bool:
    """Was the attempt before it not lost, and is nothing of this one needed by other jobs?"""
    before = Attempt.objects.filter(job=attempt.job_id, number=attempt.number - 1)
    return not before.filter(outcome=State.LOST).exists() and not users_of(attempt.job, after=0)


def _reason(attempt: Attempt) -> str:
    return f"its worker {attempt.worker} stopped beating"


def forgotten_checks() -> list[str]:
    """Uploads that wait for a check whose message must have been lost.

    The one process of the embedded mode knows which checks go on and may ask soon; the memory
    broker can lose a message that comes while its queue is being declared.
    """
    patience = 5 if settings.EMBEDDED else settings.CHECK_LIMITS["seconds"] + 60
    limit = timezone.now() - timedelta(seconds=patience)
    waiting = Version.objects.filter(state=Version.State.CHECKING, created__lt=limit)
    return list(waiting.values_list("pk", flat=True))
