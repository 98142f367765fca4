"""API tokens: shown once when they are made, kept as a digest."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from webapp.accounts.models import Token, User, digest
from webapp.audit.record import record
from webapp.refused import Refused

START = "tenfold_"  # so that secret scanners, and our own logs, know one when they see it
PER_USER = 50
MAX_DAYS = 3650


def make(
    user: User, name: str, *, scope: str = Token.Scope.WRITE, days: int | None = 90
) -> tuple[Token, str]:
    """The token and its secret; `days=None` never expires."""
    if scope not in Token.Scope.values:
        raise Refused([("scope", f"expected one of {', '.join(Token.Scope.values)}")])
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise Refused([("days", f"expected 1 to {MAX_DAYS} days, or none, got {days}")])
    if user.tokens.count() >= PER_USER:
        raise Refused([("name", f"expected at most {PER_USER} tokens: revoke one first")])
    secret = START + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = Token.objects.create(
            user=user,
            name=name,
            prefix=secret[:12],
            secret_hash=digest(secret),
            scope=scope,
            expires=timezone.now() + timedelta(days=days) if days else None,
        )
        record(user, "token.create", token, team=None, scope=scope)
    return token, secret


def revoke(user: User, token: Token) -> None:
    with transaction.atomic():
        record(user, "token.revoke", token, team=None)
        token.delete()
