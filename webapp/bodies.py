"""Refuses a request body that is too large before a byte of it is read.

Django's ASGI handler writes the whole body to disk before any view can say no. Uploads may be
as large as `MAX_UPLOAD`, everything else as `DATA_UPLOAD_MAX_MEMORY_SIZE`.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings

from webapp.ids import new_id

UPLOADS = ("/datasets/new/", "/api/v1/datasets")
AROUND = 1 << 20  # bytes of a form around its file
BODY = ("POST", "PUT", "PATCH", "DELETE")


class BodyLimit:
    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        refusal = _refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await _answer(send, *refusal)


def _refusal(scope: dict) -> tuple[int, str] | None:
    """A status and what was expected, or nothing."""
    headers = dict(scope["headers"])
    if scope["method"] in BODY and b"transfer-encoding" in headers:
        return 411, "a Content-Length"
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if scope["path"] in UPLOADS:
        most = settings.MAX_UPLOAD
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length[:20]) > most + AROUND:
        return 413, f"at most {most} bytes"
    return None


async def _answer(send: Any, status: int, expected: str) -> None:
    body = {
        "code": "too_large" if status == 413 else "unreadable",
        "message": f"body: expected {expected}",
        "field": "body",
        "hint": None,
        "request_id": new_id(),
    }
    # The rest of the body will not be read: the connection cannot be used again.
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
