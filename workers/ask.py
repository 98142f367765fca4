"""What-if answers: from a warm child that stays, or from the job itself while it runs.

A child is started when somebody opens an inspector or asks first; there are at most
ASK_CHILDREN of them, each closed after ASK_IDLE seconds without a question, or with its job.
One that loads or answers is busy: nobody else asks it, and it makes room for no other.
"""

from __future__ import annotations

import logging
import select
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings
from django.db.models import F

from engine.core import events
from webapp.jobs.models import ACTIVE, Attempt, Job
from webapp.jobs.states import alive
from webapp.live.publish import publish
from workers import child as children
from workers import folders
from workers.child import Child
from workers.here import worker

logger = logging.getLogger(__name__)

LOADING = 120.0  # seconds until a child can be asked: libraries and models are read by then
PATIENCE = 30.0  # seconds for one answer
TURN = 60.0  # seconds that a question waits for its turn; a page gives up by then
MEMORY = 8 << 30  # bytes of one child


class Gone(Exception):
    """The child ended, or took too long to be waited for."""


class WarmChild:
    """One `ask --stay`. Whoever makes it has it to themselves, and loads it."""

    def __init__(self, job: Job):
        self.job = job
        self.busy = True
        self.ready = False
        self.used = time.monotonic()
        self._stack = ExitStack()
        self._pending = b""

    def load(self) -> None:
        folder = folders.rebuild(self.job, self._stack)
        self._child = Child(
            ["ask", str(folder), "--stay"],
            folder,
            limits={"memory": min(MEMORY, settings.JOB_LIMITS["memory"]), "open_files": 1024},
            variables={"CUDA_VISIBLE_DEVICES": ""},
        )
        self._stack.callback(self._child.close)
        loaded = self._hear("ready", LOADING)
        if not loaded.ok:
            raise Gone(loaded.error or "this job answers no questions")
        self.ready = True

    def ask(self, id: str, question: str, values: dict[str, Any]) -> events.Answer:
        self._child.tell({"id": id, "question": question, "set": values})
        return self._hear(id, PATIENCE)

    def close(self) -> None:
        self._stack.close()

    def _hear(self, id: str, patience: float) -> events.Answer:
        """The answer to one question; drains what the child prints meanwhile."""
        until = time.monotonic() + patience
        printed = b""
        while time.monotonic() < until:
            ended = self._child.ended()
            select.select([self._child.events, self._child.output], [], [], 0.1)
            printed = (printed + (children.read(self._child.output) or b""))[-4000:]
            *lines, self._pending = (
                self._pending + (children.read(self._child.events) or b"")
            ).split(b"\n")
            for line in lines:
                event = events.read(line)
                if isinstance(event, events.Answer) and event.id == id:
                    return event
            if ended and not lines:
                last = printed.decode(errors="replace").strip().splitlines()[-1:]
                raise Gone(f"the inspector's process ended: {' '.join(last)}")
        raise Gone(f"no answer within {patience:g} seconds")


_warm: dict[str, WarmChild] = {}
_wanted: set[str] = set()  # running jobs whose inspector is open
# Guards `_warm` and who is busy, and tells when one is free. Never held while a child loads,
# answers or ends: the heartbeat's thread needs it too.
_table = threading.Condition()


def home(job_id: str) -> str | None:
    """The worker that should answer: the one that runs the job, or always the same one."""
    held = Attempt.objects.filter(
        job=job_id, number=F("job__attempt"), job__state__in=ACTIVE, ended=None
    )
    holder = held.values_list("worker", flat=True).first()
    if holder is not None:
        return holder
    names = sorted(each.name for each in alive() if "ask" in each.queues and not each.draining)
    if not names:
        return None
    return names[zlib.crc32(job_id.encode()) % len(names)]


def answer(job_id: str, question: str, values: dict[str, Any], reply_id: str) -> None:
    """Answer on the topic of the reply, whatever comes of it."""
    supervisor = worker.held.get(job_id)
    if supervisor is not None:
        message = {"c": "ask", "id": reply_id, "question": question, "set": values}
        supervisor.tell(message)  # the supervisor publishes what comes back
        return
    started = time.monotonic()
    try:
        with _held(Job.objects.get(pk=job_id)) as child:
            said = child.ask(reply_id, question, values)
        fields = said.model_dump(include={"ok", "answer", "error", "where"})
    except Exception as fault:  # noqa: BLE001 - the seam: somebody waits for an answer
        fields = {"ok": False, "error": _failed(job_id, fault)}
    seconds = round(time.monotonic() - started, 3)
    publish(f"ask.{reply_id}", {"id": reply_id, **fields, "seconds": seconds})


def warm(job_id: str) -> None:
    """Have a child ready; the job's page is told when it is, or that it comes later."""
    if job_id in worker.held:
        _wanted.add(job_id)
        publish(f"warm.{job_id}", {"job": job_id, "warm": None, "error": None})
        return
    _wanted.discard(job_id)
    try:
        with _held(Job.objects.get(pk=job_id)):
            message = {"job": job_id, "warm": True, "error": None}
    except Exception as fault:  # noqa: BLE001 - as above
        message = {"job": job_id, "warm": False, "error": _failed(job_id, fault)}
    publish(f"warm.{job_id}", message)


def wanted(job_id: str) -> bool:
    """Whether somebody opened the inspector of this job while it ran."""
    return job_id in _wanted


def _failed(job_id: str, fault: Exception) -> str:
    """The words for the person who asked."""
    if isinstance(fault, Gone):
        return str(fault)
    logger.error("job %s cannot be asked", job_id, exc_info=fault)
    return f"the worker could not ask: {type(fault).__name__}: {fault}"


def close_idle() -> None:
    """Close the children that nobody has asked for a while, and those of deleted jobs."""
    limit, children = time.monotonic() - settings.ASK_IDLE, list(_warm.values())
    if not children:
        return
    here = Job.objects.filter(pk__in=[child.job.pk for child in children])
    there = set(here.values_list("pk", flat=True))
    for child in children:
        with _table:
            if child.busy or (child.job.pk in there and child.used >= limit):
                continue
            child.busy = True  # nobody asks it any more
        _drop(child)


def warm_jobs() -> set[str]:
    """The jobs whose directories are in use here."""
    return set(_warm)


def close_all() -> None:
    for child in list(_warm.values()):
        _drop(child)


@contextmanager
def _held(job: Job) -> Iterator[WarmChild]:
    """The loaded child of a job, for one question alone; closed if that fails."""
    with _table:
        taken = _table.wait_for(lambda: _take(job), TURN)
    if taken is None:
        raise Gone(f"all what-if processes were busy for {TURN:g} seconds; ask again")
    child, leaving = taken
    try:
        if leaving is not None:
            leaving.close()
        if not child.ready:
            child.load()
        yield child
    except BaseException:
        _drop(child)
        raise
    finally:
        with _table:
            child.busy, child.used = False, time.monotonic()
            _table.notify_all()


def _take(job: Job) -> tuple[WarmChild, WarmChild | None] | None:
    """The job's child and the one that leaves for it, the one asked longest ago; None while
    those are busy."""
    found = _warm.get(job.pk)
    leaving = None
    if found is not None or len(_warm) >= settings.ASK_CHILDREN:
        free = [each for each in ([found] if found else _warm.values()) if not each.busy]
        if not free:
            return None
        leaving = min(free, key=lambda child: child.used)
        if leaving is found and found.job.attempt == job.attempt:
            found.busy = True
            return found, None
        del _warm[leaving.job.pk]
    child = _warm[job.pk] = WarmChild(job)
    return child, leaving


def _drop(child: WarmChild) -> None:
    with _table:
        if _warm.get(child.job.pk) is child:
            del _warm[child.job.pk]
            _table.notify_all()  # there is room
    child.close()
