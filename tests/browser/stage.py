"""A team with one of everything, as rows in the database: what the pages are looked at with.

States, curves and files are put where a worker would have put them. Only the jobs of GAgN, CBraMod
and Flat-LoRA are real: they wait here, and the worker of the server takes them. Kaleidoscope's
has ended with the files of a fixture, since a real one takes minutes and a simulator.
"""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from engine.core.registry import method
from engine.data.sample import write_samples
from tests.browser import kaleidoscope
from webapp.accounts.models import Link, Membership, Team, Token, User, digest
from webapp.artifacts import storage
from webapp.artifacts.models import Artifact
from webapp.audit.models import AuditEvent
from webapp.datasets.models import Dataset, Version
from webapp.jobs.models import (
    Attempt,
    Group,
    Job,
    JobInput,
    LogPart,
    Project,
    State,
    Verification,
    Worker,
)
from webapp.metrics import store

SECRET = "a-secret-of-a-test"
JOBS = (
    "running", "done", "long", "failed", "queued", "gagn", "cbramod", "numbers", "kaleidoscope",
    "flat_lora",
)  # fmt: skip
LONG_NAME = "a_walk_with_a_name_of_one_word_as_scripts_make_them_0001"
LONG_KEY = "cell.metattack.rate20.gcn_jaccard.test_accuracy"
FIGURE = {
    "data": [{"type": "scatter", "mode": "lines", "x": [0, 1, 2], "y": [0, 0.5, 1], "name": "ROC"}],
    "layout": {"title": {"text": "ROC"}},
}


@dataclass
class Stage:
    team: Team
    owner: User
    dataset: Dataset
    running: Job
    done: Job
    long: Job  # whatever can be long in it is, and has no space to break at
    failed: Job
    queued: Job
    gagn: Job
    cbramod: Job
    numbers: Job  # CBraMod, where labels are numbers
    kaleidoscope: Job
    flat_lora: Job
    group: Group
    artifacts: dict[str, Artifact]

    def names(self) -> dict[str, str]:
        """What an address names of each thing."""
        found = {"team": self.team.slug, "dataset": self.dataset.pk, "group": self.group.pk}
        jobs = {name: getattr(self, name).pk for name in JOBS}
        artifacts = {
            "figure": self.artifacts["figures/roc.json"].pk,
            "table": self.artifacts["tables/edges.csv"].pk,
            "facts": self.artifacts["facts.json"].pk,
        }
        return found | jobs | artifacts


def build(team: Team, owner: User) -> Stage:
    project = Project.objects.create(team=team, slug="walks", name="Walks")
    Worker.objects.create(
        name="desk",
        host="here",
        pid=1,
        queues=["cpu"],  # not "ask": half of all questions would be passed on to nobody
        slots=2,
        devices=[{"name": "A device", "memory": 24_000_000_000}],
        heartbeat=timezone.now() + timedelta(hours=1),
    )
    dataset = _dataset(team, owner)
    base: dict[str, Any] = {
        "project": project,
        "method": "fake",
        "created_by": owner,
        "params": _defaults(),
        "threads": 1,
    }
    group = Group.objects.create(project=project, name="Three seeds")
    now = timezone.now()
    done = Job.objects.create(
        **base,
        name="A walk that ended",
        group=group,
        tags=["paper"],
        notes="Some **notes**.",
        state=State.DONE,
        attempt=1,
        started=now - timedelta(minutes=5),
        ended=now,
        summary={"value": 1.25, "baseline.flat.value": 0.0},
        environment={"python": "3.11", "packages": {"numpy": "2"}},
    )
    long = Job.objects.create(
        **base,
        name=LONG_NAME,
        group=group,
        seed=1,
        tags=[LONG_NAME],
        state=State.DONE,
        started=now - timedelta(minutes=5),
        ended=now,
        summary={"value": 1.5, LONG_KEY: 0.7612},
    )
    _curve(long, [(n, n, n * 0.5, {LONG_KEY: n / 90}) for n in range(1, 90)])
    AuditEvent.objects.create(
        user=owner, action="job.edit", target=LONG_NAME, team=team, detail={"name": LONG_NAME}
    )
    running = Job.objects.create(
        **base,
        name="A walk that runs",
        state=State.RUNNING,
        attempt=1,
        phase="walk",
        progress={"done": 20, "total": 50, "eta": 30.0},
        started=now,
    )
    failed = Job.objects.create(
        **base,
        name="A walk that failed",
        state=State.FAILED,
        attempt=2,
        ended=now,
        message="fail_at: the walk was told to fail here",
        where="fail_at",
        checkpoint_n=3,
    )
    queued = Job.objects.create(**base, name="A walk that waits", state=State.QUEUED, queue="gpu")
    for job in (running, done, failed):
        _attempt(job)
        points = [
            (n, n, n * 0.5, {"value": math.sin(n / 9), "baseline.flat.value": 0.0})
            for n in range(1, 90)
        ]
        _curve(job, points)
        LogPart.objects.create(job=job, attempt=job.attempt, n=5, seq=1, text="step 1\nstep 2\n")
    for n, ok in enumerate((True, True, False)):
        Verification.objects.create(
            job=done, n=n, oracle=f"law {n}", expected=1, got=1 if ok else 2, tolerance=0.1, ok=ok
        )
    Token.objects.create(user=owner, name="Script", prefix="tf_abc", secret_hash=digest("token"))
    Link.objects.create(
        purpose=Link.Purpose.INVITE,
        secret_hash=digest(SECRET),
        team=team,
        role="viewer",
        email="guest@example.org",
        expires=now + timedelta(days=3),
    )
    other = User.objects.create_user("second@example.org", name="Second Person")
    Membership.objects.create(user=other, team=team, role="viewer")
    return Stage(
        team=team,
        owner=owner,
        dataset=dataset,
        running=running,
        done=done,
        long=long,
        failed=failed,
        queued=queued,
        gagn=_gagn(project, owner),
        cbramod=_cbramod(project, owner),
        numbers=_numbers(project, owner),
        kaleidoscope=_kaleidoscope(project, owner),
        flat_lora=_flat_lora(project, owner),
        group=group,
        artifacts=_artifacts(done),
    )


def _attempt(job: Job) -> None:
    Attempt.objects.create(
        job=job,
        number=job.attempt,
        worker="desk",
        host="here",
        heartbeat=timezone.now() + timedelta(hours=1),
        ended=job.ended,
        outcome="" if job.ended is None else job.state,
        peak_rss=120_000_000,
        cpu_seconds=4.2,
    )


def _curve(job: Job, points: list[store.Logged]) -> None:
    store.append(job.pk, points)
    Job.objects.filter(pk=job.pk).update(last_n=points[-1][0])  # pages read no further


def _gagn(project: Project, owner: User) -> Job:
    """GAgN on the attacked sample graph, short."""
    params = {"rounds": 30, "rounds_after": 5, "baselines": ["mlp"]}
    samples = {"graph": 0, "perturbed": 1, "split": 2}
    return _real(project, owner, "gagn", "GAgN on the sample", samples, params)


def _cbramod(project: Project, owner: User) -> Job:
    """CBraMod on the sample recordings, hardly trained."""
    params = {"folds": 2, "epochs": 2, "pretrain_epochs": 2, "lr": 1e-3}
    return _real(project, owner, "cbramod", "CBraMod on the sample", {"recordings": 3}, params)


def _numbers(project: Project, owner: User) -> Job:
    """CBraMod on the number of each subject, of which it can know nothing."""
    params = {"folds": 2, "epochs": 1, "pretrain_epochs": 1, "baselines": ["majority"]}
    params |= {"target": "number", "labels": "name", "label_pattern": r"S(\d+)_"}
    return _real(project, owner, "cbramod", "CBraMod on numbers", {"recordings": 3}, params)


def _kaleidoscope(project: Project, owner: User) -> Job:
    """Kaleidoscope with curves and the files of a fixture."""
    now = timezone.now()
    job = Job.objects.create(
        project=project,
        method="kaleidoscope",
        name="Kaleidoscope on a fixture",
        created_by=owner,
        state=State.DONE,
        attempt=1,
        started=now - timedelta(minutes=5),
        ended=now,
    )
    _attempt(job)
    _curve(job, [(n, n, n * 0.5, kaleidoscope.live(n)) for n in range(1, 40)])
    for n, (path, content) in enumerate(kaleidoscope.files().items(), start=50):
        Artifact.objects.create(
            job=job,
            blob=storage.keep(io.BytesIO(content)),
            path=path,
            title=path,
            role="inspector",
            media="application/json" if path.endswith(".json") else "text/plain",
            n=n,
        )
    return job


def _flat_lora(project: Project, owner: User) -> Job:
    """Flat-LoRA on a tiny network, in a group whose other seeds are done: their numbers are set."""
    params = {
        "variants": ["flat", "lora", "full"], "max_steps": 12, "batch": 8, "look_every": 4,
        "sigmas": [0.1, 0.3], "draws": 3, "probe": 16, "landscape": ["line", "plane"], "grid": 5,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        inputs = {"data": ("text", Path(folder) / "texts.csv"),
                  "model": ("model", Path(folder) / "tiny.zip")}  # fmt: skip
        # In a process of its own: this one is the server's, and stays without torch.
        subprocess.run([sys.executable, "-m", "tests.models.making", folder], check=True)
        job = _queued(project, owner, "flat_lora", "Flat-LoRA, tiny", params)
        for name, (kind, path) in inputs.items():
            _given(job, name, f"Tiny {kind}", kind, path)
    job.group = Group.objects.create(project=project, name="Flat-LoRA, three seeds")
    job.save()
    for seed, (accuracy, sharpness) in enumerate(((0.5, 0.02), (0.75, 0.03)), start=1):
        Job.objects.create(
            project=project,
            method="flat_lora",
            name=job.name,
            group=job.group,
            seed=seed,
            params=job.params,
            state=State.DONE,
            ended=timezone.now(),
            summary={
                f"{name}.{key}": value + far * step
                for far, name in enumerate(job.params["variants"])
                for key, value, step in (
                    ("accuracy", accuracy, -0.25), ("e_sharpness", sharpness, 0.01 * seed)
                )
            },
        )  # fmt: skip
    return job


def _real(
    project: Project,
    owner: User,
    slug: str,
    name: str,
    inputs: dict[str, int],
    params: dict[str, Any],
) -> Job:
    """A job on samples, named by their place; it is queued for whoever works."""
    job = _queued(project, owner, slug, name, params)
    with tempfile.TemporaryDirectory() as folder:
        samples = write_samples(Path(folder))
        for needed, place in inputs.items():
            sample = samples[place]
            _given(job, needed, sample.name, sample.kind, sample.path)
    return job


def _queued(project: Project, owner: User, slug: str, name: str, params: dict[str, Any]) -> Job:
    return Job.objects.create(
        project=project,
        method=slug,
        name=name,
        created_by=owner,
        params=method(slug).params(**params).model_dump(mode="json"),
    )


def _given(job: Job, needed: str, name: str, kind: str, path: Path) -> None:
    """The file as a dataset, which the job takes as this input."""
    dataset, _ = Dataset.objects.get_or_create(
        team=job.project.team, name=name, defaults={"kind": kind, "created_by": job.created_by}
    )
    version, _ = Version.objects.get_or_create(
        dataset=dataset,
        blob=storage.keep(path),
        defaults={"number": 1, "file_name": path.name, "state": Version.State.READY},
    )
    JobInput.objects.create(job=job, name=needed, version=version)


def _defaults() -> dict[str, Any]:
    return method("fake").defaults()


def _dataset(team: Team, owner: User) -> Dataset:
    dataset = Dataset.objects.create(
        team=team, name="A split", kind="split", created_by=owner, description="Of *nothing*."
    )
    for number, state in enumerate((Version.State.READY, Version.State.REJECTED), start=1):
        Version.objects.create(
            dataset=dataset,
            number=number,
            blob=storage.keep(io.BytesIO(f"content {number}".encode())),
            file_name="split.json",
            state=state,
            facts={"train": 10, "val": 10, "test": 80},
            report=[
                {"level": "info", "where": "split.json", "text": "read"},
                {"level": "error", "where": "row 3", "text": "a number was expected"},
            ],
            preview={
                "figures": [{"title": "Sizes", "figure": FIGURE}],
                "tables": [
                    {"title": "Parts", "columns": ["part", "nodes"], "rows": [["train", 10]]}
                ],
            },
            created_by=owner,
            checked=timezone.now(),
        )
    return dataset


def _artifacts(job: Job) -> dict[str, Artifact]:
    made = {}
    for n, (path, role, media, content) in enumerate(
        (
            ("figures/roc.json", "figure", "application/vnd.plotly.v1+json", json.dumps(FIGURE)),
            ("tables/edges.csv", "table", "text/csv", "a,b\n1,2\n3,4\n"),
            ("notes.txt", "result", "text/plain", "Some text\n"),
            ("facts.json", "result", "application/json", '{"a": [1, 2, 3]}'),
            ("weights.bin", "export", "application/octet-stream", "\0\1\2"),
        ),
        start=10,
    ):
        made[path] = Artifact.objects.create(
            job=job,
            blob=storage.keep(io.BytesIO(content.encode())),
            path=path,
            title=path,
            role=role,
            media=media,
            n=n,
        )
    return made
