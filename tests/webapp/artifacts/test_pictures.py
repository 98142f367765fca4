"""Pictures are decoded in a child that cannot harm, whatever they hold."""

import io
import struct
import zlib

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from webapp.artifacts import pictures, storage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]


def blob_of(data: bytes):
    return storage.keep(io.BytesIO(data))


def saved(form: str, size=(40, 30), **options: object) -> bytes:
    data = io.BytesIO()
    Image.new(options.pop("mode", "RGB"), size, options.pop("color", "blue")).save(
        data, form, **options
    )
    return data.getvalue()


def shown(data: bytes) -> Image.Image:
    with pictures.picture(blob_of(data)) as stream:
        picture = Image.open(io.BytesIO(stream.read()))
        picture.load()
        return picture


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_each_form_becomes_a_png(form):
    picture = shown(saved(form))
    assert (picture.format, picture.size) == ("PNG", (40, 30))


def test_transparency_stays():
    assert shown(saved("PNG", mode="RGBA", color=(0, 0, 255, 7))).getpixel((0, 0)) == (0, 0, 255, 7)


def test_a_large_picture_becomes_smaller():
    assert shown(saved("PNG", (5000, 100))).size == (2048, 41)


def test_it_is_made_once(monkeypatch):
    blob = blob_of(saved("PNG"))
    pictures.picture(blob).close()
    monkeypatch.setattr(pictures, "_render", None)
    pictures.picture(blob).close()
    assert default_storage.exists(storage.derived_name(blob, pictures.FORM))


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that claims a great many pixels."""

    def part(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    parts = part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (bomb(100_000, 100_000), "pixels"),
        (bomb(7000, 7000), "not a picture"),  # within the cap, but its pixels are not there
        (b"", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run", "not a picture"),
        (saved("PNG")[:60], "not a picture"),
        (b"GIF89a" + b"\xff" * 500, "not a picture"),
    ],
)
def test_what_is_broken_or_huge_is_refused_by_name(data, why):
    with pytest.raises(pictures.Unreadable, match=why):
        pictures.picture(blob_of(data))


def test_a_child_that_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(pictures, "PATIENCE", 0.01)
    with pytest.raises(pictures.Unreadable, match="not done"):
        pictures.picture(blob_of(saved("PNG")))


def test_a_file_beyond_the_limit_is_not_read(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 10)
    with pytest.raises(pictures.Unreadable, match="at most 10"):
        pictures.picture(blob_of(saved("PNG")))
