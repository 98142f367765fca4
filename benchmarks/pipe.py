"""Metric lines per second from an engine's pipe through the database to a page's socket.

A real `serve` process runs a method that logs as fast as it can, and a socket follows the job.
Nothing may be lost: the store has every line, and the batches on the socket follow without a
gap. The peer is the least that could be done with the same lines: a pipe, `json.loads`, one
packed row and one commit per 2000 lines with the bare `sqlite3`. Bar: 20k lines/s.

    python benchmarks/pipe.py [steps]
"""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import ground  # isort: skip - sets Django up

from websockets.sync.client import connect

from tests.bench import Bench, signed_in
from webapp.jobs.models import Job, State
from webapp.metrics.models import Series

os.environ["TENFOLD_METHODS"] = str(ground.ROOT / "tests/methods_fixture")
POINTS = 1000  # lines of one step
BATCH = 2000  # lines of one commit
BAR = 20_000


def through_the_bench(bench: Bench, steps: int) -> tuple[float, Path]:
    """Lines per second between the first line and the last message on the socket."""
    job = bench.submit(steps=steps, points_per_step=POINTS, baselines=[])
    address = bench.url.replace("http", "ws") + "/ws/live"
    with connect(address, additional_headers=signed_in(bench), origin=bench.url) as socket:
        socket.send(json.dumps({"sub": f"job.{job.pk}"}))
        heard = json.loads(socket.recv(timeout=60))["seq"]
        finished = 0.0
        while not finished:
            message = json.loads(socket.recv(timeout=120))
            if message["seq"] != heard + 1:
                raise AssertionError(f"batch {message['seq']} after {heard}: one was lost")
            heard = message["seq"]
            if message.get("state") in (State.DONE, State.FAILED):
                finished = time.time()
    check(Job.objects.get(pk=job.pk), steps)
    events = bench.home / "jobs" / job.pk / "events.jsonl"
    first = next(event["w"] for event in map(json.loads, events.open()) if event["t"] == "m")
    return steps * POINTS / (finished - first), events


def check(job: Job, steps: int) -> None:
    """Every line that was said is stored, once."""
    if job.state != State.DONE:
        raise AssertionError(f"the job is {job.state}: {job.message}")
    stored = Series.objects.get(job=job, key="value").count
    if stored != steps * POINTS:
        raise AssertionError(f"{stored} of {steps * POINTS} lines were stored")


def through_the_driver(events: Path) -> float:
    """The same lines by the shortest way."""
    folder = tempfile.mkdtemp(dir=ground.HOME)
    database = sqlite3.connect(f"{folder}/raw.sqlite3", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE raw (first_n integer primary key, data blob)")
    process = subprocess.Popen(["cat", str(events)], stdout=subprocess.PIPE, bufsize=0)
    lines, pending, rows, began = 0, b"", [], time.perf_counter()
    while block := os.read(process.stdout.fileno(), 1 << 20):
        *whole, pending = (pending + block).split(b"\n")
        for line in whole:
            event = json.loads(line)
            if event["t"] == "m":
                value = event["d"]["value"]
                rows.append(struct.pack("<qqdd", event["n"], event["s"], event["w"], value))
            if len(rows) == BATCH:
                lines += insert(database, lines, rows)
    lines += insert(database, lines, rows)
    process.wait()
    return lines / (time.perf_counter() - began)


def insert(database: sqlite3.Connection, first: int, rows: list[bytes]) -> int:
    count = len(rows)
    if count:
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO raw VALUES (?, ?)", (first, b"".join(rows)))
        database.execute("COMMIT")
        rows.clear()
    return count


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    ours: list[float] = []
    raw: list[float] = []
    slow: dict[str, Any] = {"TENFOLD_HEARTBEAT": "2", "TENFOLD_HEARTBEAT_LIMIT": "30"}
    with Bench(ground.HOME / "serve", **slow, TENFOLD_FLUSH_EVERY="0.25") as bench:
        for _ in range(3):  # in turns, so that a busy machine slows both
            rate, events = through_the_bench(bench, steps)
            ours.append(rate)
            raw.append(through_the_driver(events))
    ground.report(
        "pipe",
        lines=steps * POINTS,
        lines_per_second=median(ours),
        raw_lines_per_second=median(raw),
        ratio=median(ours) / median(raw),
        bar=BAR,
        met=median(ours) >= BAR,
        lost=0,
    )


if __name__ == "__main__":
    main()
