"""Answering with a blob's bytes: always as a file to be saved, never as a page of ours.

`respond` serves artifacts and dataset versions alike. One range can be asked for, so that a
broken download goes on where it stopped; the hash is the entity tag.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator, Iterator
from typing import BinaryIO

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

from webapp.artifacts.models import Blob
from webapp.artifacts.storage import open_blob
from webapp.middleware import SANDBOX

BLOCK = 256 << 10  # bytes per part of an answer
MAX_NAME = 150  # characters
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def respond(request: HttpRequest, blob: Blob, file_name: str) -> HttpResponseBase:
    tag = f'"{blob.pk}"'
    if (known := get_conditional_response(request, etag=tag)) is not None:
        return known
    span = asked_range(request, blob.size, tag)
    if span is None:
        refusal = HttpResponse(status=416)
        refusal["Content-Range"] = f"bytes */{blob.size}"
        return refusal
    start, stop = span
    stream = open_blob(blob)
    stream.seek(start)
    # An iterator that blocks would be read whole into memory by the asynchronous server.
    parts = _parts_async if isinstance(request, ASGIRequest) else _parts
    response = StreamingHttpResponse(parts(stream, stop - start), "application/octet-stream")
    response["Content-Length"] = str(stop - start)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    response["Content-Disposition"] = content_disposition_header(True, safe_name(file_name))
    response["Content-Security-Policy"] = SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    if stop - start < blob.size:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{blob.size}"
    return response


def asked_range(request: HttpRequest, size: int, tag: str) -> tuple[int, int] | None:
    """Start and end of the bytes to send; all of them where no single range is asked for.

    None for a range that lies outside.
    """
    match = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if match is None or match.groups() == ("", "") or request.headers.get("If-Range", tag) != tag:
        return 0, size
    first, last = match.groups()
    if not first:  # the last so many bytes
        return (max(size - int(last), 0), size) if int(last) and size else None
    start, stop = int(first), min(int(last) + 1 if last else size, size)
    return (start, stop) if start < stop else None


def safe_name(name: str) -> str:
    """The last part of a name, without what a shell, a file system or an eye would misread."""
    normal = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join(letter for letter in normal if unicodedata.category(letter)[0] != "C")
    return re.sub(r'[:*?"<>|]', "_", seen)[-MAX_NAME:].strip(". ") or "file"


def _parts(stream: BinaryIO, left: int) -> Iterator[bytes]:
    with stream:
        while left > 0 and (part := stream.read(min(BLOCK, left))):
            left -= len(part)
            yield part


async def _parts_async(stream: BinaryIO, left: int) -> AsyncIterator[bytes]:
    read = sync_to_async(stream.read, thread_sensitive=False)
    with stream:
        while left > 0 and (part := await read(min(BLOCK, left))):
            left -= len(part)
            yield part
