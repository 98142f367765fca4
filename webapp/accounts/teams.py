"""Teams, their members and their roles. Each deed is written in the audit log."""

from __future__ import annotations

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.text import slugify

from webapp.accounts.models import Link, Membership, Role, Team, User
from webapp.accounts.projects import empty
from webapp.audit.record import record
from webapp.datasets.models import Version
from webapp.ids import new_id
from webapp.jobs.models import ACTIVE, Job, Project
from webapp.locks import lock
from webapp.refused import Refused


def create(user: User, name: str) -> Team:
    """A team with its first project; who makes it owns it."""
    with transaction.atomic():
        team = Team.objects.create(name=name, slug=_free_slug(name))
        Membership.objects.create(user=user, team=team, role=Role.OWNER)
        Project.objects.create(team=team, slug="bench", name="Bench")
        record(user, "team.create", team, team=team)
    return team


def rename(by: User, team: Team, name: str) -> None:
    with transaction.atomic():
        record(by, "team.edit", team, team=team, name=name)
        team.name = name
        team.save(update_fields=["name"])


def set_role(by: User, member: Membership, role: str) -> None:
    if role not in Role.values:
        raise Refused([("role", f"expected one of {', '.join(Role.values)}")])
    with transaction.atomic():
        _lock(member.team)
        if role != Role.OWNER:
            _keep_an_owner(member)
        before, member.role = member.role, role
        member.save(update_fields=["role"])
        record(by, "member.role", member.user, team=member.team, before=before, after=role)


def remove(by: User, member: Membership) -> None:
    """Also how one leaves. What they made stays with the team; a reset link dies."""
    with transaction.atomic():
        _lock(member.team)
        _keep_an_owner(member)
        record(by, "member.remove", member.user, team=member.team, role=member.role)
        Link.objects.filter(team=member.team, user=member.user).delete()
        member.delete()


def delete(by: User, team: Team) -> None:
    """The team with all it has; refused while a job of it runs."""
    jobs = Job.objects.filter(project__team=team)
    with transaction.atomic():
        lock(team.projects.all())
        lock(team.datasets.all())
        lock(Version.objects.filter(dataset__team=team))
        lock(jobs)
        if names := [str(job) for job in jobs.filter(state__in=ACTIVE)[:5]]:
            raise Refused(
                [
                    (
                        "team",
                        f"expected one without running jobs; these still run: {', '.join(names)}",
                    )
                ]
            )
        _lock(team)
        empty(team.projects.all())
        for dataset in team.datasets.all():
            dataset.delete()
        record(by, "team.delete", team, team=None)
        team.delete()


def _lock(team: Team) -> None:
    """Two owners who step down at once: one waits here for the other."""
    get_object_or_404(Team.objects.select_for_update(), pk=team.pk)


def _keep_an_owner(member: Membership) -> None:
    if member.role != Role.OWNER:
        return
    owners = Membership.objects.filter(team=member.team, role=Role.OWNER)
    if not owners.exclude(pk=member.pk).exists():
        raise Refused([("role", "expected another owner first: a team needs one")])


def _free_slug(name: str) -> str:
    """The name's slug, with the end of an id where it is taken or says nothing."""
    slug = slugify(name)[:40].strip("-")
    if not slug or slug == "new" or Team.objects.filter(slug=slug).exists():
        slug = f"{slug or 'team'}-{new_id()[-6:]}"
    return slug
