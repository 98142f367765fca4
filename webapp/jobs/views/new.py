"""The page that starts a job."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from engine.core.method import Method
from engine.core.registry import methods
from webapp import policy
from webapp.datasets.models import Version
from webapp.jobs import form as forms
from webapp.jobs.models import Job


@login_required
@require_http_methods(["GET", "POST"])
def job_new(request: HttpRequest) -> HttpResponse:
    parent = _parent(request)
    method = _method(request, parent)
    if method is None:
        return _choose(request)
    if request.method == "POST":
        jobs, form = forms.send(request, method, parent=parent)
        if len(jobs) > 1:
            messages.success(request, f"{len(jobs)} jobs are queued.")
            return redirect("group", jobs[0].group_id)
        if jobs:
            return redirect("job", jobs[0].pk)
    else:
        form = forms.empty(request, method, parent=parent)
    context = {
        "form": form,
        "method": method,
        "parent": parent,
        "estimate": forms.estimate(request.user, method),
        "foretells": method.foretold is not None,  # a template would call it
    }
    return render(request, "jobs/new.html", context, status=422 if form.faults else 200)


@login_required
@require_POST
def job_foretold(request: HttpRequest) -> HttpResponse:
    """Beside the form while it is filled in."""
    method = _method(request, None)
    if method is None:
        raise Http404
    return render(request, "jobs/foretold.html", {"lines": forms.foretold(request, method)})


def _parent(request: HttpRequest) -> Job | None:
    """The job to run again with changes, if it may be seen."""
    pk = request.GET.get("fork")
    return policy.get_or_404(request.user, Job, "job.view", pk=pk) if pk else None


def _method(request: HttpRequest, parent: Job | None) -> Method | None:
    slug = request.GET.get("method") or (parent.method if parent else "")
    if not slug:
        return None
    if slug not in methods():
        raise Http404
    return methods()[slug]


def _choose(request: HttpRequest) -> HttpResponse:
    """Without a method: all of them, and of which data each is made."""
    version = None
    found = list(methods().values())
    if pk := request.GET.get("version"):
        version = policy.get_or_404(request.user, Version, "dataset.view", pk=pk)
        kind = version.dataset.kind
        found = [m for m in found if any(entry.kind == kind for entry in m.inputs)]
    return render(request, "jobs/choose.html", {"methods": found, "version": version})
