"""File names that are safe to save, and streaming under the asynchronous server."""

import io
import unicodedata

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncRequestFactory
from hypothesis import given
from hypothesis import strategies as st

from webapp.artifacts import storage
from webapp.artifacts.download import MAX_NAME, respond, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("results/edges.csv", "edges.csv"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ('a"; filename="evil.exe', "a_; filename=_evil.exe"),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie_ x=1"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300 + ".npz", "x" * 146 + ".npz"),
        ("Ergebnis für Köln.csv", "Ergebnis für Köln.csv"),
    ],
)
def test_a_name_is_made_safe(name, safe):
    assert safe_name(name) == safe


@given(st.text())
def test_no_name_leads_anywhere(name):
    safe = safe_name(name)
    assert 0 < len(safe) <= MAX_NAME
    assert not set(safe) & set('/\\:"<>|?*\0\r\n')
    assert not safe.startswith(".")
    assert all(unicodedata.category(letter)[0] != "C" for letter in safe)


@pytest.mark.django_db(transaction=True)
def test_the_asynchronous_server_streams_it_in_parts(home):
    blob = storage.keep(io.BytesIO(b"0123456789" * 100_000))
    request = AsyncRequestFactory().get("/", headers={"range": "bytes=5-899999"})
    response = respond(request, blob, "a.bin")

    async def parts() -> list[bytes]:
        return [part async for part in response]

    sent = async_to_sync(parts)()
    assert b"".join(sent) == (b"0123456789" * 100_000)[5:900_000]
    assert len(sent) == 4
