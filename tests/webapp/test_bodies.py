"""Bodies that are too large are refused before they are read."""

import json

import pytest
from asgiref.sync import async_to_sync

from webapp.bodies import AROUND, BodyLimit

MOST = 16 << 20
UPLOAD = 1 << 30


def status(method="POST", path="/sign-in/", *, headers):
    """What is answered, or 200 if the application behind got the request."""
    sent = []

    async def behind(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def unread():
        raise AssertionError("the body was read")

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    async_to_sync(BodyLimit(behind))(scope, unread, send)
    if sent[0]["status"] != 200:
        assert json.loads(sent[1]["body"])["field"] == "body"
    return sent[0]["status"]


def length(count):
    return [(b"content-length", str(count).encode())]


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/sign-in/", MOST),
        ("/api/v1/jobs", MOST),
        ("/datasets/new/", UPLOAD),
        ("/api/v1/datasets", UPLOAD),
    ],
)
def test_each_address_has_its_limit(path, most, settings):
    settings.MAX_UPLOAD = UPLOAD
    assert status(path=path, headers=length(most)) == 200
    assert status(path=path, headers=length(most + AROUND + 1)) == 413


@pytest.mark.parametrize("text", [b"many", b"-1", b"1e3", b"9" * 5000, "²".encode()])
def test_a_length_that_is_none_or_endless_is_refused(text):
    assert status(headers=[(b"content-length", text)]) == 413


def test_a_body_without_length_is_refused():
    assert status(headers=[(b"transfer-encoding", b"chunked")]) == 411


def test_what_has_no_body_passes():
    assert status("GET", "/", headers=[]) == 200
    assert status("POST", "/sign-out/", headers=[]) == 200
