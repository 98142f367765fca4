"""One-time links: shown by GET, used once by POST, never stored or logged in the clear."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from webapp.accounts.models import Link, Membership, Role, Team, Token, User, digest
from webapp.audit.record import record
from webapp.policy import RANK
from webapp.refused import Refused

SIGN_IN_LASTS = timedelta(days=1)
INVITE_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(days=1)


def find(secret: str) -> Link | None:
    """The link, used or not: the page says which."""
    return Link.objects.select_related("user", "team").filter(secret_hash=digest(secret)).first()


def alive(link: Link) -> bool:
    return link.used is None and link.expires > timezone.now()


def address(secret: str, base: str) -> str:
    return base.rstrip("/") + reverse("link", args=[secret])


def invite(by: User, team: Team, *, role: str, email: str = "") -> tuple[Link, str]:
    """An invitation and its secret; `email` fixes who may take it."""
    _check_role(role)
    email = email.strip().lower()
    if email and team.memberships.filter(user__email=email).exists():
        raise Refused([("email", "expected somebody who is not in the team yet")])
    with transaction.atomic():
        link, secret = Link.make(
            Link.Purpose.INVITE,
            lasts=INVITE_LASTS,
            team=team,
            role=role,
            email=email,
            created_by=by,
        )
        record(by, "member.invite", link, team=team, role=role, email=email)
    return link, secret


def reset(by: User, team: Team, member: User) -> tuple[Link, str]:
    """A password reset by an owner of every team that the member is in.

    Otherwise the owner of one team could take over an account, and with it another team.
    """
    if not _owns_all_teams(by, member):
        raise Refused(
            [
                (
                    "member",
                    "expected a member of your own teams only: this one is in another team as well",
                )
            ]
        )
    with transaction.atomic():
        link, secret = Link.make(
            Link.Purpose.RESET, lasts=RESET_LASTS, user=member, team=team, created_by=by
        )
        record(by, "member.reset", member, team=team, link=link.pk)
    return link, secret


def revoke(by: User, link: Link) -> None:
    with transaction.atomic():
        record(by, "member.uninvite", link, team=link.team, email=link.email)
        link.delete()


def use_sign_in(link: Link) -> User:
    with transaction.atomic():
        _spend(link)
        record(link.user, "link.sign_in", link, team=None)
    return link.user


def use_reset(link: Link, password: str) -> User:
    """Sets the password. Sessions end by that; API tokens are revoked, since a reset may
    mean that somebody else held the account."""
    user = link.user
    _check_password(password, user)
    if not _owns_all_teams(link.created_by, user):
        raise Refused([("link", "expected one made by an owner of every team of this account")])
    with transaction.atomic():
        _spend(link)
        user.set_password(password)
        user.save(update_fields=["password"])
        Token.objects.filter(user=user).delete()
        record(user, "link.reset", link, team=link.team)
    return user


def use_invite(link: Link, user: User) -> Team:
    """A signed-in user joins; who is in the team already never loses a role by it."""
    if link.email and link.email != user.email:
        raise Refused(
            [("email", f"expected the account of {link.email}, for whom the invitation is")]
        )
    with transaction.atomic():
        _spend(link)
        _join(link, user)
    return link.team


def use_invite_as_new(link: Link, *, email: str, name: str, password: str) -> User:
    """Makes the account and joins. Who has one already signs in first."""
    email = link.email or email.strip().lower()
    user = User(email=email, name=name)
    _check_password(password, user)
    user.set_password(password)
    try:
        with transaction.atomic():
            _spend(link)
            user.save(force_insert=True)
            _join(link, user)
    except IntegrityError:  # the one unique thing here is the e-mail
        known = "expected a new address; who has an account signs in and opens the link again"
        raise Refused([("email", known)]) from None
    return user


def _owns_all_teams(by: User | None, member: User) -> bool:
    owned = Membership.objects.filter(user=by, role=Role.OWNER).values("team_id")
    return not member.memberships.exclude(team_id__in=owned).exists()


def _join(link: Link, user: User) -> None:
    """Only while its maker owns the team: who was removed must not come back by a link."""
    owners = Membership.objects.filter(team=link.team, role=Role.OWNER)
    if not owners.filter(user=link.created_by).exists():
        raise Refused(
            [("link", "expected one made by somebody who owns the team now: ask an owner")]
        )
    found, made = Membership.objects.get_or_create(
        user=user, team=link.team, defaults={"role": link.role}
    )
    if not made and RANK[link.role] > RANK[found.role]:
        found.role = link.role
        found.save(update_fields=["role"])
    record(user, "member.join", user, team=link.team, role=found.role, link=link.pk)


def _spend(link: Link) -> None:
    """Marks it used; of two uses at once, one is refused."""
    now = timezone.now()
    fresh: Any = Link.objects.filter(pk=link.pk, used=None, expires__gt=now)
    if not fresh.update(used=now):
        raise Refused([("link", "expected one that was neither used nor expired")])


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise Refused([("role", f"expected one of {', '.join(Role.values)}")])


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refused([("password", message) for message in error.messages]) from None
