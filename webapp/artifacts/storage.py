"""Bytes kept once, under their hash, in Django's default storage.

A blob's name is made of its SHA-256 alone: no name that a person or a job chose ever becomes
a path. What is not referenced any more is deleted by `drop_unused`, not by its last user.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from webapp.artifacts.models import Blob

BLOCK = 1 << 20  # bytes per read
SCRATCH_AGE = 24 * 3600  # seconds; nobody writes one file for a day


def keep(source: Path | BinaryIO, *, move: bool = False) -> Blob:
    """Store the bytes of a file or stream; equal bytes are stored once.

    `move` says that nobody will write into the file at this path again (replacing it by
    another is fine): then it is linked instead of copied, where the file system can.
    A path must name a regular file, not a link to one.
    """
    if not isinstance(source, Path):
        return _keep(source, None)
    with _open_regular(source) as stream:
        return _keep(stream, source if move else None)


def open_blob(blob: Blob) -> BinaryIO:
    return default_storage.open(name_of(blob), "rb")


@contextmanager
def local_path(blob: Blob) -> Iterator[Path]:
    """A path of this machine, to be read only: the blob's own, or a copy of a remote one."""
    if is_local():
        yield Path(default_storage.path(name_of(blob)))
        return
    with scratch_file() as path:
        with open_blob(blob) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, BLOCK)
        yield path


def drop_unused(older_than: timedelta = timedelta(hours=1)) -> int:
    """Delete blobs that nothing refers to; younger ones may be about to be referred to."""
    _sweep_scratch()
    old = Blob.objects.filter(created__lt=timezone.now() - older_than)
    return sum(_drop(sha256) for sha256 in list(_unused(old).values_list("pk", flat=True)))


def keep_derived(blob: Blob, form: str, made: Path) -> None:
    """Keep what was made of a blob (a preview picture) beside it; dropped with the blob."""
    save(made, derived_name(blob, form))


def open_derived(blob: Blob, form: str) -> BinaryIO | None:
    name = derived_name(blob, form)
    return default_storage.open(name, "rb") if default_storage.exists(name) else None


def save(scratch: Path, name: str) -> None:
    """Give a scratch file its name in the store: whole or not at all."""
    if is_local():
        target = Path(default_storage.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch.replace(target)
        return
    with scratch.open("rb") as stream:
        saved = default_storage.save(name, File(stream))
    if saved != name:  # the storage found the name taken: the same bytes, stored meanwhile
        default_storage.delete(saved)


DERIVED = ("picture.png",)


def name_of(blob: Blob) -> str:
    return f"{blob.pk[:2]}/{blob.pk[2:4]}/{blob.pk}"


def derived_name(blob: Blob, form: str) -> str:
    if form not in DERIVED:
        raise ValueError(f"{form}: nothing is derived under this name")
    return f"derived/{name_of(blob)}-{form}"


def _keep(stream: BinaryIO, path: Path | None) -> Blob:
    with scratch_file() as scratch:
        if path is not None and _link(path, stream, scratch):
            sha256, size = _copy(stream, None)
        else:
            with scratch.open("wb") as target:
                sha256, size = _copy(stream, target)
        blob = Blob(sha256=sha256, size=size)
        with transaction.atomic():
            # Touching the row takes its lock and renews its age: `drop_unused` keeps off.
            Blob.objects.bulk_create(
                [blob],
                update_conflicts=True,
                unique_fields=["sha256"],
                update_fields=["created"],
            )
            if not default_storage.exists(name_of(blob)):
                save(scratch, name_of(blob))
        return blob


def _open_regular(path: Path) -> BinaryIO:
    """Open without following a link at the end, and without waiting on a pipe."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    stream = os.fdopen(os.open(path, flags), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise ValueError(f"{path.name}: a regular file was expected")
    return stream


def _copy(stream: BinaryIO, target: BinaryIO | None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while block := stream.read(BLOCK):
        digest.update(block)
        size += len(block)
        if target is not None:
            target.write(block)
    return digest.hexdigest(), size


def _link(path: Path, stream: BinaryIO, target: Path) -> bool:
    """Link the opened file to `target`; False where a copy is needed."""
    if not is_local():
        return False
    try:
        target.unlink()
        os.link(path, target, follow_symlinks=False)
    except OSError:  # another file system, or one without links
        return False
    if os.path.samestat(target.lstat(), os.fstat(stream.fileno())):
        return True
    target.unlink()  # the path was replaced after it was opened
    return False


def is_local() -> bool:
    """Do blobs lie on a disk of this machine?"""
    return isinstance(default_storage, FileSystemStorage)


@contextmanager
def scratch_file() -> Iterator[Path]:
    """A file beside the blobs, so that it can be renamed into its place."""
    folder = _scratch_folder()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="part-")
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _scratch_folder() -> Path:
    return Path(default_storage.location) / "new" if is_local() else Path(settings.UPLOADS_DIR)


def _sweep_scratch() -> None:
    """Remove what a killed process left half written."""
    for path in _scratch_folder().glob("part-*"):
        with suppress(FileNotFoundError):  # its writer is done with it
            if time.time() - path.stat().st_mtime > SCRATCH_AGE:
                path.unlink()


def _unused(blobs: QuerySet[Blob]) -> QuerySet[Blob]:
    users = (relation.name for relation in Blob._meta.related_objects)
    return blobs.filter(**{f"{user}__isnull": True for user in users})


def _drop(sha256: str) -> int:
    """Delete one blob if it is still unused; its row stays locked until its bytes are gone."""
    with transaction.atomic():
        chosen = Blob.objects.filter(pk=sha256)
        blob = chosen.select_for_update().first()
        if blob is None or not _unused(chosen).exists():
            return 0
        names = (name_of(blob), *(derived_name(blob, form) for form in DERIVED))
        blob.delete()
        for name in names:
            default_storage.delete(name)
    return 1
