"""A part of an upload whose connection breaks is kept as far as it came.

Django throws away a body that does not come to its end. What came of a part is still the next
bytes of its file: here the broken body is given an end, and the sender asks how far it got.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

PARTS = "/api/v1/uploads/"
Receive = Callable[[], Awaitable[dict[str, Any]]]


class BrokenParts:
    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: dict, receive: Receive, send: Any) -> None:
        part = scope["type"] == "http" and scope["method"] == "PATCH"
        if part and scope["path"].startswith(PARTS):
            receive = _with_an_end(receive)
        await self.app(scope, receive, send)


def _with_an_end(receive: Receive) -> Receive:
    """The messages of one body; after its end nothing, so that storing it is not cut short."""
    ended = False

    async def next_message() -> dict[str, Any]:
        nonlocal ended
        if ended:
            await asyncio.Event().wait()  # for good: Django stops listening with its answer
        message = await receive()
        if message["type"] == "http.disconnect":
            message = {"type": "http.request", "body": b"", "more_body": False}
        ended = not message.get("more_body", False)
        return message

    return next_message
