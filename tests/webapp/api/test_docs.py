import json

import pytest

from webapp.api.build import api
from webapp.api.describe import sections

pytestmark = pytest.mark.django_db


def test_the_page_lists_every_operation(client_of, viewer):
    page = client_of(viewer).get("/api/v1/docs").content.decode()
    openapi = api.get_openapi_schema()
    for path, methods in openapi["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in page


def test_nothing_of_it_comes_from_another_host_or_runs_inline(client_of, viewer):
    answer = client_of(viewer).get("/api/v1/docs")
    page = answer.content.decode()
    assert 'src="http' not in page
    assert "onclick" not in page
    assert "<script>" not in page
    assert answer["Content-Security-Policy"].startswith("default-src 'self'")


def test_a_stranger_signs_in_first(client, db):
    assert client.get("/api/v1/docs")["Location"] == "/sign-in/?next=/api/v1/docs"


def test_the_openapi_is_for_everybody(client, db):
    shown = client.get("/api/v1/openapi.json").json()
    assert shown["info"]["title"] == "Tenfold"


def test_every_operation_says_what_it_is_and_how_it_refuses():
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert {"401", "404", "422"} <= {str(status) for status in operation["responses"]}


def test_examples_are_json_with_what_must_be_given():
    openapi = json.loads(json.dumps(api.get_openapi_schema()))
    found = {
        each.path + each.method: each for part in sections(openapi) for each in part.operations
    }
    submit = found["/api/v1/jobsPOST"]
    assert set(json.loads(submit.example)) == {"project", "method"}
    upload = found["/api/v1/datasetsPOST"]
    assert upload.is_form
    assert [field.name for field in upload.body if field.is_file] == ["file"]
    part = found["/api/v1/uploads/{upload_id}PATCH"]
    assert (part.raw, part.is_form, part.example) == ("application/offset+octet-stream", False, "")
