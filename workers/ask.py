"""What-if answers: from a warm child that stays, or from the job itself while it runs.

A child is started when somebody opens an inspector or asks first; there are at most
ASK_CHILDREN of them, each closed after ASK_IDLE seconds without a question.
"""

from __future__ import annotations

import logging
import select
import threading
import time
import zlib
from contextlib import ExitStack
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

PATIENCE = 30.0  # seconds for one answer, the loading of a model included
MEMORY = 8 << 30  # bytes of one child


class Gone(Exception):
    """The child ended, or took too long to be waited for."""


class WarmChild:
    """One `ask --stay` and the lock that makes its questions wait for each other."""

    def __init__(self, job: Job):
        self.job_id = job.pk
        self.attempt = job.attempt
        self.lock = threading.Lock()
        self.used = time.monotonic()
        self._stack = ExitStack()
        self._pending = b""
        folder = folders.rebuild(job, self._stack)
        limits = {"memory": min(MEMORY, settings.JOB_LIMITS["memory"]), "open_files": 1024}
        try:
            self._child = Child(
                ["ask", str(folder), "--stay"],
                folder,
                limits=limits,
                variables={"CUDA_VISIBLE_DEVICES": ""},
            )
        except BaseException:
            self._stack.close()
            raise
        self._stack.callback(self._child.close)
        self.ready = self._hear("ready")

    def ask(self, id: str, question: str, values: dict[str, Any]) -> events.Answer:
        self.used = time.monotonic()
        self._child.tell({"id": id, "question": question, "set": values})
        answer = self._hear(id)
        self.used = time.monotonic()
        return answer

    def close(self) -> None:
        self._stack.close()

    def _hear(self, id: str) -> events.Answer:
        """The answer to one question; drains what the child prints meanwhile."""
        until = time.monotonic() + PATIENCE
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
        raise Gone(f"no answer within {PATIENCE:g} seconds")


_warm: dict[str, WarmChild] = {}
_wanted: set[str] = set()  # running jobs whose inspector is open
_lock = threading.Lock()


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
        child = _child(job_id)
        with child.lock:
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
        ready = _child(job_id).ready
        message = {"job": job_id, "warm": ready.ok, "error": ready.error}
    except Exception as fault:  # noqa: BLE001 - as above
        message = {"job": job_id, "warm": False, "error": _failed(job_id, fault)}
    publish(f"warm.{job_id}", message)


def wanted(job_id: str) -> bool:
    """Whether somebody opened the inspector of this job while it ran."""
    return job_id in _wanted


def _failed(job_id: str, fault: Exception) -> str:
    """The child is of no use any more; the words for the person who asked."""
    close(job_id)
    if isinstance(fault, Gone):
        return str(fault)
    logger.error("job %s cannot be asked", job_id, exc_info=fault)
    return f"the worker could not ask: {type(fault).__name__}: {fault}"


def close(job_id: str) -> None:
    with _lock:
        child = _warm.pop(job_id, None)
    if child is not None:
        child.close()


def close_idle() -> None:
    """Close the children that nobody has asked for a while."""
    limit = time.monotonic() - settings.ASK_IDLE
    for child in list(_warm.values()):
        if child.used < limit and child.lock.acquire(blocking=False):
            try:
                close(child.job_id)
            finally:  # whoever waits for it hears that the child is gone, and why
                child.lock.release()


def warm_jobs() -> set[str]:
    """The jobs whose directories are in use here."""
    return set(_warm)


def close_all() -> None:
    for job_id in list(_warm):
        close(job_id)


def _child(job_id: str) -> WarmChild:
    """The warm child of a job; the one asked longest ago makes room."""
    job = Job.objects.get(pk=job_id)
    with _lock:
        found = _warm.get(job_id)
        if found is not None and found.attempt == job.attempt:
            return found
        while found is not None or len(_warm) >= settings.ASK_CHILDREN:
            leaving = found or min(_warm.values(), key=lambda child: child.used)
            _warm.pop(leaving.job_id).close()
            found = None
        child = _warm[job_id] = WarmChild(job)
    if not child.ready.ok:
        close(job_id)
        raise Gone(child.ready.error or "this job answers no questions")
    return child
