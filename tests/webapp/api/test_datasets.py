import io
import json

import pytest

from webapp.datasets.models import Dataset, Version
from webapp.jobs.models import JobInput

pytestmark = pytest.mark.django_db
SPLIT = json.dumps({"train": [0], "val": [1], "test": [2]}).encode()


@pytest.fixture
def upload(caller, team, home):
    def send(user, content=SPLIT, **fields):
        call = caller(user)
        file = io.BytesIO(content)
        file.name = fields.pop("file_name", "split.json")
        given = {"team": team.pk, "name": "cora", "kind": "split", "file": file, **fields}
        return call.client.post("/api/v1/datasets", given, headers=call.headers)

    return send


def test_an_upload_is_a_version_that_waits_for_its_check(upload, editor):
    answer = upload(editor, description="By hand")
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["number"], shown["state"], shown["size"]) == (1, "checking", len(SPLIT))
    assert Dataset.objects.get().description == "By hand"


def test_equal_bytes_are_the_version_that_is_there(upload, editor):
    assert upload(editor).json()["id"] == upload(editor).json()["id"]
    assert upload(editor, content=SPLIT + b"\n").json()["number"] == 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "none"}, "kind"),
        ({"name": ""}, "name"),
        ({"content": b""}, "file"),
        ({"colour": "red"}, "colour"),
        ({"team": "x"}, "team"),
    ],
)
def test_what_is_wrong_is_named(upload, editor, fields, field):
    answer = upload(editor, **fields)
    assert answer.status_code == 422
    assert answer.json()["field"].split(".")[-1] == field


def test_without_a_file_it_is_named(caller, editor, team):
    call = caller(editor)
    given = {"team": team.pk, "name": "cora", "kind": "split"}
    answer = call.client.post("/api/v1/datasets", given, headers=call.headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "file")


def test_a_viewer_uploads_nothing_and_an_outsider_finds_no_team(upload, viewer, outsider):
    assert upload(viewer).status_code == 403
    assert upload(outsider).status_code == 404


def test_its_bytes_come_back_as_they_were(upload, caller, editor, viewer):
    pk = upload(editor, file_name="../../x.html").json()["id"]
    answer = caller(viewer).get(f"/versions/{pk}/download")
    assert b"".join(answer.streaming_content) == SPLIT
    assert answer["Content-Disposition"] == 'attachment; filename="x.html"'
    assert answer["Content-Type"] == "application/octet-stream"


def test_datasets_are_listed_in_pages(upload, caller, editor, viewer, outsider, team):
    for name in ("a", "b", "c"):
        upload(editor, name=name)
    call = caller(viewer)
    first = call.get(f"/datasets?limit=2&team={team.pk}&kind=split").json()
    second = call.get(f"/datasets?limit=2&cursor={first['next']}").json()
    names = [row["name"] for row in first["datasets"] + second["datasets"]]
    assert names == ["c", "b", "a"]
    assert caller(outsider).get("/datasets").json()["datasets"] == []


def test_one_shows_its_versions_and_users(upload, caller, editor, make_job):
    version = Version.objects.get(pk=upload(editor).json()["id"])
    job = make_job()
    JobInput.objects.create(job=job, name="data", version=version)
    shown = caller(editor).get(f"/datasets/{version.dataset_id}").json()
    assert [row["id"] for row in shown["versions"]] == [version.pk]
    assert shown["used_by"] == [job.pk]
    refused = caller(editor).delete(f"/datasets/{version.dataset_id}")
    assert refused.status_code == 422
    assert job.pk in refused.json()["message"]


def test_it_is_described_and_deleted(upload, caller, editor):
    call = caller(editor)
    path = f"/datasets/{upload(editor).json()['dataset']}"
    assert call.patch(path, {"description": "Cora"}).json()["description"] == "Cora"
    assert call.patch(path, {"name": "Cora 2"}).json()["name"] == "Cora 2"
    assert call.delete(path).status_code == 204
    assert call.get(path).status_code == 404


def test_an_outsider_finds_nothing_of_it(upload, caller, editor, outsider):
    shown = upload(editor).json()
    call = caller(outsider)
    for path in (
        f"/datasets/{shown['dataset']}",
        f"/versions/{shown['id']}",
        f"/versions/{shown['id']}/download",
    ):
        assert call.get(path).status_code == 404
