"""Blobs in an object store: the same promises as on a disk, and reading piece by piece."""

from __future__ import annotations

import hashlib
import io
import random
from datetime import timedelta

import pytest
from botocore.exceptions import IncompleteReadError
from django.core.files.storage import default_storage
from django.test import Client

from tests.objects import BUCKET, Objects
from webapp.artifacts import storage
from webapp.artifacts.models import Blob
from webapp.datasets import uploads

pytestmark = pytest.mark.django_db
DATA = random.Random(7).randbytes(3 << 20)


@pytest.fixture
def remote(objects: Objects, home, settings) -> Objects:
    """The default storage is the store."""
    settings.STORAGES = {**settings.STORAGES, "default": objects.storage}
    return objects


@pytest.fixture
def blob(remote: Objects) -> Blob:
    return storage.keep(io.BytesIO(DATA))


def keys(remote: Objects) -> list[str]:
    found = remote.client().list_objects_v2(Bucket=BUCKET)
    return [entry["Key"] for entry in found.get("Contents", [])]


def test_equal_bytes_are_stored_once_under_their_hash(remote: Objects, blob: Blob) -> None:
    again = storage.keep(io.BytesIO(DATA))
    assert again.pk == blob.pk == hashlib.sha256(DATA).hexdigest()
    assert keys(remote).count(storage.name_of(blob)) == 1


def test_a_moved_file_is_copied_and_left_in_its_place(remote: Objects, tmp_path) -> None:
    path = tmp_path / "walk.json"
    path.write_bytes(b"[1, 2]")
    kept = storage.keep(path, move=True)
    assert path.read_bytes() == storage.open_blob(kept).read() == b"[1, 2]"


def test_nothing_is_left_on_this_machine(blob: Blob, home) -> None:
    with storage.local_path(blob) as path:
        assert path.read_bytes() == DATA
        assert path.is_relative_to(home)
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_it_is_read_from_any_place(blob: Blob) -> None:
    with storage.open_blob(blob) as stream:
        assert stream.read(10) == DATA[:10]
        assert stream.seek(-5, io.SEEK_END) == len(DATA) - 5
        assert stream.read() == DATA[-5:]
        assert stream.read() == b""
        stream.seek(2_000_000)
        assert stream.read(1000) == DATA[2_000_000:2_001_000]
        stream.seek(0)
        assert stream.read() == DATA


def test_reading_the_head_does_not_fetch_the_rest(blob: Blob, home, monkeypatch) -> None:
    with storage.open_blob(blob) as stream:
        stream.read(100)
        assert stream.raw.tell() < len(DATA) / 2
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_a_broken_connection_goes_on_where_it_broke(blob: Blob) -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise IncompleteReadError(actual_bytes=0, expected_bytes=size)

        def close(self) -> None:
            pass

    with storage.open_blob(blob) as stream:
        head = stream.read(1_500_000)
        stream.raw._body.close()
        stream.raw._body = Broken()
        assert head + stream.read() == DATA


def test_an_unused_blob_is_dropped_with_its_bytes(remote: Objects, blob: Blob) -> None:
    assert storage.drop_unused(older_than=timedelta(0)) == 1
    assert not default_storage.exists(storage.name_of(blob))
    assert storage.name_of(blob) not in keys(remote)


def test_a_download_is_answered_in_ranges(make_artifact, remote, client_of, viewer) -> None:
    artifact = make_artifact(DATA)
    client: Client = client_of(viewer)
    address = f"/artifacts/{artifact.pk}/download/"
    whole = client.get(address)
    assert b"".join(whole.streaming_content) == DATA
    part = client.get(address, headers={"Range": "bytes=1000000-1000999"})
    assert part.status_code == 206
    assert b"".join(part.streaming_content) == DATA[1_000_000:1_001_000]


def test_an_absent_object_is_a_missing_file(remote: Objects) -> None:
    with pytest.raises(FileNotFoundError):
        storage.open_blob(Blob(sha256="0" * 64, size=1))


def parts_in(remote: Objects) -> list[str]:
    return [key for key in keys(remote) if key.startswith("uploads/")]


def test_parts_of_an_upload_lie_in_it_until_they_are_a_version(
    remote: Objects, home, team, editor
) -> None:
    size, cut = len(DATA), 1 << 20
    begun = uploads.begin(editor, team=team, name="a", kind="graph", file_name="a.npz", size=size)
    uploads.append(begun, editor, offset=0, body=io.BytesIO(DATA[:cut]))
    assert parts_in(remote) == [f"uploads/{begun.pk}/{begun.parts.get().pk}"]
    assert [path for path in home.rglob("*") if path.is_file()] == []
    again = uploads.find(editor, begun.pk)  # as another machine does
    uploads.append(again, editor, offset=cut, body=io.BytesIO(DATA[cut:]))
    assert again.version.blob_id == hashlib.sha256(DATA).hexdigest()
    assert parts_in(remote) == []


def test_a_part_that_it_has_lost_is_asked_for_again(remote: Objects, team, editor) -> None:
    begun = uploads.begin(editor, team=team, name="a", kind="graph", file_name="a.npz", size=9)
    uploads.append(begun, editor, offset=0, body=io.BytesIO(DATA[:5]))
    default_storage.delete(begun.parts.get().path)
    with pytest.raises(uploads.WrongOffset, match="expected 0"):
        uploads.append(begun, editor, offset=5, body=io.BytesIO(DATA[5:9]))
    begun.refresh_from_db()
    uploads.append(begun, editor, offset=0, body=io.BytesIO(DATA[:9]))
    assert begun.version.blob.size == 9


def test_parts_without_an_upload_leave_it(remote: Objects, team, editor) -> None:
    begun = uploads.begin(editor, team=team, name="a", kind="graph", file_name="a.npz", size=9)
    uploads.append(begun, editor, offset=0, body=io.BytesIO(DATA[:5]))
    begun.delete()
    uploads.drop_expired()
    assert parts_in(remote) == []
