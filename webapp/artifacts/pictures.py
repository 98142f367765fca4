"""Previews of pictures: re-encoded in a limited child process, once, and kept beside the blob."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from webapp.artifacts import storage
from webapp.artifacts.models import Blob

MEDIA = frozenset(
    f"image/{form}" for form in ("png", "jpeg", "gif", "webp", "bmp", "x-ms-bmp", "tiff")
)
FORM = "picture.png"
MAX_BYTES = 64 << 20  # of a picture that is rendered at all
PATIENCE = 20.0  # seconds for one picture
AT_ONCE = threading.BoundedSemaphore(2)  # children of this process


class Unreadable(Exception):
    """Why there is no preview; a sentence for people."""


def picture(blob: Blob) -> BinaryIO:
    """The preview as PNG."""
    if (found := storage.open_derived(blob, FORM)) is not None:
        return found
    if blob.size > MAX_BYTES:
        raise Unreadable(f"{blob.size:,} bytes; at most {MAX_BYTES:,} are shown")
    with storage.local_path(blob) as source, storage.scratch_file() as made:
        _render(source, made)
        storage.keep_derived(blob, FORM, made)
    stored = storage.open_derived(blob, FORM)
    if stored is None:
        raise Unreadable("it was deleted meanwhile")
    return stored


def _render(source: Path, made: Path) -> None:
    if not AT_ONCE.acquire(timeout=PATIENCE):
        raise Unreadable("too many pictures are being made; try again")
    try:
        with source.open("rb") as stdin, made.open("wb") as stdout:
            child = subprocess.run(
                [sys.executable, "-I", str(Path(__file__).with_name("render.py"))],
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                env={},
                cwd="/",
                timeout=PATIENCE,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise Unreadable(f"not done within {PATIENCE:g} seconds") from None
    finally:
        AT_ONCE.release()
    if child.returncode == 2:
        raise Unreadable(child.stderr.decode(errors="replace").strip()[:200])
    if child.returncode != 0:
        raise Unreadable("the process that reads pictures was stopped by its limits")
