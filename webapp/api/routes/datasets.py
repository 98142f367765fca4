"""Datasets and their versions: upload, look at, download, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from ninja import File, Form, Query, Router, Status, UploadedFile
from pydantic import Field

from engine.data.kind import kinds
from webapp.accounts.models import Team
from webapp.api.fields import Asked, Given, Id, Line, Sent, Shown, Text, Word, answers
from webapp.artifacts.download import respond
from webapp.datasets import store
from webapp.datasets.models import Dataset, Version
from webapp.policy import get_or_404, visible
from webapp.refused import Refused

router = Router(tags=["datasets"])


class VersionOut(Shown):
    id: str
    dataset: str = Field(alias="dataset_id")
    number: int
    state: str
    file_name: str
    sha256: str = Field(alias="blob_id")
    size: int = Field(alias="blob.size", description="bytes")
    facts: dict[str, Any]
    report: Any
    created: datetime
    checked: datetime | None


class VersionWhole(VersionOut):
    preview: Any


class DatasetOut(Shown):
    id: str
    team: str = Field(alias="team_id")
    name: str
    kind: str
    description: str
    created: datetime
    created_by: str | None = Field(alias="created_by_id")


class DatasetWhole(DatasetOut):
    versions: list[VersionOut]
    used_by: list[str] = Field(description="Jobs, newest first, at most 100.")


class DatasetPage(Shown):
    datasets: list[DatasetOut]
    next: str | None = Field(description="`cursor` of the next page")


class DatasetIn(Sent):
    team: Id
    name: Line
    kind: str = Field(max_length=20)
    description: Text = ""


class DatasetEdit(Given):
    name: Line | None = None
    description: Text | None = None


class DatasetsAsked(Asked):
    team: Id | None = None
    kind: Word | None = None
    cursor: Id | None = None
    limit: int = Field(50, ge=1, le=500)


@router.get("/datasets", response=answers(DatasetPage), summary="Datasets, newest first")
def list_datasets(request: HttpRequest, asked: Query[DatasetsAsked]) -> dict:
    if asked.kind and asked.kind not in kinds():
        expected = f"expected one of {', '.join(kinds())}, got {asked.kind!r}"
        raise Refused([("kind", expected)])
    chosen = {"team": asked.team, "kind": asked.kind, "id__lt": asked.cursor}
    rows = visible(request.user, Dataset).filter(
        **{name: value for name, value in chosen.items() if value}
    )
    found = list(rows.order_by("-id")[: asked.limit + 1])
    shown = found[: asked.limit]
    return {"datasets": shown, "next": shown[-1].id if len(found) > asked.limit else None}


@router.post(
    "/datasets", response=answers(VersionWhole, status=201), summary="Upload a dataset version"
)
def upload(request: HttpRequest, given: Form[DatasetIn], file: File[UploadedFile]) -> Status:
    """A new dataset, or the next version of the one with this name. Equal bytes are the
    version that is there already. The check runs behind: watch the version's state."""
    team = get_or_404(request.user, Team, "dataset.create", pk=given.team)
    version = store.create(
        request.user,
        team=team,
        name=given.name,
        kind=given.kind,
        file=file,
        file_name=file.name or "",
        description=given.description,
    )
    return Status(201, version)


@router.get("/datasets/{dataset_id}", response=answers(DatasetWhole), summary="A dataset")
def get_dataset(request: HttpRequest, dataset_id: Id) -> dict:
    return _whole(get_or_404(request.user, Dataset, "dataset.view", pk=dataset_id))


@router.patch("/datasets/{dataset_id}", response=answers(DatasetWhole), summary="Describe it")
def edit_dataset(request: HttpRequest, dataset_id: Id, given: DatasetEdit) -> dict:
    dataset = get_or_404(request.user, Dataset, "dataset.edit", pk=dataset_id)
    return _whole(store.edit(dataset, request.user, **given.model_dump()))


@router.delete(
    "/datasets/{dataset_id}", response=answers(None, status=204), summary="Delete a dataset"
)
def delete_dataset(request: HttpRequest, dataset_id: Id) -> Status:
    """With all versions; refused while a job uses one."""
    store.delete(get_or_404(request.user, Dataset, "dataset.delete", pk=dataset_id), request.user)
    return Status(204, None)


@router.get("/versions/{version_id}", response=answers(VersionWhole), summary="A dataset version")
def get_version(request: HttpRequest, version_id: Id) -> Version:
    return get_or_404(request.user, Version, "dataset.view", pk=version_id)


@router.get(
    "/versions/{version_id}/download",
    response=answers(None),
    summary="The bytes as uploaded",
)
def download_version(request: HttpRequest, version_id: Id) -> HttpResponseBase:
    version = get_or_404(request.user, Version, "dataset.view", pk=version_id)
    return respond(request, version.blob, version.file_name)


def _whole(dataset: Dataset) -> dict[str, Any]:
    shown = DatasetOut.from_orm(dataset).dict(by_alias=True)
    versions = dataset.versions.select_related("blob").defer("preview")
    return {
        **shown,
        "versions": list(versions),
        "used_by": [job.pk for job in store.users_of(dataset)[:100]],
    }
