"""Blobs in an S3-compatible store, where the machines of a bench share no disk.

django-storages does the work; here it learns to be read piece by piece, since a page shows the
head of a file and a broken download goes on in the middle of one, and to sit out a short outage.
"""

from __future__ import annotations

import io
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, HTTPClientError
from storages.backends.s3 import S3File, S3Storage

BUFFER = 1 << 20  # bytes that a reader holds
TRIES = 3  # of one read whose connection breaks


class ObjectStore(S3Storage):
    """`bucket_name` and `endpoint_url` say where; without keys, the machine's own role is used."""

    def get_default_settings(self) -> dict[str, Any]:
        return {
            **super().get_default_settings(),
            "file_overwrite": True,  # a name is its content's hash
            "client_config": Config(
                connect_timeout=5,
                read_timeout=60,
                max_pool_connections=32,
                # The pauses double from 50 ms up to 20 s: three quarters of a minute in all.
                retries={"mode": "standard", "total_max_attempts": 13},
                # Checksums beyond the protocol's own are refused by many compatible stores.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        }

    def _open(self, name: str, mode: str = "rb") -> Any:
        opened: S3File = super()._open(name, mode)
        if mode != "rb":
            return opened
        return io.BufferedReader(Remote(opened.obj), BUFFER)


class Remote(io.RawIOBase):
    """An object as a file: bytes are fetched as they are read, from where the reader stands."""

    def __init__(self, found: Any):
        self._found = found
        self._size = found.content_length
        self._at = 0
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"a place in the file was expected, got {start + offset}")
        if start + offset != self._at:
            self._let_go()
            self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._size:
            return 0
        for last in (False,) * (TRIES - 1) + (True,):
            try:
                data = self._part().read(len(buffer))
                break
            except (BotoCoreError, HTTPClientError):
                self._let_go()
                if last:
                    raise
        if not data:
            raise OSError(f"{self._found.key} ended after {self._at} of {self._size} bytes")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._let_go()
        super().close()

    def _part(self) -> Any:
        if self._body is None:
            self._body = self._found.get(Range=f"bytes={self._at}-")["Body"]
        return self._body

    def _let_go(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
