"""Who calls: a bearer token in the header, or the session of a page with its CSRF token.

A token is never taken from the address, where logs and histories would keep it.
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security import APIKeyCookie, HttpBearer

from webapp.accounts import signin
from webapp.accounts.models import Token, User

SAFE = ("GET", "HEAD", "OPTIONS")


class Bearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User:
        found = signin.by_token(token)
        if found is None:
            raise AuthenticationError(message="This token is unknown, expired or revoked.")
        if request.method not in SAFE and found.scope != Token.Scope.WRITE:
            raise PermissionDenied("This token may only read.")
        request.user = found.user
        request.token = found
        return found.user


class Session(APIKeyCookie):
    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> User | None:
        """CSRF is looked at only for who is signed in: others are told to sign in."""
        return super().__call__(request) if request.user.is_authenticated else None

    def authenticate(self, request: HttpRequest, key: str | None) -> User:
        request.token = None
        return request.user
