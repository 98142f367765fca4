"""The pages of one job: every tab is a page of its own, live while the job runs."""

from __future__ import annotations

from collections import deque
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from webapp import policy
from webapp.artifacts.models import Artifact
from webapp.artifacts.previews import preview
from webapp.jobs import actions, controls, results
from webapp.jobs.models import ENDED, Job, JobInput, LogPart
from webapp.jobs.states import waits_for
from webapp.metrics.models import Series
from webapp.refused import Refused

TABS = (
    ("job", "Overview"),
    ("job-charts", "Charts"),
    ("job-inspect", "Inspect"),
    ("job-logs", "Logs"),
    ("job-artifacts", "Artifacts"),
    ("job-config", "Config"),
    ("job-attempts", "Attempts"),
)
LOG_TAIL = 1_000_000  # characters that the page shows; the download has all
MOST_ARTIFACTS = 1000
MOST_SHOWN = 16  # results that the first page draws


def get_job(request: HttpRequest, pk: str) -> Job:
    """The job with what every tab's head shows."""
    job = policy.get_or_404(request.user, Job, "job.view", pk=pk)
    rows = Job.objects.select_related("project__team", "group", "parent", "created_by")
    return rows.annotate(
        passed=Count("verifications", filter=Q(verifications__ok=True)),
        refuted=Count("verifications", filter=Q(verifications__ok=False)),
    ).get(pk=job.pk)


def page(
    request: HttpRequest, job: Job, tab: str, *, template: str, **context: Any
) -> HttpResponse:
    """A tab under the job's head. `live` is what the scripts start from."""
    progress = job.progress or {}
    total, done = progress.get("total"), progress.get("done")
    shared = {
        "job": job,
        "card": results.card_of(job),
        "tab": tab,
        "tabs": [(reverse(name, args=[job.pk]), title, name) for name, title in TABS],
        "may": actions.allowed(job, request.user),
        "waits": waits_for([job]).get(job.pk, ""),
        "share": min(done / total, 1) if total and done is not None else None,
        "ended": job.state in ENDED,
        "live": {
            "id": job.pk,
            "seq": job.seq,
            "state": job.state,
            "ended": job.state in ENDED,
            "series": f"/api/v1/jobs/{job.pk}/series",
        },
    }
    status = 422 if context.get("faults") else 200
    return render(request, template, {**shared, **context}, status=status)


@login_required
@require_safe
def overview(request: HttpRequest, pk: str) -> HttpResponse:
    job = get_job(request, pk)
    card = results.card_of(job)
    shown = [(one, preview(one)) for one in _main(job)]
    return page(
        request,
        job,
        "job",
        template="jobs/overview.html",
        headline=[(head, job.summary[head.key]) for head in results.headline(card, job.summary)],
        compared=results.compared(card, job.summary),
        rows=results.rows(card, job.summary),
        bars=results.bars(card, job.summary),
        rest=results.rest(card, job.summary),
        figures=[pair for pair in shown if pair[1].kind == "figure"],
        others=[pair for pair in shown if pair[1].kind != "figure"],
        curves=bool(results.key_curves(job, card)),
        heads=results.headline_keys(card),
        brothers=job.group.jobs.count() if job.group else 0,
        inputs=_inputs(job),
    )


@login_required
@require_safe
def charts(request: HttpRequest, pk: str) -> HttpResponse:
    job = get_job(request, pk)
    keys = list(Series.objects.filter(job=job).values("key", "count"))
    keys.sort(key=lambda row: results.natural(row["key"]))
    card = results.card_of(job)
    units = {
        row["key"]: metric.unit for row in keys if card and (metric := card.metric(row["key"]))
    }
    return page(request, job, "job-charts", template="jobs/charts.html", keys=keys, units=units)


@login_required
@require_safe
def logs(request: HttpRequest, pk: str) -> HttpResponse:
    job = get_job(request, pk)
    text, cut = _tail(job)
    return page(request, job, "job-logs", template="jobs/logs.html", log={"text": text}, cut=cut)


def _tail(job: Job) -> tuple[str, bool]:
    """The newest parts of the log, many though they may be; are there more?"""
    # Not what was written since `seq` was read: that comes over the socket.
    parts = LogPart.objects.filter(job=job, seq__lte=job.seq).order_by("-pk")
    shown: deque[str] = deque()
    room = LOG_TAIL
    for text in parts.values_list("text", flat=True).iterator(chunk_size=100):
        room -= len(text)
        if room < 0:
            return "".join(shown), True
        shown.appendleft(text)
    return "".join(shown), False


@login_required
@require_safe
def log_text(request: HttpRequest, pk: str) -> HttpResponse:
    """The whole log as a file."""
    job = policy.get_or_404(request.user, Job, "job.view", pk=pk)
    parts = LogPart.objects.filter(job=job).values_list("text", flat=True)
    # An iterator that blocks would be read whole into memory by the asynchronous server.
    rows = parts.aiterator() if isinstance(request, ASGIRequest) else parts.iterator()
    response = StreamingHttpResponse(rows, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{job.pk}.log"'
    return response


@login_required
@require_safe
def artifacts(request: HttpRequest, pk: str) -> HttpResponse:
    job = get_job(request, pk)
    rows = Artifact.objects.filter(job=job).select_related("blob").order_by("role", "path")
    found = list(rows.annotate(users=Count("used_by"))[: MOST_ARTIFACTS + 1])
    return page(
        request,
        job,
        "job-artifacts",
        template="jobs/artifacts.html",
        artifacts=found[:MOST_ARTIFACTS],
        cut=len(found) > MOST_ARTIFACTS,
        inputs=_inputs(job),
        users=actions.users_of(job),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def config(request: HttpRequest, pk: str) -> HttpResponse:
    """What was asked of the job; its form changes live parameters while it runs."""
    job = get_job(request, pk)
    card = results.card_of(job)
    values, faults = job.params_now, []
    if request.method == "POST":
        given = controls.read_live(card.params, request.POST) if card else {}
        try:
            actions.change(job, request.user, given)
        except Refused as refused:
            values, faults = {**values, **given}, refused.faults
        else:
            messages.success(request, "The job takes the new values at its next step.")
            return redirect("job-config", pk)
    beside = dict(reversed(faults))  # the first of a field wins
    environment = [(key, value) for key, value in job.environment.items() if key != "packages"]
    return page(
        request,
        job,
        "job-config",
        template="jobs/config.html",
        parameters=results.parameters(job, card, job.parent),
        changes=job.changes.select_related("by"),
        controls=controls.live(card.params, values, faults=beside) if card else [],
        faults=faults,
        environment=environment,
        packages=sorted((job.environment.get("packages") or {}).items()),
        inputs=_inputs(job),
    )


@login_required
@require_safe
def attempts(request: HttpRequest, pk: str) -> HttpResponse:
    job = get_job(request, pk)
    tries = list(job.attempts.all())
    for attempt in tries:
        attempt.seconds = (
            (attempt.ended - attempt.started).total_seconds() if attempt.ended else None
        )
    return page(
        request,
        job,
        "job-attempts",
        template="jobs/attempts.html",
        attempts=tries,
        verifications=job.verifications.all(),
        wall=sum(attempt.seconds or 0 for attempt in tries),
        cpu=sum(attempt.cpu_seconds or 0 for attempt in tries),
        peak=max((attempt.peak_rss or 0 for attempt in tries), default=0),
    )


def _main(job: Job) -> list[Artifact]:
    """What the method itself calls its results, as it made them."""
    found = job.artifacts.filter(role=Artifact.Role.RESULT).select_related("blob")
    return list(found[:MOST_SHOWN])


def _inputs(job: Job) -> list[JobInput]:
    """Where the job's data come from, each with what leads further back."""
    return list(
        job.inputs.select_related("version__dataset", "version__blob", "artifact__job").defer(
            "version__preview", "version__report"
        )
    )
