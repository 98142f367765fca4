from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from webapp.accounts import tokens
from webapp.accounts.models import Token

pytestmark = pytest.mark.django_db


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_in_the_header_is_its_user(caller, editor):
    assert caller(editor).get("/me").json()["email"] == editor.email


def test_nobody_gets_401_in_our_shape(client, db):
    answer = client.get("/api/v1/me")
    assert answer.status_code == 401
    assert set(answer.json()) == {"code", "message", "field", "hint", "request_id"}
    assert answer.json()["request_id"] == answer["X-Request-Id"]


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "Bearer", "Basic eDp5", "x"])
def test_a_wrong_header_gets_401(client, db, header):
    assert client.get("/api/v1/me", headers={"Authorization": header}).status_code == 401


def test_a_token_in_the_address_is_no_token(client, editor):
    _, secret = tokens.make(editor, "script")
    assert client.get(f"/api/v1/me?token={secret}").status_code == 401


def test_an_expired_token_is_refused(client, editor):
    _, secret = tokens.make(editor, "script", days=1)
    Token.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert client.get("/api/v1/me", headers=bearer(secret)).status_code == 401


def test_a_revoked_token_is_refused(client, editor):
    token, secret = tokens.make(editor, "script")
    tokens.revoke(editor, token)
    assert client.get("/api/v1/me", headers=bearer(secret)).status_code == 401


def test_the_token_of_a_user_who_is_not_active_is_refused(client, editor):
    _, secret = tokens.make(editor, "script")
    editor.is_active = False
    editor.save()
    assert client.get("/api/v1/me", headers=bearer(secret)).status_code == 401


def test_a_bad_token_is_not_saved_by_a_good_session(client_of, editor):
    answer = client_of(editor).get("/api/v1/me", headers=bearer("nonsense"))
    assert answer.status_code == 401


def test_a_read_token_reads_and_does_not_write(caller, editor):
    reader = caller(editor, "read")
    assert reader.get("/me").status_code == 200
    for method in ("POST", "PATCH", "DELETE"):
        path = "/me" if method == "PATCH" else "/tokens"
        answer = reader(method, path, {"name": "X"})
        assert answer.status_code == (405 if method == "DELETE" else 403)
    editor.refresh_from_db()
    assert editor.name == "editor"


def test_a_session_reads_without_and_writes_with_its_csrf_token(editor):
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    assert client.get("/api/v1/me").status_code == 200
    send = {"data": '{"name": "Edith"}', "content_type": "application/json"}
    assert client.patch("/api/v1/me", **send).status_code == 403
    csrf = client.get("/account/").cookies["csrftoken"].value
    with_it = client.patch("/api/v1/me", **send, headers={"X-CSRFToken": csrf})
    assert with_it.status_code == 200


def test_who_has_no_session_is_told_to_sign_in_rather_than_of_csrf(db):
    client = Client(enforce_csrf_checks=True)
    assert client.post("/api/v1/tokens", {}, content_type="application/json").status_code == 401


def test_last_used_is_noted(caller, editor):
    caller(editor).get("/me")
    assert Token.objects.get().last_used is not None


def test_answers_are_not_kept_by_caches(caller, editor):
    assert caller(editor).get("/me")["Cache-Control"] == "private, no-store"
