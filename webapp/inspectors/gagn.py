"""GAgN's inspector: agents, their neighbourhoods, the filter's verdicts and what-if questions.

The page is given addresses; its script fetches nodes, edges and overview when they are there
and draws them. Until then the curves of the training are live, and the page says what it waits
for. All files are described in the method's README, "Artifacts".
"""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from webapp.artifacts.models import Artifact
from webapp.jobs.models import ENDED, Job

FILES = ("inspector/nodes.json", "inspector/edges.json", "inspector/overview.json")
PLACE = "0" * 26  # stands for an artifact's id in an address


def page(job: Job) -> dict[str, Any]:
    known = Artifact.objects.filter(job=job, path__in=FILES).values_list("path", "pk")
    return {
        "ready": len(known) == len(FILES),
        "over": job.state in ENDED,
        "data": {
            "job": job.pk,
            "files": dict(known),
            "wanted": list(FILES),
            "address": reverse("artifact-download", args=[PLACE]),
            "place": PLACE,
            "over": job.state in ENDED,
        },
    }
