"""Projects, as the team's page changes them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from webapp.accounts import projects
from webapp.accounts.forms import ProjectName
from webapp.accounts.models import Team
from webapp.accounts.views.teams import team_page
from webapp.jobs.models import Project
from webapp.policy import get_or_404
from webapp.refused import Refused


@login_required
@require_POST
def project_new(request: HttpRequest, slug: str) -> HttpResponse:
    team = get_or_404(request.user, Team, "project.create", slug=slug)
    form = ProjectName(request.POST)
    if not form.is_valid():
        return team_page(request, team, project_form=form, status=422)
    projects.create(request.user, team, form.cleaned_data["name"])
    return redirect("team", slug=slug)


@login_required
@require_POST
def project_edit(request: HttpRequest, slug: str, project_id: str) -> HttpResponse:
    project = _project(request, slug, project_id, action="project.edit")
    form = ProjectName(request.POST)
    if form.is_valid():
        projects.rename(request.user, project, form.cleaned_data["name"])
    else:
        messages.error(request, f"name: {' '.join(form.errors['name'])}")
    return redirect("team", slug=slug)


@login_required
@require_POST
def project_delete(request: HttpRequest, slug: str, project_id: str) -> HttpResponse:
    """Only with the project's name typed as well."""
    project = _project(request, slug, project_id, action="project.delete")
    if request.POST.get("name") != project.name:
        messages.error(request, f"To delete the project, type its name: {project.name}")
        return redirect("team", slug=slug)
    try:
        projects.delete(request.user, project)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The project {project.name} is deleted.")
    return redirect("team", slug=slug)


def _project(request: HttpRequest, slug: str, project_id: str, *, action: str) -> Project:
    return get_or_404(request.user, Project, action, pk=project_id, team__slug=slug)
