"""The page of an artifact, its picture, its bytes."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.artifacts import pictures
from webapp.artifacts.download import respond
from webapp.artifacts.models import Artifact
from webapp.artifacts.previews import preview
from webapp.datasets.facts import told
from webapp.jobs.models import Job
from webapp.middleware import SANDBOX
from webapp.policy import get_or_404

USERS = 100  # jobs that are named as users


@login_required
@require_safe
def artifact(request: HttpRequest, pk: str) -> HttpResponse:
    found = _artifact(request, pk)
    page = request.GET.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    users = Job.objects.filter(inputs__artifact=found).distinct()
    context = {
        "artifact": found,
        "job": found.job,
        "preview": preview(found, number),
        "facts": told(found.kind, found.facts),
        "inputs": found.job.inputs.select_related("version__dataset", "artifact__job"),
        "users": users[:USERS],
    }
    return render(request, "artifacts/artifact.html", context)


@login_required
@require_safe
def artifact_raw(request: HttpRequest, pk: str) -> HttpResponse:
    """The preview of a picture, which we have made ourselves; nothing else is shown raw."""
    found = _artifact(request, pk)
    if found.media not in pictures.MEDIA:
        raise Http404("only pictures have a preview of their own")
    try:
        with pictures.picture(found.blob) as stream:
            response = HttpResponse(stream.read(), "image/png")
    except pictures.Unreadable as fault:
        raise Http404(str(fault)) from None
    response["Content-Security-Policy"] = SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=86400"
    return response


@login_required
@require_safe
def artifact_download(request: HttpRequest, pk: str) -> HttpResponseBase:
    found = _artifact(request, pk)
    return respond(request, found.blob, found.path)


def _artifact(request: HttpRequest, pk: str) -> Artifact:
    return get_or_404(request.user, Artifact, "job.view", pk=pk)
