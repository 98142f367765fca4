"""Keeping datasets: pages, API and the samples command all come through here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.shortcuts import get_object_or_404

from engine.core import units
from engine.core.errors import UserError
from engine.data.kind import kind as find_kind
from webapp import policy
from webapp.accounts.models import Team, User
from webapp.artifacts.storage import keep
from webapp.audit.record import record
from webapp.datasets.models import Dataset, Version
from webapp.datasets.names import clean
from webapp.jobs.models import Job, JobInput
from webapp.locks import lock
from webapp.refused import Refused, words_only

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 20_000


class OtherBytes(Refused):
    """The bytes that came are not those that were announced."""


def expect(user: User, *, team: Team, name: str, kind: str, size: int, description: str) -> None:
    """Refuses all that can be refused without the bytes: pages and API say it beforehand."""
    policy.require(user, "dataset.create", team)
    faults = _faults(name=name, kind=kind, size=size, description=description)
    if faults:  # before the database sees the name: PostgreSQL takes no NUL
        raise Refused(faults)
    existing = Dataset.objects.filter(team=team, name=name).first()
    if existing is not None:
        _require_next(user, existing, kind=kind)


def create(
    user: User,
    *,
    team: Team,
    name: str,
    kind: str,
    file: Path | BinaryIO,
    file_name: str,
    description: str = "",
    size: int | None = None,
    sha256: str = "",
) -> Version:
    """A new dataset, or the next version of the one with this name; equal bytes, equal version.

    A stream that cannot tell its size needs `size`; `sha256` is what the bytes must have.
    """
    name = name.strip()
    size = _size(file) if size is None else size
    expect(user, team=team, name=name, kind=kind, size=size, description=description)
    blob = keep(file)
    if sha256 not in ("", blob.pk):
        raise OtherBytes([("sha256", f"expected {sha256}, got {blob.pk}: other bytes came")])
    return _add(
        user,
        team=team,
        name=name,
        kind=kind,
        description=description,
        version={"blob": blob, "file_name": clean(file_name)},
    )


def _require_next(user: User, dataset: Dataset, *, kind: str) -> None:
    """May this user add a version of this kind to it?"""
    policy.require(user, "dataset.edit", dataset)
    if dataset.kind != kind:
        raise Refused(
            [("kind", f"expected {dataset.kind}, the kind of {dataset}, got {kind!r:.40}")]
        )


@transaction.atomic
def _add(
    user: User, *, team: Team, name: str, kind: str, description: str, version: dict
) -> Version:
    # Locked, so that uploads of one moment under one name are numbered one after another.
    dataset, new = Dataset.objects.select_for_update().get_or_create(
        team=team,
        name=name,
        defaults={"kind": kind, "description": description, "created_by": user},
    )
    if not new:  # perhaps made by somebody else since it was looked for
        _require_next(user, dataset, kind=kind)
    same = dataset.versions.filter(blob=version["blob"]).first()
    if same is not None:
        return same
    newest = dataset.versions.order_by("-number").values_list("number", flat=True).first()
    made = Version.objects.create(
        dataset=dataset, number=(newest or 0) + 1, created_by=user, **version
    )
    record(
        user, "dataset.upload", dataset, team=dataset.team, number=made.number, file=made.file_name
    )
    transaction.on_commit(lambda: _check(made.pk))
    return made


def _size(file: Path | BinaryIO) -> int:
    if isinstance(file, Path):
        return file.stat().st_size
    place = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(place)
    return size


def _faults(*, name: str, kind: str, size: int, description: str) -> list[tuple[str, str]]:
    faults = words_only("name", name, longest=LONGEST_NAME)
    if not name:
        faults.append(("name", "expected a name, got nothing"))
    faults += words_only("description", description, longest=LONGEST_DESCRIPTION, lines=True)
    try:
        find_kind(kind)
    except UserError as error:
        faults.append((error.where, error.expected))
    if size == 0:
        faults.append(("file", "expected a file with content, got an empty one"))
    elif size > settings.MAX_UPLOAD:
        faults.append(
            ("file", f"expected at most {units.size(settings.MAX_UPLOAD)}, got {units.size(size)}")
        )
    return faults


def _check(version_id: str) -> None:
    from workers.tasks import ring_check  # the workers import the models: not at import time

    ring_check(version_id)


@transaction.atomic
def delete(dataset: Dataset, user: User) -> None:
    """With all its versions; refused while jobs use one, naming them."""
    policy.require(user, "dataset.delete", dataset)
    dataset = get_object_or_404(Dataset.objects.select_for_update(), pk=dataset.pk)
    # `submit` locks what it takes: either its jobs are seen here, or it finds nothing to take.
    lock(dataset.versions.all())
    jobs = users_of(dataset)
    if jobs:
        names = ", ".join(f"{job} ({job.pk})" for job in jobs[:5])
        more = f" and {len(jobs) - 5} more" if len(jobs) > 5 else ""
        raise Refused([("dataset", f"expected one that no job uses; these do: {names}{more}")])
    record(user, "dataset.delete", dataset, team=dataset.team, name=dataset.name)
    dataset.delete()


@transaction.atomic
def edit(
    dataset: Dataset, user: User, *, name: str | None = None, description: str | None = None
) -> Dataset:
    policy.require(user, "dataset.edit", dataset)
    faults = words_only("description", description or "", longest=LONGEST_DESCRIPTION, lines=True)
    if name is not None:
        name = name.strip()
        faults += words_only("name", name, longest=LONGEST_NAME)
        if not name:
            faults.append(("name", "expected a name, got nothing"))
        same = Dataset.objects.filter(team=dataset.team_id, name=name).exclude(pk=dataset.pk)
        if not faults and same.exists():
            faults.append(("name", "expected a name that no other dataset of the team has"))
    if faults:
        raise Refused(faults)
    given = {"name": name, "description": description}
    fields = {key: value for key, value in given.items() if value is not None}
    if fields:
        for key, value in fields.items():
            setattr(dataset, key, value)
        dataset.save(update_fields=list(fields))
        record(user, "dataset.edit", dataset, team=dataset.team, changed=sorted(fields))
    return dataset


def users_of(dataset: Dataset) -> list[Job]:
    rows = JobInput.objects.filter(version__dataset=dataset)
    return list(Job.objects.filter(pk__in=rows.values("job")).order_by("-id"))
