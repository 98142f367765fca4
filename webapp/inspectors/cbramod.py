"""CBraMod's inspector: recordings as a clinician reads them, what the network makes of them, why.

The page is given addresses; its script fetches overview and windows when they are there, and asks
the job's own network for the rest: pages of signal, reconstructions, attention, occlusion. Until
then the curves of the training are live. The files are described in the method's README,
"Inspector".
"""

from __future__ import annotations

from typing import Any

from webapp.inspectors.framework import files
from webapp.jobs.models import ENDED, Job

FILES = ("inspector/overview.json", "inspector/windows.json")
LOSS = {"class": "nats", "number": "squared standard deviations of the labels"}
LINES = ("line.zero", "line.channel_mean", "line.gaussian")


def page(job: Job) -> dict[str, Any]:
    data = files(job, *FILES)
    # Where they come with the summary alone, the curves get them from here.
    data["lines"] = {key: job.summary[key] for key in LINES if job.summary.get(key) is not None}
    target = job.params.get("target", "class")  # jobs of before know neither numbers nor sequences
    data["loss"] = LOSS[target]
    return {
        "ready": len(data["files"]) == len(FILES),
        "over": job.state in ENDED,
        "scale": job.params.get("scale", "fixed"),  # jobs of before know no other
        "sequence": job.params["sequence"] if job.params.get("head") == "sleep" else None,
        "data": data,
    }
