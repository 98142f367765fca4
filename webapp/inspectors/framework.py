"""How a method gets its inspector: a module, a template and a script named after its slug.

    webapp/inspectors/<slug>.py           def page(job: Job) -> dict   what the template is given
    templates/inspectors/<slug>.html      extends "inspectors/base.html"
    static/js/inspectors/<slug>.js        optional; loaded as a module

`page` may put JSON under "data": the script finds it in the element `inspector-data`. It reads
the database and artifacts and computes little; what takes a method's code is a question to
`ask`. A method without these files gets the generic inspector: its figures, tables and images.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings

from webapp.artifacts.models import Artifact
from webapp.artifacts.storage import open_blob
from webapp.inspectors import generic
from webapp.jobs.models import Job

OWN = frozenset(("apps", "framework", "generic", "urls", "views"))  # modules that are no method
MOST_BYTES = 8 << 20  # of an artifact that a page takes in


@dataclass(frozen=True)
class Inspector:
    page: Callable[[Job], dict[str, Any]]
    template: str
    script: str  # a static file, or nothing


GENERIC = Inspector(generic.page, "inspectors/generic.html", "")


def inspector_of(slug: str) -> Inspector:
    if slug in OWN or not slug.isidentifier() or find_spec(f"webapp.inspectors.{slug}") is None:
        return GENERIC
    script = f"js/inspectors/{slug}.js"
    return Inspector(
        page=import_module(f"webapp.inspectors.{slug}").page,
        template=f"inspectors/{slug}.html",
        script=script if (settings.BASE_DIR / "static" / script).is_file() else "",
    )


def read_json(job: Job, path: str) -> Any:
    """A JSON artifact of the job by its path; None while there is none."""
    artifact = Artifact.objects.filter(job=job, path=path).select_related("blob").first()
    if artifact is None:
        return None
    if artifact.blob.size > MOST_BYTES:
        raise ValueError(f"{path} has {artifact.blob.size} bytes; a page takes {MOST_BYTES}")
    with open_blob(artifact.blob) as file:
        return json.load(file)
