"""The parts of an upload read as the one file that they are."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from django.core.files.storage import default_storage

from webapp.datasets.models import Part


class Joined(io.RawIOBase):
    """From its beginning to its end, once; FileNotFoundError where the store lost a part."""

    def __init__(self, parts: Iterable[Part]):
        self._waiting = iter(list(parts))
        self._open: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._open is None:
                part = next(self._waiting, None)
                if part is None:
                    return 0
                self._open = default_storage.open(part.path, "rb")
            data = self._open.read(len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
            self._let_go()

    def close(self) -> None:
        self._let_go()
        super().close()

    def _let_go(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
