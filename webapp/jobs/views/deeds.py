"""What forms do with jobs. Each goes back to where it came from, with a message."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from webapp import policy
from webapp.accounts.models import User
from webapp.jobs import actions
from webapp.jobs.models import Job
from webapp.refused import Refused

MOST = 200  # jobs in one bulk action


def _deed(action: str, act: Callable[[Job, User], None], said: str) -> Callable[..., HttpResponse]:
    @login_required
    @require_POST
    def view(request: HttpRequest, pk: str) -> HttpResponse:
        job = policy.get_or_404(request.user, Job, action, pk=pk)
        try:
            act(job, request.user)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, f"{job} {said}")
        return redirect(_back(request, reverse("job", args=[pk])))

    return view


cancel = _deed("job.control", actions.cancel, "is being cancelled.")
retry = _deed("job.control", actions.retry, "is queued again, from the beginning, as submitted.")
resume = _deed("job.control", actions.resume, "is queued again, from its checkpoint.")


@login_required
@require_POST
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    job = policy.get_or_404(request.user, Job, "job.delete", pk=pk)
    try:
        actions.delete(job, request.user)
    except Refused as refused:
        messages.error(request, f"Not deleted. {refused}")
        return redirect("job", pk)
    messages.success(request, f"{job} is deleted.")
    return redirect("jobs")


@login_required
@require_POST
def edit(request: HttpRequest, pk: str) -> HttpResponse:
    """Only the fields that the form sent are changed."""
    job = policy.get_or_404(request.user, Job, "job.edit", pk=pk)
    post = request.POST
    try:
        actions.edit(
            job,
            request.user,
            name=post.get("name"),
            notes=post.get("notes"),
            tags=_tags(post["tags"]) if "tags" in post else None,
            pinned=post["pinned"] == "1" if "pinned" in post else None,
            archived=post["archived"] == "1" if "archived" in post else None,
        )
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(_back(request, reverse("job", args=[pk])))


@login_required
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Tags or archives the selected jobs; what may not be done is said, the rest is done."""
    pks = [pk for pk in request.POST.getlist("job")[:MOST] if "\0" not in pk]
    deed = request.POST.get("deed", "")
    done, refusals = 0, []
    for job in policy.visible(request.user, Job).filter(pk__in=pks).select_related("project"):
        try:
            _bulk_one(job, request, deed)
        except (Refused, PermissionDenied) as refusal:
            refusals.append(f"{job}: {refusal}")
        else:
            done += 1
    if done:
        messages.success(request, f"{done} job{'s' if done != 1 else ''} changed.")
    if refusals:
        messages.error(request, f"{len(refusals)} not changed. {refusals[0]}")
    return redirect(_back(request, reverse("jobs")))


def _bulk_one(job: Job, request: HttpRequest, deed: str) -> None:
    if deed == "tag":
        tags = [*job.tags, *_tags(request.POST.get("tag", ""))]
        actions.edit(job, request.user, tags=tags)
    elif deed in ("archive", "unarchive"):
        actions.edit(job, request.user, archived=deed == "archive")
    else:
        raise Refused([("deed", "expected tag, archive or unarchive")])


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",") if tag.strip()]


def _back(request: HttpRequest, otherwise: str) -> str:
    """The page that the form names, if it is one of ours."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    # Only a path: `redirect` takes a bare word for the name of a view.
    return wanted if ours and wanted.startswith("/") else otherwise
