"""A long curve as a page asks for it: 1000 of 100k and of a million points, through the API.

The peer reads the same chunks with bare `sqlite3`, decodes and reduces them with the same code
and dumps the same JSON: what is left over is the web framework. Bars for the 95th percentile:
40 ms for 100k points, 150 ms for a million.

    python benchmarks/chart.py [requests]
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import ground  # isort: skip - sets Django up

import numpy as np
from django.db import transaction
from django.test import Client

from webapp.metrics import codec, reduce, store
from webapp.metrics.columns import as_lists

POINTS = 1000
BARS = {100_000: 0.040, 1_000_000: 0.150}  # seconds
SQL = """SELECT data FROM metrics_chunk JOIN metrics_series ON metrics_series.id = series_id
         WHERE job_id = ? AND key = 'loss' ORDER BY first_n"""


def filled_job(count: int) -> Any:
    """A job whose curve came in flushes of 1000 points."""
    job = ground.new_job()
    values = np.random.default_rng(0).normal(size=count).tolist()
    with transaction.atomic():
        for start in range(0, count, 1000):
            numbered = enumerate(values[start : start + 1000], start + 1)
            store.append(job.pk, [(n, n, 1.7e9 + n / 64, {"loss": value}) for n, value in numbered])
    job.last_n = count
    job.save()
    return job


def bare(raw: sqlite3.Connection, job: Any) -> str:
    chunks = [codec.decode(data) for (data,) in raw.execute(SQL, [job.pk])]
    whole = codec.Points(
        *(
            np.concatenate([getattr(c, name) for c in chunks])
            for name in ("n", "step", "wall", "value")
        )
    )
    chosen = whole.take(reduce.choose(whole.value, POINTS))
    return json.dumps({"series": {"loss": as_lists(chosen)}})


def compare(count: int, requests: int) -> dict[str, object]:
    job = filled_job(count)
    client = Client(headers={"host": "localhost"})
    client.force_login(ground.owner_of(job))
    raw = sqlite3.connect(ground.HOME / "tenfold.sqlite3")
    address = f"/api/v1/jobs/{job.pk}/series?points={POINTS}"
    served, driver = [], []
    for _ in range(requests):
        with ground.timed(served):
            response = client.get(address)
        with ground.timed(driver):
            text = bare(raw, job)
        answer, expected = response.json()["series"]["loss"], json.loads(text)["series"]["loss"]
        if any(answer[name] != expected[name] for name in ("n", "step", "wall", "value")):
            raise RuntimeError("the API and the bare driver disagree")
    p95 = ground.quantile(served, 0.95)
    return {
        "p50": ground.quantile(served, 0.5),
        "p95": p95,
        "driver_p95": ground.quantile(driver, 0.95),
        "ratio": ground.quantile(served, 0.5) / ground.quantile(driver, 0.5),
        "shown": len(answer["n"]),
        "bar": BARS[count],
        "met": p95 <= BARS[count],
    }


if __name__ == "__main__":
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    ground.migrate()
    found = {str(count): compare(count, times) for count in BARS}
    ground.report("chart", ratio=found["100000"]["ratio"], **found)
