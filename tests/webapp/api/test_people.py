import pytest

from webapp.accounts.models import Token

pytestmark = pytest.mark.django_db


def test_me_lists_teams_and_roles(caller, editor, team):
    assert caller(editor).get("/me").json()["teams"] == [
        {"id": team.pk, "slug": "lab", "name": "Lab", "role": "editor"}
    ]


def test_me_names_the_token_without_its_secret(caller, editor):
    token = caller(editor).get("/me").json()["token"]
    assert token["prefix"].startswith("tenfold_")
    assert "secret" not in token


def test_my_name_is_changed(caller, editor):
    caller(editor).patch("/me", {"name": "Edith"})
    editor.refresh_from_db()
    assert editor.name == "Edith"


def test_a_token_is_made_listed_used_and_revoked(caller, client, editor):
    call = caller(editor)
    made = call.post("/tokens", {"name": "second", "scope": "read", "days": 7})
    assert made.status_code == 201
    headers = {"Authorization": f"Bearer {made.json()['secret']}"}
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    assert "secret" not in str(call.get("/tokens").json())
    assert call.delete(f"/tokens/{made.json()['id']}").status_code == 204
    assert client.get("/api/v1/me", headers=headers).status_code == 401


@pytest.mark.parametrize("days", [None, 3650])
def test_a_token_made_with_a_token_does_not_outlive_it(caller, editor, days):
    answer = caller(editor).post("/tokens", {"name": "longer", "days": days})
    assert answer.status_code == 422
    assert answer.json()["field"] == "days"


def test_without_days_it_lasts_as_long_as_the_one_that_made_it(caller, editor):
    made = caller(editor).post("/tokens", {"name": "as long"})
    assert made.status_code == 201
    assert made.json()["expires"] < caller(editor).get("/me").json()["token"]["expires"]


def test_a_session_may_make_one_for_ever(client_of, editor):
    answer = client_of(editor).post(
        "/api/v1/tokens", {"name": "longer", "days": None}, content_type="application/json"
    )
    assert answer.status_code == 201
    assert answer.json()["expires"] is None


def test_the_token_of_another_is_not_found(caller, editor, viewer):
    caller(viewer)
    path = f"/tokens/{Token.objects.get(user=viewer).pk}"
    assert caller(editor).delete(path).status_code == 404
