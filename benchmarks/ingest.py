"""Points per second through the series store, beside the bare driver, on both databases.

The peer encodes the same points with the same codec and inserts them by `sqlite3` or `psycopg`:
one chunk of 1000 points and one commit per batch, as the store does. Rounds take turns, so that
a busy machine slows both. Bars: 400k points/s on SQLite, 200k on PostgreSQL.

    python benchmarks/ingest.py [rounds]
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import ground  # isort: skip - sets Django up

import dj_database_url
import numpy as np
import psycopg
from django.db import connection, transaction

from tests.bench import connected
from tests.services import Missing, own_database, private_postgres
from webapp.metrics import codec, store
from webapp.metrics.codec import Points

BATCH = 1000
BATCHES = 100  # of one round
BARS = {"sqlite": 400_000, "postgresql": 200_000}
TABLE = (
    "CREATE TABLE raw_chunk (series int, first_n bigint, data {bytes}, UNIQUE (series, first_n))"
)


def events(values: np.ndarray) -> list[list[store.Logged]]:
    """Batches as the supervisor has them: one event per step, one key."""
    return [
        [(n, n, 1.7e9 + n / 64, {"loss": value}) for n, value in enumerate(part, start + 1)]
        for start, part in (
            (start, values[start : start + BATCH].tolist())
            for start in range(0, len(values), BATCH)
        )
    ]


def through_store(batches: list[list[store.Logged]]) -> float:
    job = ground.new_job()
    times: list[float] = []
    with ground.timed(times):
        for batch in batches:
            with transaction.atomic():
                store.append(job.pk, batch)
    return times[0]


def through_driver(
    values: np.ndarray, series: int, insert: Callable[[tuple[int, int, bytes]], None]
) -> float:
    n = np.arange(1, len(values) + 1)
    wall = 1.7e9 + n / 64
    times: list[float] = []
    with ground.timed(times):
        for start in range(0, len(values), BATCH):
            part = slice(start, start + BATCH)
            data = codec.encode(Points(n[part], n[part], wall[part], values[part]))
            insert((series, start, data))
    return times[0]


def compare(rounds: int, insert: Callable[[tuple[int, int, bytes]], None]) -> dict[str, object]:
    values = np.random.default_rng(0).normal(size=BATCH * BATCHES)
    batches = events(values)
    through_store(batches[:10])
    ours, raw = [], []
    for at in range(rounds):
        ours.append(len(values) / through_store(batches))
        raw.append(len(values) / through_driver(values, at, insert))
    bar = BARS[connection.vendor]
    return {
        "points_per_second": median(ours),
        "driver_points_per_second": median(raw),
        "ratio": median(ours) / median(raw),
        "bar": bar,
        "met": median(ours) >= bar,
    }


def on_sqlite(rounds: int) -> dict[str, object]:
    ground.migrate()
    raw = sqlite3.connect(ground.HOME / "raw.sqlite3", isolation_level=None)
    raw.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
    raw.execute(TABLE.format(bytes="blob"))

    def insert(row: tuple[int, int, bytes]) -> None:
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("INSERT INTO raw_chunk VALUES (?, ?, ?)", row)
        raw.execute("COMMIT")

    return compare(rounds, insert)


def on_postgresql(rounds: int) -> dict[str, object]:
    with ExitStack() as stack:
        try:
            given = os.environ.get("TEST_DATABASE_URL")
            server = given or stack.enter_context(private_postgres())
        except Missing as fault:
            return {"skipped": str(fault)}
        url = stack.enter_context(own_database(server))
        raw = stack.enter_context(psycopg.connect(url))
        raw.execute(TABLE.format(bytes="bytea"))
        raw.commit()
        stack.enter_context(connected(dj_database_url.parse(url)))
        ground.migrate()

        def insert(row: tuple[int, int, bytes]) -> None:
            raw.execute("INSERT INTO raw_chunk VALUES (%s, %s, %s)", row)
            raw.commit()

        return compare(rounds, insert)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    found = {"sqlite": on_sqlite(count), "postgresql": on_postgresql(count)}
    ground.report("ingest", ratio=found["sqlite"]["ratio"], batch=BATCH, **found)
