"""Uploads in parts as a script makes them: in order, broken off, at once, wrong, expired."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from webapp.artifacts.storage import open_blob
from webapp.audit.models import AuditEvent
from webapp.datasets import store, uploads
from webapp.datasets.models import Dataset, Part, Upload, Version

pytestmark = pytest.mark.django_db
SPLIT = json.dumps({"train": [0], "val": [1], "test": [2]}).encode()
MEDIA = "application/offset+octet-stream"


class Sender:
    """One upload of one person."""

    def __init__(self, call, fields):
        self.call = call
        self.begun = call.post("/uploads", fields)
        self.path = f"/uploads/{self.begun.json().get('id')}"

    def part(self, offset, content, *, media=MEDIA, **headers):
        return self.call.client.generic(
            "PATCH",
            f"/api/v1{self.path}",
            data=content,
            content_type=media,
            CONTENT_TYPE=media,  # with an empty body too
            headers={**self.call.headers, "Upload-Offset": str(offset), **headers},
        )

    def shown(self):
        return self.call.get(self.path).json()


@pytest.fixture
def begin(caller, editor, team, home):
    def make(user=None, **fields):
        given = {"team": team.pk, "name": "cora", "kind": "split", "file_name": "a/split.json"}
        return Sender(caller(user or editor), {**given, "size": len(SPLIT), **fields})

    return make


def files():
    """Parts that lie in the store."""
    return [name for folder in uploads._listed("uploads")[0] for name in in_folder(folder)]


def in_folder(pk):
    return uploads._listed(f"uploads/{pk}")[1]


def digest_of(content):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def test_parts_in_order_become_a_version(begin):
    sent = begin(description="By hand", modified=1.5)
    assert sent.begun.status_code == 201
    assert sent.begun["Location"] == f"/api/v1{sent.path}"
    first = sent.part(0, SPLIT[:10])
    assert (first.status_code, first["Upload-Offset"]) == (204, "10")
    shown = sent.shown()
    assert (shown["offset"], shown["file_name"], shown["version"]) == (10, "split.json", None)
    assert shown["modified"] == 1.5
    last = sent.part(10, SPLIT[10:])
    assert (last.status_code, last["Upload-Offset"]) == (204, str(len(SPLIT)))
    version = Version.objects.get()
    shown = sent.shown()
    assert (shown["version"], shown["dataset"]) == (version.pk, version.dataset_id)
    assert open_blob(version.blob).read() == SPLIT
    assert version.dataset.description == "By hand"
    assert not Part.objects.exists()
    assert files() == []


def test_it_is_the_version_that_a_form_would_have_made(begin, team, editor):
    by_form = store.create(
        editor,
        team=team,
        name="cora",
        kind="split",
        file=uploads.Joined([]),
        size=len(SPLIT),
        file_name="x",
    )
    sent = begin()
    sent.part(0, SPLIT)
    assert Version.objects.count() == 2
    assert sent.shown()["dataset"] == by_form.dataset_id


def test_head_tells_where_to_go_on_in_the_words_of_tus(begin):
    sent = begin()
    sent.part(0, SPLIT[:7])
    answer = sent.call("HEAD", sent.path)
    assert (answer["Upload-Offset"], answer["Upload-Length"]) == ("7", str(len(SPLIT)))
    assert answer["Tus-Resumable"] == "1.0.0"
    assert "no-store" in answer["Cache-Control"]
    assert answer.content == b""


def test_a_part_at_another_place_is_told_the_right_one(begin):
    sent = begin()
    sent.part(0, SPLIT[:7])
    for offset in (0, 8):
        answer = sent.part(offset, SPLIT[7:])
        assert (answer.status_code, answer["Upload-Offset"]) == (409, "7")
        assert answer.json()["field"] == "Upload-Offset"
        assert "expected 7" in answer.json()["message"]
    assert sent.shown()["offset"] == 7


def test_more_bytes_than_announced_are_refused_and_leave_nothing(begin):
    sent = begin()
    sent.part(0, SPLIT[:7])
    answer = sent.part(7, SPLIT[7:] + b"x")
    assert (answer.status_code, answer.json()["field"]) == (422, "body")
    assert f"at most the {len(SPLIT) - 7} bytes left" in answer.json()["message"]
    assert sent.shown()["offset"] == 7
    assert len(files()) == 1


def test_fewer_bytes_make_no_version(begin):
    sent = begin()
    sent.part(0, SPLIT[:-1])
    assert sent.part(len(SPLIT) - 1, b"").status_code == 204
    assert not Version.objects.exists()


@pytest.mark.parametrize("announced", ["at the beginning", "with the last part"])
def test_other_bytes_than_announced_are_refused_by_name(begin, announced):
    wrong = hashlib.sha256(b"other").hexdigest()
    early = announced == "at the beginning"
    sent = begin(sha256=wrong) if early else begin()
    headers = {} if early else {"Repr-Digest": digest_of(b"other")}
    answer = sent.part(0, SPLIT, **headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "sha256")
    assert wrong in answer.json()["message"]
    assert hashlib.sha256(SPLIT).hexdigest() in answer.json()["message"]
    assert not Dataset.objects.exists()
    assert sent.call.get(sent.path).status_code == 404
    assert files() == []


def test_the_announced_bytes_are_taken(begin):
    sent = begin(sha256=hashlib.sha256(SPLIT).hexdigest())
    assert sent.part(0, SPLIT, **{"Repr-Digest": digest_of(SPLIT)}).status_code == 204
    assert Version.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "none"}, "kind"),
        ({"name": ""}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"size": 0}, "file"),
        ({"size": 1 << 31}, "file"),
        ({"size": 1 << 70}, "size"),
        ({"size": "1"}, "size"),
        ({"modified": 1e300}, "modified"),
        ({"sha256": "x"}, "sha256"),
        ({"colour": "red"}, "colour"),
        ({"team": "x"}, "team"),
    ],
)
def test_what_is_wrong_is_told_before_any_byte(begin, fields, field):
    answer = begin(**fields).begun
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not Upload.objects.exists()


def test_a_name_of_another_kind_is_told_before_any_byte(begin, team, editor):
    Dataset.objects.create(team=team, name="cora", kind="graph", created_by=editor)
    answer = begin().begun
    assert (answer.status_code, answer.json()["field"]) == (422, "kind")


def full(monkeypatch, free):
    monkeypatch.setattr("webapp.pages.disk.shutil.disk_usage", lambda _: SimpleNamespace(free=free))


def test_a_full_disk_is_told_before_any_byte(begin, monkeypatch, settings):
    full(monkeypatch, settings.MIN_FREE_DISK + len(SPLIT))
    answer = begin().begun
    assert (answer.status_code, answer.json()["field"]) == (422, "size")
    assert "the disk has no room" in answer.json()["message"]


def test_a_disk_that_fills_up_keeps_what_came(begin, monkeypatch, settings):
    sent = begin()
    sent.part(0, SPLIT[:7])
    with monkeypatch.context() as patch:
        full(patch, settings.MIN_FREE_DISK - 1)
        answer = sent.part(7, SPLIT[7:])
    assert (answer.status_code, answer.json()["field"]) == (422, "disk")
    assert sent.part(7, SPLIT[7:]).status_code == 204


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"media": "text/plain"}, 415, "expected application/offset+octet-stream"),
        ({"Tus-Resumable": "0.2.2"}, 412, "expected 1.0.0"),
        ({"Repr-Digest": "md5=:x:"}, 422, "expected sha-256=:BASE64:"),
        ({"Upload-Offset": "-1"}, 422, "Upload-Offset"),
        ({"Upload-Offset": "many"}, 422, "Upload-Offset"),
    ],
)
def test_a_part_in_other_words_is_refused(begin, changed, status, words):
    answer = begin().part(0, SPLIT, **changed)
    assert answer.status_code == status
    assert words in answer.json()["message"]


def test_a_part_without_its_place_is_refused(begin):
    sent = begin()
    headers = {**sent.call.headers}
    answer = sent.call.client.patch(f"/api/v1{sent.path}", SPLIT, MEDIA, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "Upload-Offset")


def test_only_ones_own_unfinished_uploads_are_listed(begin, caller, maintainer, editor, outsider):
    done, open_ = begin(), begin()
    done.part(0, SPLIT)
    begin(maintainer)
    listed = caller(editor).get("/uploads").json()
    assert [f"/uploads/{row['id']}" for row in listed] == [open_.path]
    assert caller(outsider).get("/uploads").json() == []


def test_a_viewer_begins_none_and_an_outsider_finds_none(begin, caller, viewer, outsider):
    assert begin(viewer).begun.status_code == 403
    assert begin(outsider).begun.status_code == 404
    sent = begin()
    sent.call = caller(outsider)
    assert sent.part(0, SPLIT).status_code == 404
    sent.call = caller(viewer)
    assert sent.part(0, SPLIT).status_code == 403


def test_who_may_no_longer_upload_cannot_go_on(begin, editor):
    sent = begin()
    sent.part(0, SPLIT[:7])
    editor.memberships.update(role="viewer")
    assert sent.part(7, SPLIT[7:]).status_code == 403
    editor.memberships.all().delete()
    assert sent.part(7, SPLIT[7:]).status_code == 404


def test_one_that_is_given_up_leaves_nothing_but_its_lines_in_the_log(begin):
    sent = begin()
    sent.part(0, SPLIT[:7])
    assert sent.call.delete(sent.path).status_code == 204
    assert sent.part(7, SPLIT[7:]).status_code == 404
    assert files() == []
    rows = AuditEvent.objects.filter(action__startswith="upload")
    actions = rows.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["upload.create", "upload.delete"]


def test_giving_up_one_that_is_done_keeps_its_version(begin):
    sent = begin()
    sent.part(0, SPLIT)
    assert sent.call.delete(sent.path).status_code == 204
    assert Version.objects.exists()


def test_an_expired_one_is_gone_and_then_removed(begin):
    sent = begin()
    sent.part(0, SPLIT[:7])
    kept = begin()
    kept.part(0, SPLIT[:7])
    stray = f"uploads/{'0' * 26}/{'1' * 26}"  # of a row that is no more
    with uploads.scratch_file() as scratch:
        uploads.save(scratch, stray)
    pk = sent.path.rpartition("/")[2]
    Upload.objects.filter(pk=pk).update(expires=timezone.now() - timedelta(seconds=1))
    assert sent.part(7, SPLIT[7:]).status_code == 404
    assert sent.call.get("/uploads").json() == [kept.shown()]
    uploads.drop_expired()
    assert not Upload.objects.filter(pk=pk).exists()
    assert len(files()) == 1
    assert not default_storage.exists(stray)
    assert kept.part(7, SPLIT[7:]).status_code == 204


def test_each_part_gives_it_more_time(begin):
    sent = begin()
    before = sent.shown()["expires"]
    sent.part(0, SPLIT[:7])
    assert sent.shown()["expires"] > before


def test_a_part_that_the_store_has_lost_is_asked_for_again(begin):
    sent = begin()
    sent.part(0, SPLIT[:5])
    sent.part(5, SPLIT[5:9])
    second = Part.objects.get(start=5)
    default_storage.delete(second.path)
    answer = sent.part(9, SPLIT[9:])
    assert (answer.status_code, answer["Upload-Offset"]) == (409, "5")
    assert sent.part(5, SPLIT[5:]).status_code == 204
    assert open_blob(Version.objects.get().blob).read() == SPLIT


def test_an_empty_part_at_the_end_makes_the_version_that_a_stopped_server_did_not(
    begin, monkeypatch
):
    sent = begin()
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "_finish", lambda *_, **__: None)  # as if it ended here
        sent.part(0, SPLIT)
    assert sent.shown()["version"] is None
    assert sent.part(len(SPLIT), b"").status_code == 204
    assert sent.shown()["version"] == Version.objects.get().pk
    assert sent.part(len(SPLIT), b"").status_code == 204  # who missed the answer asks once more


def test_what_is_wrong_with_the_name_at_the_end_keeps_the_bytes(begin, team, editor):
    sent = begin()
    sent.part(0, SPLIT[:7])
    rival = Dataset.objects.create(team=team, name="cora", kind="graph", created_by=editor)
    answer = sent.part(7, SPLIT[7:])
    assert (answer.status_code, answer.json()["field"]) == (422, "kind")
    rival.delete()
    assert sent.part(len(SPLIT), b"").status_code == 204
    assert Version.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_parts_at_once_one_is_kept(begin):
    sent = begin()
    answers = at_once(*(lambda byte=byte: sent.part(0, byte * 9) for byte in (b"a", b"b")))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    assert sent.shown()["offset"] == 9
    assert len(files()) == 1


@pytest.mark.django_db(transaction=True)
def test_while_it_is_stored_another_last_part_is_told_so(begin, monkeypatch):
    sent = begin()
    storing, go_on = threading.Event(), threading.Event()
    create = store.create

    def slowly(*args, **kwargs):
        storing.set()
        assert go_on.wait(20)
        return create(*args, **kwargs)

    monkeypatch.setattr(store, "create", slowly)
    first: list = []
    thread = threading.Thread(target=lambda: first.extend(at_once(lambda: sent.part(0, SPLIT))))
    thread.start()
    assert storing.wait(20)
    second = sent.part(len(SPLIT), b"")
    go_on.set()
    thread.join()
    assert (second.status_code, second.json()["field"]) == (409, "state")
    assert first[0].status_code == 204
    assert Version.objects.count() == 1


def at_once(*calls):
    gate = threading.Barrier(len(calls))
    answers: list = []

    def run(call):
        gate.wait(20)
        answers.append(call())
        connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
