"""An S3-compatible store as a real process, for tests of machines that share no disk."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest

from tests.bench import wait_until
from tests.services import free_port

BUCKET = "tenfold"
KEY, SECRET = "key-of-a-test", "secret-of-a-test"


@dataclass(frozen=True)
class Objects:
    """Where the store answers, in the forms in which it is told to others."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "S3_BUCKET": BUCKET,
            "S3_ENDPOINT": self.url,
            "S3_KEY": KEY,
            "S3_SECRET": SECRET,
            "NO_PROXY": "127.0.0.1",
        }

    @property
    def storage(self) -> dict[str, Any]:
        """The entry of Django's STORAGES."""
        options = {
            "bucket_name": BUCKET,
            "endpoint_url": self.url,
            "access_key": KEY,
            "secret_key": SECRET,
        }
        return {"BACKEND": "webapp.artifacts.s3.ObjectStore", "OPTIONS": options}

    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )


@pytest.fixture(scope="session")
def objects() -> Iterator[Objects]:
    """A store with an empty bucket."""
    absent = [name for name in ("moto", "flask", "storages", "boto3") if find_spec(name) is None]
    if absent:
        why = f"no object store: {', '.join(absent)} of tests/requirements.txt is not installed"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet)
    try:
        found = Objects(f"http://127.0.0.1:{port}")
        wait_until(lambda: _listens(port), "the object store listens")
        found.client().create_bucket(Bucket=BUCKET)
        yield found
    finally:
        process.terminate()
        process.wait(timeout=30)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
