"""Processes are killed and stopped at random moments, and no number changes.

The undisturbed run is the door's, typed as a person would: it knows nothing of supervisors.
Each disturbance hits the engine, the process that supervises it or the server, by SIGKILL or
by a stop of twice the heartbeat limit, while the job logs hundreds of points per second. What
died is started again; a job that failed or was lost beyond its own means is resumed by hand.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.bench import PATIENCE, ROOT, Bench, children_of, wait_until
from webapp.jobs import actions
from webapp.jobs.models import ACTIVE, ENDED, Attempt, Job, State
from webapp.metrics import store

LIMIT = 1.0  # seconds without a heartbeat
TIMINGS = {
    "TENFOLD_HEARTBEAT": "0.15",
    "TENFOLD_HEARTBEAT_LIMIT": str(LIMIT),
    "TENFOLD_RECONCILE_EVERY": "0.25",
    "TENFOLD_CHECKPOINT_EVERY": "0.2",
}
WALK = {"steps": 400, "seconds_per_step": 0.006, "points_per_step": 2}
AGAIN = (State.FAILED, State.LOST)


class Undisturbed:
    """What the door says of a seed: its series and its summary."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.known: dict[int, tuple[dict, dict]] = {}

    def __call__(self, seed: int) -> tuple[dict, dict]:
        if seed not in self.known:
            self.known[seed] = self._run(seed)
        return self.known[seed]

    def _run(self, seed: int) -> tuple[dict, dict]:
        out = self.folder / str(seed)
        settings = [f"--set={name}={value}" for name, value in WALK.items()]
        command = [sys.executable, "-m", "engine", "run", "fake", "--out", str(out), *settings]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        began = time.monotonic()
        subprocess.run(
            [*command, "--seed", str(seed)], env=environment, check=True, capture_output=True
        )
        series: dict[str, list[tuple[int, float]]] = {}
        for line in (out / "events.jsonl").read_text().splitlines():
            event = json.loads(line)
            for key, value in event.get("d", {}).items() if event["t"] == "m" else ():
                series.setdefault(key, []).append((event["s"], value))
        points = sum(map(len, series.values()))
        assert points / (time.monotonic() - began) > 100, "too few points to be a test"
        return series, json.loads((out / "result.json").read_text())["summary"]


class OneChild(threading.Thread):
    """Looks all the time whether a job has two live children."""

    def __init__(self, folder: Path):
        super().__init__(daemon=True)
        self.folder = folder
        self.stopping = threading.Event()
        self.seen = 0
        self.twins: list[str] = []

    def run(self) -> None:
        while not self.stopping.wait(0.1):
            for folder in self.folder.glob("[0-9a-z]*"):
                found = children_of(folder.name)
                self.seen += len(found)
                if len(found) > 1:
                    self.twins.append(f"{folder.name}: {[each.pid for each in found]}")


def test_no_number_changes_embedded(tmp_path, django_db_blocker) -> None:
    chaos(Bench(tmp_path, **TIMINGS), django_db_blocker, seed=1, kills=5)


def test_no_number_changes_distributed(tmp_path, django_db_blocker, services) -> None:
    made = Bench(tmp_path, services, workers=2, **TIMINGS)
    chaos(made, django_db_blocker, seed=2, kills=5)


@pytest.mark.slow
def test_fifty_kills_change_no_number(tmp_path, django_db_blocker, services) -> None:
    chaos(Bench(tmp_path / "one", **TIMINGS), django_db_blocker, seed=3, kills=20)
    made = Bench(tmp_path / "many", services, workers=2, **TIMINGS)
    chaos(made, django_db_blocker, seed=4, kills=30)


def chaos(bench: Bench, blocker: Any, *, seed: int, kills: int) -> None:
    rng = random.Random(seed)
    undisturbed = Undisturbed(bench.home.parent / f"{bench.home.name}-door")
    watcher = OneChild(bench.home / "jobs")
    done, jobs = 0, []
    with blocker.unblock(), bench:
        watcher.start()
        order = disturbances(bench, rng)
        while done < kills:
            job = bench.submit(**WALK, seed=len(jobs))
            jobs.append(job)
            done += disturb(bench, job, rng, order=order, most=kills - done)
        for job in jobs:
            finish(bench, job)
        watcher.stopping.set()
        watcher.join()
        assert watcher.seen > 10
        assert watcher.twins == []
        ours = [job.pk for job in jobs]  # in a database that other tests have used too
        assert not Job.objects.filter(pk__in=ours).exclude(state=State.DONE).exists()
        assert not Attempt.objects.filter(job__in=ours, ended=None).exists()
        for job in jobs:
            series, summary = undisturbed(job.seed)
            assert kept(job) == series, f"job {job.pk} with seed {job.seed}"
            assert Job.objects.get(pk=job.pk).summary == summary


def disturbances(bench: Bench, rng: random.Random) -> list[tuple[str, bool]]:
    """(victim, killed or only stopped), in a seeded order that has each of them early."""
    victims = ["engine", "holder", "server"] if bench.services else ["engine", "holder"]
    each = [(victim, killed) for victim in victims for killed in (True, False)]
    return [pair for _ in range(10) for pair in rng.sample(each, len(each))]


def disturb(
    bench: Bench, job: Job, rng: random.Random, *, order: list[tuple[str, bool]], most: int
) -> int:
    """Disturb a job until it is done; returns how often."""
    done = 0
    while done < most and underway(bench, job):
        time.sleep(rng.uniform(0.05, 0.8))
        victim, killed = order[0]
        pid = pid_of(bench, job, victim)
        if pid is None:
            continue  # it ended meanwhile
        order.pop(0)
        done += 1
        if killed:
            os.kill(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(2 * LIMIT)
            os.kill(pid, signal.SIGCONT)
        time.sleep(rng.uniform(0, 0.2))
        reap(bench)
        bench.start()
    return done


def underway(bench: Bench, job: Job) -> bool:
    """Wait until the job logs; False when it is done."""
    before = Job.objects.get(pk=job.pk).last_n

    def moves() -> bool:
        job.refresh_from_db()
        if job.state in AGAIN:
            by_hand(bench, job)
        return job.state == State.DONE or (job.state == State.RUNNING and job.last_n > before)

    wait_until(moves, f"{job.pk} goes on", patience=3 * PATIENCE)
    return job.state != State.DONE


def by_hand(bench: Bench, job: Job) -> None:
    user, _ = bench.people()
    if job.checkpoint_n is None:
        actions.retry(job, user)
    else:
        actions.resume(job, user)


def finish(bench: Bench, job: Job) -> None:
    def over() -> bool:
        job.refresh_from_db()
        if job.state in AGAIN:
            by_hand(bench, job)
        return job.state == State.DONE

    wait_until(over, f"{job.pk} is done", patience=3 * PATIENCE)
    assert job.state in ENDED
    assert job.state not in ACTIVE


def pid_of(bench: Bench, job: Job, victim: str) -> int | None:
    if victim == "server":
        return bench.server.pid
    if victim == "engine":
        return next((child.pid for child in children_of(job.pk)), None)
    holder = bench.holder(job)
    return None if holder is None else holder.pid


def reap(bench: Bench) -> None:
    for process in (*bench.workers, bench.server):
        process.poll()


def kept(job: Job) -> dict[str, list[tuple[int, float]]]:
    return {
        key: list(zip(found.step.tolist(), found.value.tolist(), strict=True))
        for key, found in store.read_points(job.pk)
        if not key.startswith("system.")
    }
