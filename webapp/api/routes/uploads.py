"""Uploads in parts. HEAD, PATCH and DELETE speak tus 1.0 (core and termination)."""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Header, Router, Status
from ninja.errors import HttpError
from pydantic import Field

from webapp.accounts.models import Team
from webapp.api.fields import Given, Id, Line, Problem, Shown, Text, answers, like
from webapp.datasets import uploads
from webapp.datasets.models import Upload
from webapp.policy import get_or_404
from webapp.refused import Refused

TUS = "1.0.0"
MEDIA = "application/offset+octet-stream"  # of a part, as tus calls it
MOST_SIZE = (1 << 63) - 1  # bytes that a row can tell
LATEST = 1e11  # seconds since 1970; later than any clock

router = Router(tags=["uploads"])

Sha256 = Annotated[str, like("[0-9a-f]{64}|", "a SHA-256 as 64 digits and letters a to f")]


class UploadIn(Given):
    team: Id
    name: Line
    kind: str = Field(max_length=20)
    description: Text = ""
    file_name: str = Field(max_length=1000)
    size: int = Field(ge=0, le=MOST_SIZE, description="bytes of the whole file")
    modified: float | None = Field(
        None, ge=-LATEST, le=LATEST, description="when the file was, in seconds since 1970"
    )
    sha256: Sha256 = Field("", description="of the whole file, which is compared at the end")


class UploadOut(Shown):
    id: str
    team: str = Field(alias="team_id")
    name: str
    kind: str
    description: str
    file_name: str
    size: int = Field(description="bytes of the whole file")
    offset: int = Field(alias="received", description="bytes that have arrived")
    modified: float | None
    sha256: str
    version: str | None = Field(alias="version_id", description="what it became")
    dataset: str | None = Field(description="of that version")
    created: datetime
    expires: datetime

    @staticmethod
    def resolve_dataset(upload: Upload) -> str | None:
        return upload.version.dataset_id if upload.version else None


@router.get("/uploads", response=answers(list[UploadOut]), summary="Your unfinished uploads")
def list_uploads(request: HttpRequest) -> list[Upload]:
    return list(uploads.unfinished(request.user))


@router.post("/uploads", response=answers(UploadOut, status=201), summary="Begin an upload")
def begin_upload(request: HttpRequest, given: UploadIn, response: HttpResponse) -> Status:
    """Say what comes; the file itself goes to `/uploads/{upload_id}`, in parts. All that can be
    wrong without its bytes is told now."""
    team = get_or_404(request.user, Team, "dataset.create", pk=given.team)
    upload = uploads.begin(request.user, team=team, **given.model_dump(exclude={"team"}))
    response["Location"] = f"/api/v1/uploads/{upload.pk}"
    _tell(response, upload)
    return Status(201, upload)


@router.get("/uploads/{upload_id}", response=answers(UploadOut), summary="An upload")
def get_upload(request: HttpRequest, upload_id: Id) -> Upload:
    """It is told until three days after its last part, also when it has become a version."""
    return uploads.find(request.user, upload_id)


@router.api_operation(
    ["HEAD"], "/uploads/{upload_id}", response=answers(None), summary="Where to go on"
)
def head_upload(request: HttpRequest, upload_id: Id, response: HttpResponse) -> None:
    """`Upload-Offset` and `Upload-Length` in the headers."""
    _tell(response, uploads.find(request.user, upload_id))


@router.patch(
    "/uploads/{upload_id}",
    response={**answers(None, status=204), 412: Problem, 415: Problem},
    summary="Send a part",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {MEDIA: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def send_part(
    request: HttpRequest,
    upload_id: Id,
    response: HttpResponse,
    offset: Annotated[
        int,
        Header(alias="Upload-Offset", ge=0, le=MOST_SIZE, description="bytes that came before it"),
    ],
    version: Annotated[str, Header(alias="Tus-Resumable", description="1.0.0")] = TUS,
    digest: Annotated[
        str,
        Header(
            alias="Repr-Digest",
            description="sha-256=:BASE64: of the whole file, with its last part",
        ),
    ] = "",
) -> Status:
    """The next bytes, at most 16 MiB. Of a part whose connection breaks, what came is kept. The
    last part makes the dataset version: ask for the upload to see which. An empty part at the
    end tries that again. Where another part is due, the 409 has its `Upload-Offset`."""
    upload = uploads.find(request.user, upload_id)
    if version != TUS:
        response["Tus-Version"] = TUS
        raise HttpError(412, f"Tus-Resumable: expected {TUS}, got {version!r:.40}")
    if request.content_type != MEDIA:
        raise HttpError(415, f"Content-Type: expected {MEDIA}, got {request.content_type!r:.80}")
    uploads.append(upload, request.user, offset=offset, body=request, sha256=_sha256(digest))
    _tell(response, upload)
    return Status(204, None)


@router.delete(
    "/uploads/{upload_id}", response=answers(None, status=204), summary="Give an upload up"
)
def give_up_upload(request: HttpRequest, upload_id: Id, response: HttpResponse) -> Status:
    """With all that has arrived. A dataset version that it has become stays."""
    response["Tus-Resumable"] = TUS
    uploads.give_up(uploads.find(request.user, upload_id), request.user)
    return Status(204, None)


def _tell(response: HttpResponse, upload: Upload) -> None:
    response["Tus-Resumable"] = TUS
    response["Upload-Offset"] = str(upload.received)
    response["Upload-Length"] = str(upload.size)


def _sha256(digest: str) -> str:
    """The SHA-256 in a Repr-Digest, in hexadecimal; "" where nothing was announced."""
    if not digest:
        return ""
    found = re.fullmatch(r"sha-256=:([A-Za-z0-9+/]{43}=):", digest)
    if found is None:
        raise Refused([("Repr-Digest", f"expected sha-256=:BASE64:, got {digest!r:.80}")])
    return base64.b64decode(found[1]).hex()
