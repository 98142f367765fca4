"""A group: the same job under several seeds, with means, intervals and paired differences."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp import policy
from webapp.jobs import comparison, overlay, results
from webapp.jobs.models import ENDED, Group, State
from webapp.jobs.views.compare import USUAL


@login_required
@require_safe
def group(request: HttpRequest, pk: str) -> HttpResponse:
    found = policy.get_or_404(request.user, Group, "job.view", pk=pk)
    jobs = comparison.group_jobs(found)
    done = [job for job in jobs if job.state == State.DONE]
    card = results.card_of(jobs[0]) if jobs else None
    metrics = results.headline(card, done[0].summary) if done else []
    asked = request.GET.getlist("key")
    keys = [key for key, _ in overlay.shared_keys(jobs)]
    chosen = [key for key in keys if key in asked]
    context = {
        "group": found,
        "card": card,
        "jobs": jobs,
        "done": len(done),
        "open": any(job.state not in ENDED for job in jobs),
        "metrics": metrics,
        "rows": [(job, [job.summary.get(metric.key) for metric in metrics]) for job in jobs],
        "intervals": comparison.intervals(done) if done else [],
        "paired": comparison.paired(done),
        "keys": keys,
        "figures": overlay.figures(
            jobs, chosen or (results.key_curves(jobs[0], card) if jobs else [])[:USUAL], band=True
        ),
        "ids": ",".join(job.pk for job in jobs),
    }
    return render(request, "groups/group.html", context)
