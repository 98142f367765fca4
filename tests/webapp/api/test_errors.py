import pytest

pytestmark = pytest.mark.django_db


def test_an_unknown_address_is_told_in_json(client, db):
    answer = client.get("/api/v1/nothing/here")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_wrong_method_is_told_in_json_with_what_is_allowed(caller, editor):
    answer = caller(editor)("PUT", "/me")
    assert answer.status_code == 405
    assert set(answer["Allow"].split(", ")) == {"GET", "PATCH"}
    assert answer.json()["code"] == "method_not_allowed"


def test_an_unknown_field_is_named(caller, editor):
    answer = caller(editor).patch("/me", {"name": "X", "is_admin": True})
    assert answer.status_code == 422
    assert answer.json()["field"] == "is_admin"


def test_an_unknown_query_parameter_is_named(caller, editor):
    answer = caller(editor).get("/jobs?colour=red")
    assert answer.status_code == 422
    assert answer.json()["field"] == "colour"


def test_a_wrong_type_is_named_with_its_place(caller, editor, project):
    answer = caller(editor).post(
        "/jobs", {"project": project.pk, "method": "fake", "tags": ["ok", 3]}
    )
    assert answer.status_code == 422
    assert answer.json()["field"] == "tags.1"


def test_several_faults_are_all_told(caller, editor, project):
    answer = caller(editor).post(
        "/jobs", {"project": project.pk, "method": "fake", "params": {"steps": -1, "scale": 0}}
    )
    assert answer.json()["field"] == "steps"
    assert "scale" in answer.json()["hint"]


@pytest.mark.parametrize("body", ["{", "", "\xff", "[1", "nul"])
def test_a_body_that_is_not_json_is_refused(caller, editor, body):
    call = caller(editor)
    answer = call.client.generic(
        "PATCH", "/api/v1/me", body.encode("latin-1"), "application/json", headers=call.headers
    )
    assert answer.status_code in (400, 422)
    assert "request_id" in answer.json()
    if answer.status_code == 400:
        assert answer.json()["message"] == "body: expected JSON"
        assert answer.json()["hint"] is None


def test_a_number_of_too_many_digits_is_told_to_be(caller, editor):
    call = caller(editor)
    body = '{"name": ' + "9" * 5000 + "}"
    answer = call.client.generic(
        "PATCH", "/api/v1/me", body, "application/json", headers=call.headers
    )
    assert "4,300 digits" in answer.json()["hint"]


@pytest.mark.parametrize("body", ["[]", "3", '"x"', "null"])
def test_a_body_that_is_no_object_is_refused(caller, editor, body):
    call = caller(editor)
    answer = call.client.generic(
        "PATCH", "/api/v1/me", body, "application/json", headers=call.headers
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["a\0b", "a\ud800", "", " ", "x" * 101])
def test_a_name_that_cannot_be_kept_is_refused(caller, editor, name):
    assert caller(editor).patch("/me", {"name": name}).status_code == 422


@pytest.mark.parametrize("pk", ["x", "%00", "..", "0" * 26 + "0", "I" * 26, "é"])
def test_what_cannot_be_an_id_names_nothing(caller, editor, pk):
    assert caller(editor).get(f"/jobs/{pk}").status_code == 404


def test_a_fault_of_ours_is_told_without_its_insides(caller, editor, monkeypatch, caplog):
    from webapp.accounts.models import User

    def broken(*args, **kwargs):
        raise ZeroDivisionError("the secret of the house")

    monkeypatch.setattr(User, "save", broken)
    answer = caller(editor).patch("/me", {"name": "X"})
    assert (answer.status_code, answer.json()["code"]) == (500, "broken")
    assert "secret" not in answer.content.decode()
    assert "secret of the house" in caplog.text


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_form_that_cannot_be_parsed_is_unreadable(caller, editor, kind):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n###\r\n--x--\r\n"
    )
    made = caller(editor)
    answer = made.client.post("/api/v1/datasets", body, content_type=kind, headers=made.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")
