"""Kaleidoscope's inspector: from a packet's bytes to its verdict, and the cores' time on the way.

The page is given addresses; its script fetches overview and flows when they are there, and asks
the job's child for the rest: one packet through all layers, a load that the queueing model or the
RTL answers, a window of waveforms. Until then the curves of training and simulation are live. The
files are described in the method's README, "Inspector".
"""

from __future__ import annotations

from typing import Any

from webapp.artifacts.models import Artifact
from webapp.inspectors.framework import files
from webapp.jobs.models import ENDED, Job

FILES = ("inspector/overview.json", "inspector/flows.json")
WAVES = "wave.vcd"
DOWNLOADS = {
    "image.npz": "program, weights and tables of the core",
    "program.hex": "program, for $readmemh",
    "weights.hex": "weights, for $readmemh",
    "listing.txt": "listing, with the cycle of each instruction",
    "verdicts.csv": "log of the verdicts, with their cycles",
    "predictions.csv": "answers of every model to every test flow",
    WAVES: "waveforms, for GTKWave or Surfer",
    "occupancy.csv": "occupancy of the cores",
}


def page(job: Job) -> dict[str, Any]:
    data = files(job, *FILES)
    made = {
        artifact.path: artifact
        for artifact in Artifact.objects.filter(job=job, path__in=DOWNLOADS).select_related("blob")
    }
    return {
        "ready": len(data["files"]) == len(FILES),
        "over": job.state in ENDED,
        "downloads": [(made[path], told) for path, told in DOWNLOADS.items() if path in made],
        "waves": made.get(WAVES),
        "data": data,
    }
