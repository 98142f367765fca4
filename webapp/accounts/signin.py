"""Who a password, or a token, belongs to."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import authenticate
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from webapp.accounts import throttle
from webapp.accounts.models import Token, User, digest

USED_EVERY = timedelta(minutes=1)  # "last used" is no finer: not a write per call


def by_password(request: HttpRequest, email: str, password: str) -> User | None:
    """The user, or None; raises `Throttled`. An unknown e-mail costs the same time."""
    address = request.META.get("REMOTE_ADDR", "")
    throttle.count(email, address)
    user = authenticate(request, username=email.strip().lower(), password=password)
    if user is not None:
        throttle.forgive(email, address)
    return user


def by_token(secret: str) -> Token | None:
    """The token that a secret belongs to, if it may still be used."""
    now = timezone.now()
    alive = Q(expires=None) | Q(expires__gt=now)
    token = (
        Token.objects.select_related("user")
        .filter(alive, secret_hash=digest(secret), user__is_active=True)
        .first()
    )
    if token and (token.last_used is None or token.last_used < now - USED_EVERY):
        Token.objects.filter(pk=token.pk).update(last_used=now)
    return token
