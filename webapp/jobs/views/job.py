"""The pages of one job: every tab is a page of its own, live while the job runs."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from webapp import policy
from webapp.artifacts.models import Artifact
from webapp.artifacts.previews import preview
from webapp.jobs import actions, results
from webapp.jobs.models import ENDED, Job, JobInput, LogPart
from webapp.jobs.states import waits_for
from webapp.metrics.models import Series

TABS = (
    ("job", "Overview"),
    ("job-charts", "Charts"),
    ("job-inspect", "Inspect"),
    ("job-logs", "Logs"),
    ("job-artifacts", "Artifacts"),
    ("job-config", "Config"),
    ("job-attempts", "Attempts"),
)
LOG_TAIL = 16  # parts of at most 64 kB that the page shows; the download has all
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
        "waits": waits_for(job),
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
    return render(request, template, {**shared, **context})


@login_required
@require_GET
def overview(request: HttpRequest, pk: str) -> HttpResponse:
    job = get_job(request, pk)
    card = results.card_of(job)
    rows = results.rows(card, job.summary)
    shown = [(one, preview(one)) for one in _main(job)]
    return page(
        request,
        job,
        "job",
        template="jobs/overview.html",
        metrics=results.headline(card, job.summary),
        rows=rows,
        own=rows[0] if rows else None,
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
@require_GET
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
@require_GET
def logs(request: HttpRequest, pk: str) -> HttpResponse:
    job = get_job(request, pk)
    # Not what was written since `seq` was read: that comes over the socket.
    parts = LogPart.objects.filter(job=job, seq__lte=job.seq).order_by("-pk")
    parts = list(parts[: LOG_TAIL + 1])
    text = "".join(part.text for part in reversed(parts[:LOG_TAIL]))
    return page(
        request,
        job,
        "job-logs",
        template="jobs/logs.html",
        log={"text": text},
        cut=len(parts) > LOG_TAIL,
    )


@login_required
@require_GET
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
@require_GET
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
@require_GET
def config(request: HttpRequest, pk: str) -> HttpResponse:
    job = get_job(request, pk)
    environment = [(key, value) for key, value in job.environment.items() if key != "packages"]
    return page(
        request,
        job,
        "job-config",
        template="jobs/config.html",
        parameters=results.parameters(job, results.card_of(job), job.parent),
        environment=environment,
        packages=sorted((job.environment.get("packages") or {}).items()),
        inputs=_inputs(job),
    )


@login_required
@require_GET
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
