"""The audit log of a team, newest first."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.accounts.models import Team
from webapp.policy import get_or_404

PER_PAGE = 50


@login_required
@require_safe
def audit(request: HttpRequest, slug: str) -> HttpResponse:
    team = get_or_404(request.user, Team, "audit.view", slug=slug)
    events = team.audit.select_related("user")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) <= 18:
        events = events.filter(id__lt=int(before))
    shown = list(events[: PER_PAGE + 1])
    page = {
        "team": team,
        "events": shown[:PER_PAGE],
        "older": shown[PER_PAGE - 1].pk if len(shown) > PER_PAGE else None,
    }
    return render(request, "audit/audit.html", page)
