"""The job list at ten thousand jobs: filter by a parameter, sort by a metric, draw fifty rows.

The peer asks the same question of the same file with bare `sqlite3`: what is left over is the
web framework. Bars: 100 ms on the server, 12 queries, 60 kB.

    python benchmarks/joblist.py [requests]
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import ground  # isort: skip - sets Django up

import numpy as np
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from webapp.ids import new_id
from webapp.jobs.models import Job, State

JOBS = 10_000
BAR_SECONDS, BAR_QUERIES, BAR_BYTES = 0.100, 12, 60_000
ADDRESS = (
    "/jobs/?q=params.steps<40+state:done&sort=-summary.value"
    "&cols=params.steps,params.scale,summary.value"
)
SQL = """SELECT id, name, state, json_extract(summary, '$.value') AS value FROM jobs_job
         WHERE state = 'done' AND json_extract(params, '$.steps') < 40 AND NOT archived
         ORDER BY value DESC NULLS LAST, id DESC LIMIT 51"""


def fill(first: Job) -> None:
    """Jobs of which a quarter is done, each with its numbers."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=JOBS).tolist()
    ids = sorted(new_id() for _ in range(JOBS))
    Job.objects.bulk_create(
        [
            Job(
                id=pk,
                project=first.project,
                method="gagn",
                created_by=first.created_by,
                name=f"job {place}",
                seed=place,
                state=State.DONE if place % 4 else State.FAILED,
                params={"steps": place % 50, "scale": place / 7, "filter": "auto"},
                summary={"value": values[place], "baseline.gcn.value": -values[place]},
            )
            for place, pk in enumerate(ids)
        ],
        batch_size=500,
    )


def measure(requests: int) -> dict[str, Any]:
    first = ground.new_job()
    fill(first)
    client = Client(headers={"host": "localhost"})
    client.force_login(ground.owner_of(first))
    raw = sqlite3.connect(ground.HOME / "tenfold.sqlite3")
    client.get(ADDRESS)  # templates are compiled once
    served: list[float] = []
    driver: list[float] = []
    for _ in range(requests):
        with ground.timed(served):
            response = client.get(ADDRESS)
        with ground.timed(driver):
            rows = raw.execute(SQL).fetchall()
        page = response.content.decode()
        if not all(f'data-job="{pk}"' in page for pk, *_ in rows[:50]):
            raise RuntimeError("the page and the bare driver disagree")
    with CaptureQueriesContext(connection) as queries:
        client.get(ADDRESS)
    p95 = ground.quantile(served, 0.95)
    size = len(response.content)
    return {
        "ratio": ground.quantile(served, 0.5) / ground.quantile(driver, 0.5),
        "jobs": JOBS,
        "p50": ground.quantile(served, 0.5),
        "p95": p95,
        "driver_p50": ground.quantile(driver, 0.5),
        "queries": len(queries),
        "bytes": size,
        "bar": {"seconds": BAR_SECONDS, "queries": BAR_QUERIES, "bytes": BAR_BYTES},
        "met": p95 <= BAR_SECONDS and len(queries) <= BAR_QUERIES and size <= BAR_BYTES,
    }


if __name__ == "__main__":
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    ground.migrate()
    ground.report("joblist", **measure(times))
