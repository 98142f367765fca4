"""The queue: who works, what holds a slot, what waits and for what; maintainers set the order."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp import policy
from webapp.accounts.models import User
from webapp.jobs.actions import edit
from webapp.jobs.models import ACTIVE, Attempt, Job, State, Worker
from webapp.jobs.states import alive, waits_for
from webapp.pages.disk import disk
from webapp.refused import Refused

MOST_WAITING = 100


@dataclass(frozen=True)
class Slot:
    """What a worker holds; `job` is None where it is another team's."""

    job: Job | None
    attempt: Attempt


@dataclass(frozen=True)
class Desk:
    worker: Worker
    held: list[Slot]

    @property
    def free(self) -> int:
        return max(0, self.worker.slots - len(self.held))


@dataclass(frozen=True)
class Waiting:
    job: Job
    waits_for: str
    may_order: bool


@require_safe
@login_required
def queue(request: HttpRequest) -> HttpResponse:
    return render(request, "queue/queue.html", _shown(request.user))


@require_safe
@login_required
def parts(request: HttpRequest) -> HttpResponse:
    return render(request, "queue/parts.html", _shown(request.user))


@require_POST
@login_required
def priority(request: HttpRequest, job_id: str) -> HttpResponse:
    """`move` is sooner, later or first (before all that wait in its queue)."""
    job = policy.get_or_404(request.user, Job, "queue.order", pk=job_id)
    newest = {"sooner": job.priority + 1, "later": job.priority - 1, "first": _first(job)}
    move = request.POST.get("move", "")
    if move not in newest:
        messages.error(request, "move: sooner, later or first was expected")
        return redirect("queue")
    try:
        edit(job, request.user, priority=newest[move])
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("queue")


def _first(job: Job) -> int:
    """One more than the highest that waits, unless it already stands first."""
    waiting = Job.objects.filter(state=State.QUEUED, queue=job.queue)
    first = waiting.order_by("-priority", "id").first()
    if first is None or first.pk == job.pk:
        return job.priority
    return first.priority + (first.pk < job.pk)


def _shown(user: User) -> dict:
    waiting = policy.visible(user, Job).filter(state=State.QUEUED)
    all_waiting = Job.objects.filter(state=State.QUEUED).count()
    mine = list(
        waiting.select_related("project__team", "created_by").order_by("-priority", "id")[
            :MOST_WAITING
        ]
    )
    waits = waits_for(mine)
    ordered = policy.permitted(user, "queue.order", mine)
    count = waiting.count()
    return {
        "desks": _desks(user),
        "waiting": [
            Waiting(
                job=job,
                waits_for=waits.get(job.pk, ""),
                may_order=job.pk in ordered,
            )
            for job in mine
        ],
        "more": count - len(mine),
        "others": all_waiting - count,
        "disk": disk(),
    }


def _desks(user: User) -> list[Desk]:
    workers = list(alive().order_by("name"))
    held = Attempt.objects.filter(
        worker__in=[worker.name for worker in workers],
        ended=None,
        job__state__in=ACTIVE,
        number=F("job__attempt"),
    ).order_by("started")
    jobs = policy.visible(user, Job).select_related("project")
    mine = jobs.in_bulk([attempt.job_id for attempt in held])
    return [
        Desk(
            worker=worker,
            held=[
                Slot(job=mine.get(attempt.job_id), attempt=attempt)
                for attempt in held
                if attempt.worker == worker.name
            ],
        )
        for worker in workers
    ]
