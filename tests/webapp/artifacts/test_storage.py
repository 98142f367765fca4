"""Blobs: stored once, under no name that anybody chose, deleted only when unused."""

import hashlib
import io
import os
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.storage import InMemoryStorage, default_storage

from webapp.artifacts import storage
from webapp.artifacts.models import Artifact, Blob

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]
DATA = b"nodes,edges\n" * 200_000
NOW = timedelta(0)


def files(home) -> list[str]:
    return [path.name for path in (home / "blobs").rglob("*") if path.is_file()]


def test_a_stream_is_stored_under_its_hash():
    blob = storage.keep(io.BytesIO(DATA))
    assert blob.sha256 == hashlib.sha256(DATA).hexdigest()
    assert blob.size == len(DATA)
    with storage.open_blob(blob) as stream:
        assert stream.read() == DATA
    with storage.local_path(blob) as path:
        assert path.read_bytes() == DATA


def test_equal_bytes_are_stored_once(home, tmp_path):
    (tmp_path / "a").write_bytes(DATA)
    (tmp_path / "b").write_bytes(DATA)
    blobs = {storage.keep(tmp_path / "a").pk, storage.keep(tmp_path / "b", move=True).pk}
    assert len(blobs) == Blob.objects.count() == len(files(home)) == 1


def test_moving_links_the_file_and_leaves_its_path(tmp_path):
    source = tmp_path / "checkpoint.npz"
    source.write_bytes(DATA)
    blob = storage.keep(source, move=True)
    with storage.local_path(blob) as path:
        assert path.samefile(source)
    part = tmp_path / "part"
    part.write_bytes(b"the next one")
    part.replace(source)
    with storage.open_blob(blob) as stream:
        assert stream.read() == DATA


def test_a_copy_is_its_own_file(tmp_path):
    source = tmp_path / "report.txt"
    source.write_bytes(DATA)
    blob = storage.keep(source)
    source.write_bytes(b"changed")
    with storage.open_blob(blob) as stream:
        assert stream.read() == DATA


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("key")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic"):
        storage.keep(tmp_path / "link", move=True)


def test_a_pipe_or_a_folder_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe: a regular file"):
        storage.keep(tmp_path / "pipe")
    with pytest.raises((ValueError, OSError)):
        storage.keep(tmp_path)


def test_a_blob_whose_bytes_were_lost_is_stored_again():
    blob = storage.keep(io.BytesIO(DATA))
    default_storage.delete(storage.name_of(blob))
    again = storage.keep(io.BytesIO(DATA))
    with storage.open_blob(again) as stream:
        assert stream.read() == DATA


def test_only_unused_blobs_are_dropped(make_job, home, tmp_path):
    used, unused = storage.keep(io.BytesIO(b"used")), storage.keep(io.BytesIO(b"unused"))
    Artifact.objects.create(
        job=make_job(), blob=used, path="a", title="A", role="result", media="text/plain", n=1
    )
    (tmp_path / "picture").write_bytes(b"made of it")
    storage.keep_derived(unused, "picture.png", tmp_path / "picture")
    assert storage.drop_unused(timedelta(hours=1)) == 0  # too young
    assert storage.drop_unused(NOW) == 1
    assert files(home) == [used.sha256]
    assert list(Blob.objects.all()) == [used]


def test_a_blob_that_is_kept_again_is_young_again():
    blob = storage.keep(io.BytesIO(DATA))
    Blob.objects.update(created=blob.created - timedelta(days=2))
    storage.keep(io.BytesIO(DATA))
    assert storage.drop_unused(timedelta(hours=1)) == 0


def test_what_a_killed_process_left_is_swept(home):
    folder = home / "blobs/new"
    folder.mkdir(parents=True)
    for name, age in (("part-old", 2 * storage.SCRATCH_AGE), ("part-new", 0)):
        (folder / name).write_bytes(b"half")
        stamp = (folder / name).stat().st_mtime - age
        os.utime(folder / name, (stamp, stamp))
    storage.drop_unused()
    assert files(home) == ["part-new"]


def test_a_file_that_is_gone_before_it_is_looked_at_stops_no_sweep(home, monkeypatch):
    folder = home / "blobs/new"
    folder.mkdir(parents=True)
    (folder / "part-old").write_bytes(b"half")
    os.utime(folder / "part-old", (0, 0))
    seen = [folder / "part-gone", folder / "part-old"]
    monkeypatch.setattr(
        storage, "_scratch_folder", lambda: SimpleNamespace(glob=lambda pattern: seen)
    )
    storage.drop_unused()
    assert files(home) == []


def test_nothing_is_left_of_a_stream_that_fails(home):
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the line went dead")

    with pytest.raises(OSError, match="line"):
        storage.keep(Broken())
    assert files(home) == []
    assert not Blob.objects.exists()


class TestRemoteStorage:
    """A store without local paths, as object stores are."""

    @pytest.fixture(autouse=True)
    def _remote(self, home, settings):
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        }

    def test_bytes_go_there_and_come_back_as_a_local_copy(self, tmp_path):
        assert isinstance(default_storage, InMemoryStorage)
        (tmp_path / "a").write_bytes(DATA)
        blob = storage.keep(tmp_path / "a", move=True)
        assert storage.keep(io.BytesIO(DATA)).pk == blob.pk
        with storage.local_path(blob) as path:
            assert path.read_bytes() == DATA
        assert not path.exists()

    def test_dropped_blobs_leave_it(self):
        blob = storage.keep(io.BytesIO(DATA))
        assert storage.drop_unused(NOW) == 1
        assert not default_storage.exists(storage.name_of(blob))
