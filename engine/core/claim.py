"""A folder for one run alone: two at the same time would write over each other's files."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.core.errors import UserError

LOCK = ".lock"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder, made where it is not there yet; made for nothing, it is removed again.

    The lock is the kernel's: it ends with the process, however that ends.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise UserError("out", f"expected a folder, {folder} is a file")
        made = [place for place in (folder, *folder.parents) if not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder)
    except OSError as fault:
        expected = "expected a folder that can be made and written"
        raise UserError("out", f"{folder}: {expected} ({fault.strerror})") from None
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        remove_empty(made)
        os.close(lock)


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those that hold nothing, the inner ones named first."""
    for folder in folders:
        with suppress(OSError):  # it holds something: then it stays
            folder.rmdir()


def _lock(folder: Path) -> int:
    while True:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            expected = "expected a folder that no other run uses"
            raise UserError("out", f"{expected}; one is at work in {folder}") from None
        if os.fstat(lock).st_nlink:
            return lock
        os.close(lock)  # its holder removed it between our two calls: it keeps nobody out
