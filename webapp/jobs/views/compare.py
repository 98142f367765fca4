"""Chosen jobs side by side."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp import policy
from webapp.jobs import comparison, overlay
from webapp.jobs.models import Job
from webapp.jobs.results import card_of, curve_rank, headline_keys

MOST = 100  # jobs on one page
MOST_TABLE = 20  # columns of the tables; above, the groups' means say more
USUAL = 4  # charts, without a choice


@login_required
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    named = [pk for pk in request.GET.get("jobs", "").split(",") if pk and "\0" not in pk]
    wanted = list(dict.fromkeys(named))
    rows = policy.visible(request.user, Job).filter(pk__in=wanted[:MOST])
    rows = rows.select_related("project", "group").prefetch_related(*comparison.INPUTS)
    place = {pk: number for number, pk in enumerate(wanted)}
    jobs = sorted(rows, key=lambda job: place[job.pk])
    keys = overlay.shared_keys(jobs)
    asked = request.GET.getlist("key")
    chosen = [key for key, _ in keys if key in asked] if asked else _usual(jobs, keys)
    tabled = jobs[:MOST_TABLE]
    context = {
        "jobs": jobs,
        "ids": ",".join(job.pk for job in jobs),
        "left_out": max(len(wanted) - MOST, 0),
        "missing": len(wanted[:MOST]) - len(jobs),
        "keys": keys,
        "chosen": chosen,
        "figures": overlay.figures(jobs, chosen),
        "tabled": tabled,
        "params": comparison.differing(tabled) if len(tabled) > 1 else [],
        "summary": comparison.summary(tabled) if tabled else [],
        "groups": comparison.groups(jobs),
        "most_lines": overlay.MOST_LINES,
        "recent": policy.visible(request.user, Job).filter(archived=False)[:20] if not jobs else (),
    }
    return render(request, "compare/compare.html", context)


def _usual(jobs: list[Job], keys: list[tuple[str, int]]) -> list[str]:
    """The headline series and their parts, and of these what most jobs have."""
    heads = {head for job in jobs for head in headline_keys(card_of(job))}

    def place(row: tuple[str, int]) -> tuple[int, int, int]:
        key, having = row
        kind, depth = curve_rank(key, heads)
        return kind, -having, depth

    return [key for key, _ in sorted(keys, key=place)][:USUAL]
