"""Who may do what: the one place that pages, the API and sockets ask.

Everything belongs to a team. A stranger to the team gets 404, so that nothing tells what
exists; a member without the right role gets 403. Roles rise: viewer, editor, maintainer,
owner. An editor controls what is their own, a maintainer everything in the team.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404

from webapp.accounts.models import Membership, Role, Team, User

RANK = {role: rank for rank, role in enumerate(Role.values)}

# action -> (lowest role, lowest role if the object is one's own)
RULES: dict[str, tuple[str, str]] = {
    "team.view": (Role.VIEWER, Role.VIEWER),
    "team.edit": (Role.OWNER, Role.OWNER),
    "team.delete": (Role.OWNER, Role.OWNER),
    "member.invite": (Role.OWNER, Role.OWNER),
    "member.role": (Role.OWNER, Role.OWNER),
    "member.reset": (Role.OWNER, Role.OWNER),
    "member.remove": (Role.OWNER, Role.OWNER),
    "audit.view": (Role.OWNER, Role.OWNER),
    "project.view": (Role.VIEWER, Role.VIEWER),
    "project.create": (Role.EDITOR, Role.EDITOR),
    "project.edit": (Role.MAINTAINER, Role.MAINTAINER),
    "project.delete": (Role.OWNER, Role.OWNER),
    "dataset.view": (Role.VIEWER, Role.VIEWER),
    "dataset.create": (Role.EDITOR, Role.EDITOR),
    "dataset.edit": (Role.MAINTAINER, Role.EDITOR),
    "dataset.delete": (Role.MAINTAINER, Role.EDITOR),
    "upload.edit": (Role.MAINTAINER, Role.EDITOR),  # look at, go on, give up
    "job.view": (Role.VIEWER, Role.VIEWER),
    "job.create": (Role.EDITOR, Role.EDITOR),
    "job.edit": (Role.MAINTAINER, Role.EDITOR),
    "job.control": (Role.MAINTAINER, Role.EDITOR),  # cancel, retry, resume, set
    "job.ask": (Role.VIEWER, Role.VIEWER),
    "job.delete": (Role.MAINTAINER, Role.EDITOR),
    "queue.order": (Role.MAINTAINER, Role.MAINTAINER),
}


def team_of(thing: Model) -> Team:
    """The team that a thing belongs to."""
    if isinstance(thing, Team):
        return thing
    for name in ("team", "project", "dataset", "job"):
        owner = getattr(thing, name, None)
        if owner is not None:
            return team_of(owner)
    raise TypeError(f"{type(thing).__name__} belongs to no team")


def role_in(user: User, team: Team | str) -> str | None:
    """The role of a signed-in user in a team; None for a stranger."""
    if not user.is_authenticated:
        return None
    pk = team.pk if isinstance(team, Team) else team
    return Membership.objects.filter(user=user, team_id=pk).values_list("role", flat=True).first()


def can(user: User, action: str, thing: Model) -> bool:
    return _may(user, action, thing, role=role_in(user, team_of(thing)))


def permitted(user: User, action: str, things: Iterable[Model]) -> set[str]:
    """The ids of those things with which a signed-in user may do this: one query for all."""
    roles = dict(Membership.objects.filter(user=user).values_list("team_id", "role"))
    return {
        thing.pk for thing in things if _may(user, action, thing, role=roles.get(team_of(thing).pk))
    }


def _may(user: User, action: str, thing: Model, *, role: str | None) -> bool:
    if role is None:
        return False
    anyone, own = RULES[action]
    mine = getattr(thing, "created_by_id", None) == user.pk
    return RANK[role] >= RANK[own if mine else anyone]


def somewhere(user: User, action: str) -> bool:
    """Whether a signed-in user has a team in which they may do this."""
    roles = Membership.objects.filter(user=user).values_list("role", flat=True)
    return any(RANK[role] >= RANK[RULES[action][0]] for role in roles)


def require(user: User, action: str, thing: Model) -> None:
    """404 for a stranger, 403 for a member who may not."""
    if role_in(user, team_of(thing)) is None:
        raise Http404
    if not can(user, action, thing):
        raise PermissionDenied(f"{action} needs the role {RULES[action][0]}")


# How each model reaches its team: what scopes every query.
PATHS = {
    "Team": "pk",
    "Project": "team",
    "Dataset": "team",
    "Version": "dataset__team",
    "Upload": "team",
    "Job": "project__team",
    "Group": "project__team",
    "Artifact": "job__project__team",
    "AuditEvent": "team",
    "Link": "team",
}


def visible(user: User, model: type[Model]) -> QuerySet:
    """All rows of a model that belong to the user's teams."""
    teams = Membership.objects.filter(user=user).values("team_id")
    return model._default_manager.filter(**{f"{PATHS[model.__name__]}__in": teams})


def get_or_404(user: User, model: type[Model], action: str, **lookup: Any) -> Any:
    """The object, if the user may do this with it: the first line of every view."""
    if any(isinstance(value, str) and "\0" in value for value in lookup.values()):
        raise Http404  # PostgreSQL would call it an error
    try:
        thing = visible(user, model).get(**lookup)
    except (model.DoesNotExist, ValueError):
        raise Http404 from None
    require(user, action, thing)
    return thing
