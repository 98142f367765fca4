"""Uploads in parts, which go on after a broken connection and after a restarted server.

A part is kept in the store before its row is committed, and counts from that commit on: what a
killed process leaves is a whole part or none. The store, not a disk of one web machine, holds
them, so that any machine may take the next part. The last one makes the dataset version, by
`store.create` like every upload.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import BinaryIO

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone

from engine.core import units
from webapp import policy
from webapp.accounts.models import Team, User
from webapp.artifacts.storage import BLOCK, is_local, save, scratch_file
from webapp.audit.record import record
from webapp.datasets import store
from webapp.datasets.joined import Joined
from webapp.datasets.models import UPLOADS, Part, Upload
from webapp.datasets.names import clean
from webapp.pages.disk import free_bytes
from webapp.refused import Refused

LASTS = timedelta(days=3)  # after the last part

_lock = threading.Lock()
_storing: set[str] = set()  # uploads whose version this process makes now


class WrongOffset(Exception):
    """A part does not begin where the last one ended: at `offset`."""

    def __init__(self, offset: int):
        super().__init__(f"expected {offset}, the bytes that have arrived")
        self.offset = offset


def begin(
    user: User,
    *,
    team: Team,
    name: str,
    kind: str,
    file_name: str,
    size: int,
    description: str = "",
    modified: float | None = None,
    sha256: str = "",
) -> Upload:
    """An upload without a byte yet; all that can be wrong before the bytes is told now."""
    name = name.strip()
    store.expect(user, team=team, name=name, kind=kind, size=size, description=description)
    # Its parts lie beside the whole for a moment, here or in an object store.
    room = free_bytes() - settings.MIN_FREE_DISK
    if size * (2 if is_local() else 1) > room:
        raise Refused([("size", f"the disk has no room for {units.size(size)} now")])
    with transaction.atomic():
        made = Upload.objects.create(
            team=team,
            created_by=user,
            name=name,
            kind=kind,
            description=description,
            file_name=clean(file_name),
            size=size,
            modified=modified,
            sha256=sha256,
            expires=timezone.now() + LASTS,
        )
        record(user, "upload.create", made, team=team, size=size)
    return made


def find(user: User, pk: str) -> Upload:
    """One that this user may go on with; 404 for one that has expired."""
    return policy.get_or_404(user, Upload, "upload.edit", pk=pk, expires__gt=timezone.now())


def unfinished(user: User) -> QuerySet[Upload]:
    """The user's own, the newest first."""
    own = policy.visible(user, Upload).filter(created_by=user, version=None)
    return own.filter(expires__gt=timezone.now()).order_by("-id")


def append(upload: Upload, user: User, *, offset: int, body: BinaryIO, sha256: str = "") -> Upload:
    """One part more. Where it is the last, the dataset version is made; an empty part at the
    end makes it too, for those whose server was stopped in between."""
    policy.require(user, "upload.edit", upload)
    if offset != upload.received:
        raise WrongOffset(upload.received)
    if free_bytes() < settings.MIN_FREE_DISK:
        raise Refused(
            [("disk", f"expected {units.size(settings.MIN_FREE_DISK)} free; go on later")]
        )
    _take(upload, body, sha256=sha256)
    if upload.received == upload.size and upload.version_id is None:
        _finish(upload, user)
    return upload


def give_up(upload: Upload, user: User) -> None:
    policy.require(user, "upload.edit", upload)
    with transaction.atomic():
        record(user, "upload.delete", upload, team=upload.team, received=upload.received)
        pk = upload.pk
        upload.delete()
    _drop_folder(pk)


def drop_expired() -> None:
    """Uploads with which nobody went on, and parts whose upload is no more."""
    for upload in Upload.objects.filter(expires__lt=timezone.now()):
        upload.delete()
    for pk in _listed(UPLOADS)[0]:
        if not Upload.objects.filter(pk=pk).exists():
            _drop_folder(pk)


def _take(upload: Upload, body: BinaryIO, *, sha256: str) -> None:
    part = Part(upload=upload, start=upload.received, size=0)
    most = upload.size - upload.received
    with scratch_file() as scratch:
        with scratch.open("wb") as target:
            while block := body.read(BLOCK):
                part.size += target.write(block)
                if part.size > most:
                    raise Refused([("body", f"expected at most the {most} bytes left, got more")])
        if not part.size:
            return
        save(scratch, part.path)
    try:
        _count(upload, part, sha256=sha256)
    except (WrongOffset, Http404):
        default_storage.delete(part.path)  # of two at once, the other came first
        raise


@transaction.atomic
def _count(upload: Upload, part: Part, *, sha256: str) -> None:
    """From now on the part has arrived. What was announced first is what is compared."""
    now = {
        "received": part.start + part.size,
        "expires": timezone.now() + LASTS,
        "sha256": upload.sha256 or sha256,
    }
    here = Upload.objects.filter(pk=upload.pk)
    if not here.filter(received=part.start).update(**now):
        raise WrongOffset(_current(upload).received)
    part.save(force_insert=True)
    for name, value in now.items():
        setattr(upload, name, value)


def _finish(upload: Upload, user: User) -> None:
    with _alone(upload):
        try:
            with Joined(upload.parts.all()) as file:
                version = store.create(
                    user,
                    team=upload.team,
                    name=upload.name,
                    kind=upload.kind,
                    file=file,
                    size=upload.size,
                    file_name=upload.file_name,
                    description=upload.description,
                    sha256=upload.sha256,
                )
        except FileNotFoundError:
            upload.version = _current(upload).version
            if upload.version is None:
                raise WrongOffset(_mend(upload)) from None
            return  # another process has made it meanwhile
        except store.OtherBytes:
            give_up(upload, user)  # no part can make these the bytes that were announced
            raise
        with transaction.atomic():
            Upload.objects.filter(pk=upload.pk).update(version=version)
            upload.parts.all().delete()
        upload.version = version
        _drop_folder(upload.pk)


@contextmanager
def _alone(upload: Upload) -> Iterator[None]:
    """Refuses while another request of this process does it: nobody copies a gigabyte twice."""
    with _lock:
        if upload.pk in _storing:
            raise Refused([("state", "all bytes are here and being stored; ask again in a while")])
        _storing.add(upload.pk)
    try:
        yield
    finally:
        _storing.discard(upload.pk)


@transaction.atomic
def _mend(upload: Upload) -> int:
    """Where the first part lay that the store has lost: the upload goes on from there."""
    parts = upload.parts.all()
    start = next(part.start for part in parts if not default_storage.exists(part.path))
    Upload.objects.filter(pk=upload.pk).update(received=start)
    parts.filter(start__gte=start).delete()
    return start


def _current(upload: Upload) -> Upload:
    found = Upload.objects.filter(pk=upload.pk).select_related("version").first()
    if found is None:
        raise Http404  # given up meanwhile
    return found


def _drop_folder(pk: str) -> None:
    folder = f"{UPLOADS}/{pk}"
    for name in _listed(folder)[1]:
        default_storage.delete(f"{folder}/{name}")
    with suppress(OSError):  # a part that came late is in it: the folder goes with a later sweep
        default_storage.delete(folder)


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """Folders and files of a folder of the store; none where it is not there."""
    with suppress(FileNotFoundError):
        return default_storage.listdir(folder)
    return [], []
