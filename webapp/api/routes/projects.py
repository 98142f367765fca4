"""Projects: a team's named bodies of jobs."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import Field

from webapp.accounts import projects
from webapp.accounts.models import Team
from webapp.api.fields import Asked, Given, Id, Line, Shown, answers
from webapp.jobs.models import Project
from webapp.policy import get_or_404, visible

router = Router(tags=["projects"])


class ProjectOut(Shown):
    id: str
    team: str = Field(alias="team_id")
    slug: str
    name: str
    created: datetime


class ProjectIn(Given):
    team: Id
    name: Line


class ProjectEdit(Given):
    name: Line


class ProjectsAsked(Asked):
    team: Id | None = None


@router.get("/projects", response=answers(list[ProjectOut]), summary="Projects")
def list_projects(request: HttpRequest, asked: Query[ProjectsAsked]) -> list[Project]:
    rows = visible(request.user, Project).order_by("name", "id")
    return list(rows.filter(team=asked.team) if asked.team else rows)


@router.post("/projects", response=answers(ProjectOut, status=201), summary="Make a project")
def make_project(request: HttpRequest, given: ProjectIn) -> Status:
    team = get_or_404(request.user, Team, "project.create", pk=given.team)
    return Status(201, projects.create(request.user, team, given.name))


@router.get("/projects/{project_id}", response=answers(ProjectOut), summary="A project")
def get_project(request: HttpRequest, project_id: Id) -> Project:
    return get_or_404(request.user, Project, "project.view", pk=project_id)


@router.patch("/projects/{project_id}", response=answers(ProjectOut), summary="Rename a project")
def edit_project(request: HttpRequest, project_id: Id, given: ProjectEdit) -> Project:
    project = get_or_404(request.user, Project, "project.edit", pk=project_id)
    projects.rename(request.user, project, given.name)
    return project


@router.delete(
    "/projects/{project_id}", response=answers(None, status=204), summary="Delete a project"
)
def delete_project(request: HttpRequest, project_id: Id) -> Status:
    """With its jobs; refused while one of them runs."""
    projects.delete(
        request.user, get_or_404(request.user, Project, "project.delete", pk=project_id)
    )
    return Status(204, None)
