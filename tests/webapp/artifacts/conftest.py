"""An artifact of a job with the given bytes."""

import io
from collections.abc import Callable

import pytest

from webapp.artifacts import storage
from webapp.artifacts.models import Artifact


@pytest.fixture
def make_artifact(home, make_job) -> Callable[..., Artifact]:
    def make(data: bytes | str, **fields: object) -> Artifact:
        data = data.encode() if isinstance(data, str) else data
        job = fields.pop("job", None) or make_job()
        defaults = {
            "path": "notes.txt",
            "title": "Notes",
            "role": "result",
            "media": "text/plain",
            "n": 1,
            "blob": storage.keep(io.BytesIO(data)),
        }
        return Artifact.objects.create(job=job, **{**defaults, **fields})

    return make
