"""Teams: members, roles, invitations, the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router, Status
from pydantic import Field

from webapp.accounts import links, teams
from webapp.accounts.models import Link, Membership, Team
from webapp.api.fields import Asked, Email, Given, Id, Line, Shown, answers
from webapp.policy import get_or_404, visible

router = Router(tags=["teams"])
Role = Literal["viewer", "editor", "maintainer", "owner"]


class TeamOut(Shown):
    id: str
    slug: str
    name: str
    created: datetime


class MemberOut(Shown):
    id: str = Field(description="of the user")
    email: str
    name: str
    role: str
    since: datetime

    @staticmethod
    def of(row: Membership) -> dict[str, Any]:
        user = row.user
        return {
            "id": user.id,
            "email": user.email,
            "name": user.name,
            "role": row.role,
            "since": row.since,
        }


class InvitationOut(Shown):
    id: str
    role: str
    email: str
    expires: datetime
    created: datetime


class LinkOut(Shown):
    id: str
    address: str = Field(description="Works once. Shown this once, never again.")
    expires: datetime


class AuditOut(Shown):
    id: int
    at: datetime
    user: str | None
    action: str
    target: str
    detail: dict[str, Any]


class AuditPage(Shown):
    events: list[AuditOut]
    next: int | None = Field(description="`before` of the next page")


class TeamIn(Given):
    name: Line


class RoleIn(Given):
    role: Role


class InvitationIn(Given):
    role: Role = "editor"
    email: Email | None = Field(None, description="Only this person can take it.")


class AuditAsked(Asked):
    before: int | None = Field(None, ge=0, lt=1 << 62)
    limit: int = Field(50, ge=1, le=500)


def _team(request: HttpRequest, team_id: str, action: str) -> Team:
    return get_or_404(request.user, Team, action, pk=team_id)


@router.get("/teams", response=answers(list[TeamOut]), summary="My teams")
def list_teams(request: HttpRequest) -> list[Team]:
    return list(visible(request.user, Team).order_by("name"))


@router.post("/teams", response=answers(TeamOut, status=201), summary="Make a team")
def make_team(request: HttpRequest, given: TeamIn) -> Status:
    return Status(201, teams.create(request.user, given.name))


@router.get("/teams/{team_id}", response=answers(TeamOut), summary="A team")
def get_team(request: HttpRequest, team_id: Id) -> Team:
    return _team(request, team_id, "team.view")


@router.patch("/teams/{team_id}", response=answers(TeamOut), summary="Rename a team")
def edit_team(request: HttpRequest, team_id: Id, given: TeamIn) -> Team:
    team = _team(request, team_id, "team.edit")
    teams.rename(request.user, team, given.name)
    return team


@router.delete("/teams/{team_id}", response=answers(None, status=204), summary="Delete a team")
def delete_team(request: HttpRequest, team_id: Id) -> Status:
    """With its projects, jobs and datasets."""
    teams.delete(request.user, _team(request, team_id, "team.delete"))
    return Status(204, None)


@router.get("/teams/{team_id}/members", response=answers(list[MemberOut]), summary="Members")
def list_members(request: HttpRequest, team_id: Id) -> list[dict]:
    team = _team(request, team_id, "team.view")
    return [MemberOut.of(row) for row in team.memberships.select_related("user").order_by("since")]


@router.patch(
    "/teams/{team_id}/members/{user_id}", response=answers(MemberOut), summary="Change a role"
)
def edit_member(request: HttpRequest, team_id: Id, user_id: Id, given: RoleIn) -> dict:
    member = _member(_team(request, team_id, "member.role"), user_id)
    teams.set_role(request.user, member, given.role)
    return MemberOut.of(member)


@router.delete(
    "/teams/{team_id}/members/{user_id}",
    response=answers(None, status=204),
    summary="Remove a member, or leave",
)
def remove_member(request: HttpRequest, team_id: Id, user_id: Id) -> Status:
    leaving = user_id == request.user.pk
    team = _team(request, team_id, "team.view" if leaving else "member.remove")
    teams.remove(request.user, _member(team, user_id))
    return Status(204, None)


@router.post(
    "/teams/{team_id}/members/{user_id}/reset",
    response=answers(LinkOut, status=201),
    summary="Make a password reset link",
)
def reset_member(request: HttpRequest, team_id: Id, user_id: Id) -> Status:
    team = _team(request, team_id, "member.reset")
    link, secret = links.reset(request.user, team, _member(team, user_id).user)
    return Status(201, _shown(request, link, secret))


@router.get(
    "/teams/{team_id}/invitations",
    response=answers(list[InvitationOut]),
    summary="Invitations that wait",
)
def list_invitations(request: HttpRequest, team_id: Id) -> list[Link]:
    team = _team(request, team_id, "member.invite")
    waiting = team.links.filter(purpose=Link.Purpose.INVITE, used=None, expires__gt=timezone.now())
    return list(waiting.order_by("-id"))


@router.post(
    "/teams/{team_id}/invitations",
    response=answers(LinkOut, status=201),
    summary="Invite somebody",
)
def invite(request: HttpRequest, team_id: Id, given: InvitationIn) -> Status:
    team = _team(request, team_id, "member.invite")
    link, secret = links.invite(request.user, team, role=given.role, email=given.email or "")
    return Status(201, _shown(request, link, secret))


@router.delete(
    "/teams/{team_id}/invitations/{link_id}",
    response=answers(None, status=204),
    summary="Withdraw an invitation",
)
def uninvite(request: HttpRequest, team_id: Id, link_id: Id) -> Status:
    team = _team(request, team_id, "member.invite")
    link = get_object_or_404(Link, pk=link_id, team=team, purpose=Link.Purpose.INVITE)
    links.revoke(request.user, link)
    return Status(204, None)


@router.get("/teams/{team_id}/audit", response=answers(AuditPage), summary="Who did what")
def audit(request: HttpRequest, team_id: Id, asked: Query[AuditAsked]) -> dict:
    team = _team(request, team_id, "audit.view")
    rows = team.audit.select_related("user")
    if asked.before is not None:
        rows = rows.filter(id__lt=asked.before)
    found = list(rows[: asked.limit + 1])
    more = len(found) > asked.limit
    events = [
        {
            "id": row.id,
            "at": row.at,
            "user": row.user_id,
            "action": row.action,
            "target": row.target,
            "detail": row.detail,
        }
        for row in found[: asked.limit]
    ]
    return {"events": events, "next": events[-1]["id"] if more else None}


def _member(team: Team, user_id: str) -> Membership:
    rows = Membership.objects.select_related("user", "team")
    return get_object_or_404(rows, team=team, user_id=user_id)


def _shown(request: HttpRequest, link: Link, secret: str) -> dict[str, Any]:
    base = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    return {"id": link.id, "address": links.address(secret, base), "expires": link.expires}
