"""GAgN's inspector: agents, their neighbourhoods, the filter's verdicts and what-if questions.

The page is given addresses; its script fetches nodes, edges and overview when they are there
and draws them. Until then the curves of the training are live, and the page says what it waits
for. All files are described in the method's README, "Artifacts".
"""

from __future__ import annotations

from typing import Any

from webapp.inspectors.framework import files
from webapp.jobs.models import ENDED, Job

FILES = ("inspector/nodes.json", "inspector/edges.json", "inspector/overview.json")


def page(job: Job) -> dict[str, Any]:
    data = files(job, *FILES)
    return {
        "ready": len(data["files"]) == len(FILES),
        "over": job.state in ENDED,
        "data": data,
    }
