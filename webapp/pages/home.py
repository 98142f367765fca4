"""Home: what runs now, what ended since one was here, what was verified today, what is free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from engine.core.method import Method
from engine.core.registry import methods
from webapp.accounts.models import User
from webapp.datasets.models import Dataset
from webapp.jobs.actions import allowed
from webapp.jobs.models import ACTIVE, ENDED, Attempt, Job, State, Verification
from webapp.jobs.states import alive
from webapp.metrics import store
from webapp.metrics.models import Series
from webapp.pages.disk import disk
from webapp.policy import visible

MOST_STRIPS = 12
MOST_NEWS = 10
SPARK_POINTS = 80
AWAY = timedelta(minutes=30)  # so long without a look makes the next one a new visit


@dataclass(frozen=True)
class Strip:
    """One running job: its newest curve in 40 pixels, and how far it is."""

    job: Job
    title: str  # of its method
    key: str
    values: list[float | None]
    last: float | None
    done: float | None  # share of the phase, in [0, 1]
    eta: float | None  # seconds
    may_cancel: bool


@dataclass(frozen=True)
class Verified:
    method: Method
    passed: int
    failed: int


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    user = request.user
    since = _since(request)
    shown = {
        **_live(user),
        "since": since,
        "news": _news(user, since),
        "verified": _verified(user),
        "disk": disk(),
    }
    if not visible(user, Job).exists():
        shown["steps"] = _first_steps(user)
    return render(request, "home/home.html", shown)


@require_safe
@login_required
def running(request: HttpRequest) -> HttpResponse:
    """The part of the page that moves."""
    return render(request, "home/running.html", _live(request.user))


@require_safe
@login_required
def count(request: HttpRequest) -> HttpResponse:
    """The rail's number of running jobs."""
    return render(request, "components/running_count.html")


def _live(user: User) -> dict[str, Any]:
    jobs = visible(user, Job).filter(state__in=ACTIVE).select_related("project__team")
    found = list(jobs.order_by("-id")[: MOST_STRIPS + 1])
    return {
        "strips": [_strip(job, user) for job in found[:MOST_STRIPS]],
        "more": len(found) > MOST_STRIPS,
        "slots": slots(),
    }


def _strip(job: Job, user: User) -> Strip:
    method = methods().get(job.method)
    key = _spark_key(job, method)
    read = store.read(job.pk, [key], points=SPARK_POINTS) if key else {}
    values = read[key]["value"] if key in read else []
    progress = job.progress or {}
    total = progress.get("total")
    return Strip(
        job=job,
        title=method.title if method else job.method,
        key=key,
        values=values,
        last=values[-1] if values else None,
        done=progress.get("done", 0) / total if total else None,
        eta=progress.get("eta"),
        may_cancel=allowed(job, user)["cancel"],
    )


def _spark_key(job: Job, method: Method | None) -> str:
    """The headline metric that has a curve; else the method's first that has; else any."""
    keys = list(Series.objects.filter(job=job, count__gt=1).values_list("key", flat=True))
    declared = sorted(method.metrics, key=lambda metric: not metric.headline) if method else []
    for metric in declared:
        if metric.key in keys:
            return metric.key
    return next((key for key in sorted(keys) if not key.startswith("system.")), "")


def slots() -> dict[str, int]:
    """Slots of all workers that are alive, and how many are free."""
    workers = list(alive())
    total = sum(worker.slots for worker in workers)
    held = Attempt.objects.filter(
        worker__in=[worker.name for worker in workers],
        ended=None,
        job__state__in=ACTIVE,
        number=F("job__attempt"),
    ).count()
    return {"total": total, "free": max(0, total - held), "workers": len(workers)}


def _since(request: HttpRequest) -> datetime | None:
    """When the visit before this one ended; None at the first."""
    now = timezone.now()
    last = parse_datetime(request.session.get("home_last", ""))
    if last is None or now - last > AWAY:
        request.session["home_since"] = last.isoformat() if last else ""
    request.session["home_last"] = now.isoformat()
    return parse_datetime(request.session.get("home_since", ""))


def _news(user: User, since: datetime | None) -> list[Job]:
    jobs = visible(user, Job).filter(state__in=ENDED).select_related("created_by")
    if since is not None:
        jobs = jobs.filter(ended__gt=since)
    found = list(jobs.order_by(F("ended").desc(nulls_last=True))[:MOST_NEWS])
    for job in found:
        job.headline = headline(job)
    return found


def headline(job: Job) -> tuple[str, Any] | None:
    """The title and value of a job's headline metric."""
    method = methods().get(job.method)
    for metric in method.metrics if method else ():
        if metric.headline and metric.key in job.summary:
            return metric.title, job.summary[metric.key]
    return None


def _verified(user: User) -> list[Verified]:
    """Oracles checked today, by method; every method has its line."""
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    counts = (
        Verification.objects.filter(job__in=visible(user, Job).filter(started__gte=today))
        .values("job__method")
        .annotate(passed=Count("pk", filter=Q(ok=True)), failed=Count("pk", filter=Q(ok=False)))
    )
    by_method = {row["job__method"]: row for row in counts}
    nothing = {"passed": 0, "failed": 0}
    return [
        Verified(
            method=method,
            passed=by_method.get(slug, nothing)["passed"],
            failed=by_method.get(slug, nothing)["failed"],
        )
        for slug, method in methods().items()
    ]


def _first_steps(user: User) -> dict[str, bool]:
    """What somebody who has no job yet can do first, and what of it is done."""
    return {
        "team": user.memberships.exists(),
        "dataset": visible(user, Dataset).exists(),
        "waiting": visible(user, Job).filter(state=State.QUEUED).exists(),
    }
