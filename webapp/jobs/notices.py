"""What others learn after a commit: workers by the bell, open pages by the team's topic."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from webapp.jobs.models import Job


def waiting(jobs: Iterable[Job]) -> None:
    """Jobs wait: ring once per queue."""
    for queue in sorted({job.queue for job in jobs}):
        transaction.on_commit(lambda queue=queue: _ring(queue))


def changed(job: Job) -> None:
    """A row of the lists is new or says something else; `states.move` tells of states itself."""
    message = {"job": job.pk, "state": str(job.state), "phase": job.phase}
    topic = f"team.{job.team_id}"
    transaction.on_commit(lambda: _publish(topic, message))


def publish_deleted(team_id: str, job_id: str) -> None:
    """Called after the commit: the row is gone by then."""
    _publish(f"team.{team_id}", {"job": job_id, "state": "deleted"})


def _ring(queue: str) -> None:
    from workers.tasks import ring  # the workers import the models: not at import time

    ring(queue)


def _publish(topic: str, message: dict) -> None:
    from webapp.live.publish import publish

    publish(topic, message)
