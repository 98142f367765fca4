"""What waits, what runs, and who takes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from webapp.api.fields import Shown, answers
from webapp.api.routes.shapes import told
from webapp.jobs.models import ACTIVE, WAITING, Job, Worker
from webapp.jobs.states import alive
from webapp.policy import visible

router = Router(tags=["queue"])
MOST = 200


class QueuedJob(Shown):
    id: str
    name: str
    method: str
    queue: str
    state: str
    priority: int
    created: datetime
    phase: str
    progress: dict[str, Any]
    waits_for: str | None = Field(description="in words; null for a job that does not wait")


class WorkerOut(Shown):
    name: str
    host: str
    queues: list[str]
    slots: int
    devices: list[Any]
    started: datetime
    heartbeat: datetime
    draining: bool


class QueueOut(Shown):
    counts: dict[str, dict[str, int]]
    active: list[QueuedJob]
    waiting: list[QueuedJob]


@router.get("/queue", response=answers(QueueOut), summary="What waits and what runs")
def queue(request: HttpRequest) -> dict:
    """Jobs of one's own teams, at most 200 of each, in the order in which workers take them;
    `counts` ({queue: {state: how many}}) is of all teams, since all share the workers."""
    rows = visible(request.user, Job)
    counts: dict[str, dict[str, int]] = {}
    everybody = Job.objects.filter(state__in=(*WAITING, *ACTIVE)).order_by()
    for name, state, many in everybody.values_list("queue", "state").annotate(many=Count("id")):
        counts.setdefault(name, {})[state] = many
    active = rows.filter(state__in=ACTIVE).order_by("id")[:MOST]
    waiting = rows.filter(state__in=WAITING).order_by("-priority", "id")[:MOST]
    return {"counts": counts, "active": told(list(active)), "waiting": told(list(waiting))}


@router.get("/workers", response=answers(list[WorkerOut]), summary="Workers")
def workers(request: HttpRequest) -> list[Worker]:
    """Those that were heard of lately, as on the queue's page."""
    return list(alive().order_by("name"))
