"""Who calls, and their API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from webapp.accounts import tokens as service
from webapp.accounts.models import Token
from webapp.api.fields import Given, Id, Line, Shown, answers
from webapp.audit.record import record
from webapp.refused import Refused

router = Router(tags=["account"])
USUAL_DAYS = 90


class TokenOut(Shown):
    id: str
    name: str
    prefix: str
    scope: str
    created: datetime
    expires: datetime | None
    last_used: datetime | None


class NewTokenOut(TokenOut):
    secret: str = Field(description="Shown this once, never again.")


class MyTeam(Shown):
    id: str
    slug: str
    name: str
    role: str


class Me(Shown):
    id: str
    email: str
    name: str
    teams: list[MyTeam]
    token: TokenOut | None


class MeIn(Given):
    name: Line


class TokenIn(Given):
    name: Line
    scope: Literal["read", "write"] = "write"
    days: Annotated[int, Field(ge=1, le=service.MAX_DAYS)] | None = Field(
        USUAL_DAYS, description="How long it works; null for ever."
    )


@router.get("/me", response=answers(Me), summary="Who am I")
def me(request: HttpRequest) -> dict:
    user = request.user
    rows = user.memberships.select_related("team").order_by("team__name")
    teams = [
        {"id": row.team.id, "slug": row.team.slug, "name": row.team.name, "role": row.role}
        for row in rows
    ]
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "teams": teams,
        "token": request.token,
    }


@router.patch("/me", response=answers(Me), summary="Change my name")
def edit_me(request: HttpRequest, given: MeIn) -> dict:
    request.user.name = given.name
    with transaction.atomic():
        request.user.save(update_fields=["name"])
        record(request.user, "account.edit", request.user, team=None)
    return me(request)


@router.get("/tokens", response=answers(list[TokenOut]), summary="My API tokens")
def tokens(request: HttpRequest) -> list[Token]:
    return list(request.user.tokens.order_by("-id"))


@router.post("/tokens", response=answers(NewTokenOut, status=201), summary="Make an API token")
def make_token(request: HttpRequest, given: TokenIn) -> Status:
    """A token made with a token does not outlive it."""
    days, left = given.days, _days_left(request.token)
    if left is not None and "days" not in given.model_fields_set:
        days = min(USUAL_DAYS, left)
    if left is not None and (days is None or not 1 <= days <= left):
        raise Refused(
            [("days", f"expected 1 to {left}, no longer than the token that you call with")]
        )
    token, secret = service.make(request.user, given.name, scope=given.scope, days=days)
    shown = TokenOut.from_orm(token).dict()
    return Status(201, {**shown, "secret": secret})


@router.delete(
    "/tokens/{token_id}", response=answers(None, status=204), summary="Revoke an API token"
)
def revoke_token(request: HttpRequest, token_id: Id) -> Status:
    service.revoke(request.user, get_object_or_404(Token, pk=token_id, user=request.user))
    return Status(204, None)


def _days_left(token: Token | None) -> int | None:
    """Whole days of the token that is called with; None for one without end, or a session."""
    if token is None or token.expires is None:
        return None
    return (token.expires - timezone.now()).days
