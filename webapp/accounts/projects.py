"""Projects of a team: made, renamed, deleted."""

from __future__ import annotations

import shutil

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.text import slugify

from webapp.accounts.models import Team, User
from webapp.audit.record import record
from webapp.ids import new_id
from webapp.jobs.models import ACTIVE, Job, JobInput, Project
from webapp.locks import lock
from webapp.refused import Refused


def create(user: User, team: Team, name: str) -> Project:
    with transaction.atomic():
        project = Project.objects.create(team=team, name=name, slug=_free_slug(team, name))
        record(user, "project.create", project, team=team)
    return project


def rename(user: User, project: Project, name: str) -> None:
    """Its slug stays, since addresses and scripts name it."""
    with transaction.atomic():
        record(user, "project.edit", project, team=project.team, name=name)
        project.name = name
        project.save(update_fields=["name"])


def delete(user: User, project: Project) -> None:
    """The project with its jobs; refused while one runs, or feeds a job elsewhere."""
    with transaction.atomic():
        get_object_or_404(Project.objects.select_for_update(), pk=project.pk)
        lock(project.jobs.all())
        _refuse_used(project)
        record(user, "project.delete", project, team=project.team, jobs=project.jobs.count())
        empty(Project.objects.filter(pk=project.pk))
        project.delete()


def _refuse_used(project: Project) -> None:
    if names := [str(job) for job in project.jobs.filter(state__in=ACTIVE)[:5]]:
        raise Refused(
            [("project", f"expected one without running jobs; these still run: {', '.join(names)}")]
        )
    users = Job.objects.filter(inputs__artifact__job__project=project).exclude(project=project)
    if names := [str(job) for job in users.distinct()[:5]]:
        raise Refused(
            [("project", f"expected one that no other uses; these do: {', '.join(names)}")]
        )


def empty(projects: QuerySet[Project]) -> None:
    """Deletes all jobs of these projects; their inputs first, since those hold artifacts."""
    jobs = Job.objects.filter(project__in=projects)
    ids = list(jobs.values_list("pk", flat=True))
    JobInput.objects.filter(job__in=jobs).delete()
    jobs.delete()
    transaction.on_commit(lambda: _remove_folders(ids))


def _remove_folders(ids: list[str]) -> None:
    for pk in ids:
        shutil.rmtree(settings.JOBS_DIR / pk, ignore_errors=True)


def _free_slug(team: Team, name: str) -> str:
    slug = slugify(name)[:40].strip("-")
    if not slug or team.projects.filter(slug=slug).exists():
        slug = f"{slug or 'project'}-{new_id()[-6:]}"
    return slug
