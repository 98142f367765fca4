import pytest

from webapp.accounts.models import Token

pytestmark = pytest.mark.django_db


def test_it_shows_name_teams_and_tokens(client_of, editor):
    page = client_of(editor).get("/account/").content.decode()
    assert "editor@example.org" in page
    assert "Lab" in page


def test_a_stranger_is_sent_to_sign_in(client, db):
    assert client.get("/account/")["Location"] == "/sign-in/?next=/account/"


def test_the_name_is_changed(client_of, editor):
    client_of(editor).post("/account/", {"name": "Edith"})
    editor.refresh_from_db()
    assert editor.name == "Edith"


def test_a_name_is_shown_as_text_only(client_of, editor):
    client = client_of(editor)
    client.post("/account/", {"name": "<script>alert(1)</script>"})
    assert "<script>alert" not in client.get("/account/").content.decode()


def test_the_password_is_changed_and_this_session_stays(client_of, editor):
    here, elsewhere = client_of(editor), client_of(editor)
    answer = here.post(
        "/account/password/", {"old": "correct horse battery", "password": "another long one"}
    )
    assert answer.status_code == 302
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


def test_the_present_password_is_asked_for(client_of, editor):
    answer = client_of(editor).post(
        "/account/password/", {"old": "wrong", "password": "another long one"}
    )
    assert answer.status_code == 422
    assert answer.context["password_form"].errors["old"]


def test_who_has_none_sets_one_without(client_of, editor):
    editor.set_password(None)
    editor.save()
    client_of(editor).post("/account/password/", {"password": "another long one"})
    editor.refresh_from_db()
    assert editor.check_password("another long one")


def test_a_token_is_shown_once_and_kept_as_a_digest(client_of, editor):
    client = client_of(editor)
    answer = client.post("/account/tokens/", {"name": "script", "scope": "read", "days": "7"})
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert secret not in client.get("/account/").content.decode()
    assert secret not in str(Token.objects.values().get())
    assert Token.objects.get().scope == "read"


def test_a_token_needs_a_name_a_scope_and_a_sane_life(client_of, editor):
    answer = client_of(editor).post("/account/tokens/", {"name": "", "scope": "all", "days": "0"})
    assert answer.status_code == 422
    assert set(answer.context["token_form"].errors) == {"name", "scope", "days"}


def test_a_token_without_days_does_not_expire(client_of, editor):
    client_of(editor).post("/account/tokens/", {"name": "script", "scope": "read", "days": ""})
    assert Token.objects.get().expires is None


def test_only_ones_own_token_can_be_revoked(client_of, editor, viewer):
    client_of(editor).post("/account/tokens/", {"name": "script", "scope": "read"})
    path = f"/account/tokens/{Token.objects.get().pk}/revoke/"
    assert client_of(viewer).post(path).status_code == 404
    assert client_of(editor).post(path).status_code == 302
    assert not Token.objects.exists()
