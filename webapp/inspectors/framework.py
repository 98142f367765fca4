"""How a method gets its inspector: a module, a template and a script named after its slug.

    webapp/inspectors/<slug>.py           def page(job: Job) -> dict   what the template is given
    templates/inspectors/<slug>.html      extends "inspectors/base.html"
    static/js/inspectors/<slug>.js        optional; loaded as a module

`page` may put JSON under "data": the script finds it as `about` of `files.js`, and `files`
names there what the script draws. It reads the database and computes little; what takes a
method's code is a question to `ask`. A method without these modules gets the generic
inspector: its figures, tables and images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.urls import reverse

from webapp.artifacts.models import Artifact
from webapp.inspectors import generic
from webapp.jobs.models import Job

OWN = frozenset(("apps", "framework", "generic", "urls", "views"))  # modules that are no method
PLACE = "0" * 26  # stands for an artifact's id in an address


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


def files(job: Job, *paths: str) -> dict[str, Any]:
    """For "data": the artifacts that the script draws, by path, and where they are read, under
    `job`, `files`, `wanted`, `address` and `place`.

    `whenThere` of static/js/inspectors/files.js answers with their JSON as soon as all are
    there, also where the page was opened long before.
    """
    known = Artifact.objects.filter(job=job, path__in=paths).values_list("path", "pk")
    return {
        "job": job.pk,
        "files": dict(known),
        "wanted": list(paths),
        "address": reverse("artifact-download", args=[PLACE]),
        "place": PLACE,
    }
