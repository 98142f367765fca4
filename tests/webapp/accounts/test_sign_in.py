import pytest

from webapp.accounts import throttle
from webapp.accounts.models import Attempts

pytestmark = pytest.mark.django_db
RIGHT = {"email": "editor@example.org", "password": "correct horse battery"}


def test_a_password_signs_in_and_leads_to_the_page_asked_for(client, editor):
    answer = client.post("/sign-in/", {**RIGHT, "next": "/account/"})
    assert answer.status_code == 302
    assert answer["Location"] == "/account/"
    assert client.get("/account/").status_code == 200


def test_the_email_is_read_in_any_case(client, editor):
    assert client.post("/sign-in/", {**RIGHT, "email": "Editor@Example.org"}).status_code == 302


@pytest.mark.parametrize(
    "next_", ["https://elsewhere.example/", "//elsewhere.example", "javascript:0", "account", "x"]
)
def test_it_never_leads_to_another_host(client, editor, next_):
    assert client.post("/sign-in/", {**RIGHT, "next": next_})["Location"] == "/"


def test_a_wrong_password_and_an_unknown_email_read_the_same(client, editor):
    wrong = client.post("/sign-in/", {**RIGHT, "password": "wrong"})
    unknown = client.post("/sign-in/", {"email": "nobody@example.org", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 422
    assert wrong.context["form"].errors == unknown.context["form"].errors


def test_a_user_who_is_not_active_cannot_sign_in(client, editor):
    editor.is_active = False
    editor.save()
    assert client.post("/sign-in/", RIGHT).status_code == 422


def test_an_account_without_password_cannot_be_signed_in_to(client, editor):
    editor.set_password(None)
    editor.save()
    assert client.post("/sign-in/", {**RIGHT, "password": "!"}).status_code == 422


def test_after_too_many_tries_even_the_right_password_waits(client, editor, monkeypatch):
    monkeypatch.setattr(throttle, "PER_EMAIL", 3)
    for _ in range(3):
        client.post("/sign-in/", {**RIGHT, "password": "wrong"})
    answer = client.post("/sign-in/", RIGHT)
    assert answer.status_code == 429
    assert "Wait" in str(answer.context["form"].non_field_errors())


def test_an_address_that_tries_many_accounts_is_slowed_down(client, editor, monkeypatch):
    monkeypatch.setattr(throttle, "PER_ADDRESS", 3)
    for number in range(3):
        client.post("/sign-in/", {"email": f"{number}@example.org", "password": "wrong"})
    assert client.post("/sign-in/", RIGHT).status_code == 429
    elsewhere = client.post("/sign-in/", RIGHT, REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 302


def test_a_sign_in_that_works_starts_the_count_afresh(client, editor):
    client.post("/sign-in/", {**RIGHT, "password": "wrong"})
    client.post("/sign-in/", RIGHT)
    assert not Attempts.objects.filter(key=throttle.email_key(RIGHT["email"])).exists()


def test_neither_email_nor_address_is_stored_in_the_clear(client, editor):
    client.post("/sign-in/", {**RIGHT, "password": "wrong"}, REMOTE_ADDR="192.0.2.7")
    assert all(len(key) == 64 for key in Attempts.objects.values_list("key", flat=True))


def test_signing_in_changes_the_session_key(client, editor):
    client.get("/sign-in/")
    before = client.session.session_key
    client.post("/sign-in/", RIGHT)
    assert client.session.session_key != before


def test_a_form_without_csrf_token_is_refused(editor):
    from django.test import Client

    assert Client(enforce_csrf_checks=True).post("/sign-in/", RIGHT).status_code == 403


def test_signing_out_needs_a_post(client_of, editor):
    client = client_of(editor)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").status_code == 302
    assert client.get("/account/")["Location"] == "/sign-in/?next=/account/"


def test_passwords_are_kept_with_argon2(settings, person):
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]  # the settings' own
    assert person("ada", None).password.startswith("argon2$argon2id$")
