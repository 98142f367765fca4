"""What the tests of inspectors' pages share."""

from __future__ import annotations

import io
import json
import re

import pytest
from django.urls import reverse

from webapp.artifacts.models import Artifact
from webapp.artifacts.storage import keep
from webapp.jobs.models import State


@pytest.fixture
def inspected(home, client_of, viewer, make_job):
    """The inspector of a method's job in this state with these files, as text and as its data."""

    def make(method: str, state: State, *files: str, **fields) -> tuple[str, dict]:
        job = make_job(method=method, state=state, **fields)
        for path in files:
            blob = keep(io.BytesIO(b"{}"))
            about = {"title": path, "role": "inspector", "media": "application/json", "n": 1}
            Artifact.objects.create(job=job, path=path, blob=blob, **about)
        answer = client_of(viewer).get(reverse("job-inspect", args=[job.pk]))
        text = answer.content.decode()
        found = re.search(r'<script id="inspector-data"[^>]*>(.*?)</script>', text, re.DOTALL)
        return text, json.loads(found[1])

    return make
