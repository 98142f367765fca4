"""How tests call the API: as a script does, with a token and JSON."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from webapp.accounts.tokens import make as make_token


class Caller:
    def __init__(self, user, scope="write"):
        self.client = Client()
        self.headers = {"Authorization": f"Bearer {make_token(user, 'test', scope=scope)[1]}"}

    def __call__(self, method, path, body=None, **headers):
        content = {} if body is None else {"data": json.dumps(body)}
        return self.client.generic(
            method,
            f"/api/v1{path}",
            content_type="application/json",
            headers={**self.headers, **headers},
            **content,
        )

    def get(self, path):
        return self("GET", path)

    def post(self, path, body=None, **headers):
        return self("POST", path, body, **headers)

    def patch(self, path, body):
        return self("PATCH", path, body)

    def delete(self, path):
        return self("DELETE", path)


@pytest.fixture
def caller():
    """`caller(user)` calls with a write token, `caller(user, "read")` with a read token."""
    return Caller
