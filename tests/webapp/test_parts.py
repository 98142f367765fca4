"""A part of an upload that breaks off keeps what came; other bodies are thrown away."""

import asyncio

import pytest

from webapp.parts import BrokenParts

CAME = [
    {"type": "http.request", "body": b"first ", "more_body": True},
    {"type": "http.request", "body": b"second", "more_body": True},
    {"type": "http.disconnect"},
]


def heard(method, path, *, count=3):
    """The messages that the application behind gets, as far as it gets them."""
    found = []

    async def behind(scope, receive, send):
        for _ in range(count):
            found.append(await receive())

    async def run():
        messages = iter(CAME)

        async def receive():
            return next(messages)

        scope = {"type": "http", "method": method, "path": path}
        await asyncio.wait_for(BrokenParts(behind)(scope, receive, None), 0.2)

    asyncio.run(run())
    return found


def test_a_part_that_breaks_off_ends_there():
    *_, last = heard("PATCH", "/api/v1/uploads/x")
    assert last == {"type": "http.request", "body": b"", "more_body": False}


def test_after_its_end_nobody_hears_that_the_sender_went():
    with pytest.raises(TimeoutError):
        heard("PATCH", "/api/v1/uploads/x", count=4)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/v1/uploads/x"), ("PATCH", "/api/v1/jobs/x")]
)
def test_another_body_that_breaks_off_is_told_to_be_broken(method, path):
    assert heard(method, path) == CAME
