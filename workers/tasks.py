"""The tasks: a bell that says "there is work", the check of an upload, a question.

A message carries ids only. What it is about stands in the database, so a message that is
lost or comes twice does no harm.
"""

from __future__ import annotations

import logging
from typing import Any

from celery.utils.nodenames import worker_direct
from kombu.exceptions import OperationalError

from webapp.jobs.models import Job, State
from webapp.jobs.states import LOW_DISK, claim
from workers import app
from workers import ask as questions
from workers import check as checks
from workers.here import HOST, short_of_disk, worker
from workers.supervisor import Supervisor

logger = logging.getLogger(__name__)


def ring(queue: str) -> None:
    """Tell the workers of a queue that a job waits. Call it after the commit."""
    _send(bell, queue, to=queue)


def ring_here() -> None:
    """Ring for this worker alone."""
    _send(bell, "", to=worker_direct(worker.name))


def ring_check(version_id: str) -> None:
    """Have an upload checked. Call it after the commit."""
    _send(check_version, version_id, to="check")


def _send(task: Any, *arguments: Any, to: Any) -> None:
    try:
        task.apply_async(arguments, queue=to, retry=False)
    except OperationalError as fault:
        # Workers with a free slot look by themselves, so a lost bell costs a heartbeat; whoever
        # reconciles asks again for a check that nobody heard of.
        logger.warning("the broker took no message: %s", fault)


@app.task
def bell(queue: str) -> None:
    """Take jobs for as long as there are any and this worker has a slot."""
    while not worker.draining.is_set() and worker.take_slot():
        try:
            if not _run_one():
                return
        finally:
            worker.give_slot()


def _run_one() -> bool:
    """Claim one job and watch over it to its end; False if there was none."""
    why = short_of_disk()
    _say_why(why)
    if why:
        return False
    taken = claim(worker.name, worker.job_queues, host=HOST)
    if taken is None:
        return False
    job, attempt = taken
    for queue in waiting_queues():
        ring(queue)
    gpu = worker.gpu() if job.queue == "gpu" or job.device == "cuda" else None
    supervisor = Supervisor(job, attempt, gpu=gpu)
    worker.hold(supervisor)
    try:
        supervisor.run()
    finally:
        worker.let_go(supervisor)
    if questions.wanted(job.pk):
        warm.delay(job.pk)
    return True


def waiting_queues() -> list[str]:
    waiting = Job.objects.filter(state=State.QUEUED)
    return list(waiting.order_by().values_list("queue", flat=True).distinct())


def _say_why(why: str) -> None:
    """On the page of each job that would be ours; nothing once there is room again."""
    waiting = Job.objects.filter(state=State.QUEUED, queue__in=worker.job_queues)
    if why:
        waiting.exclude(message=why).update(message=why)
    elif waiting.filter(message__startswith=LOW_DISK).exists():
        waiting.filter(message__startswith=LOW_DISK).update(message="")


@app.task(queue="check")
def check_version(version_id: str) -> None:
    """Read an upload in a limited child and store what it says."""
    if not checks.check(version_id):
        check_version.apply_async((version_id,), countdown=checks.AGAIN)


@app.task(queue="ask")
def ask(job_id: str, question: str, set: dict[str, Any], reply_id: str) -> None:
    """Answer a question about a job on the topic `ask.<reply_id>`."""
    home = questions.home(job_id)
    if home is not None and home != worker.name:
        ask_here.apply_async((job_id, question, set, reply_id), queue=worker_direct(home))
        return
    questions.answer(job_id, question, set, reply_id)


@app.task
def ask_here(job_id: str, question: str, set: dict[str, Any], reply_id: str) -> None:
    """The same, once the message has come to the worker that holds the job or its child."""
    questions.answer(job_id, question, set, reply_id)


@app.task(queue="ask")
def warm(job_id: str) -> None:
    """Somebody opens an inspector: be ready for a first question."""
    home = questions.home(job_id)
    if home is not None and home != worker.name:
        warm_here.apply_async((job_id,), queue=worker_direct(home))
        return
    questions.warm(job_id)


@app.task
def warm_here(job_id: str) -> None:
    questions.warm(job_id)
