"""A job as the API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from webapp.api.fields import Shown
from webapp.jobs.choices import of_job
from webapp.jobs.models import Job
from webapp.jobs.states import waits_for


class AttemptOut(Shown):
    number: int
    worker: str
    host: str
    resumed_from: int | None
    started: datetime
    ended: datetime | None
    outcome: str
    exit_code: int | None
    signal: int | None
    reason: str
    peak_rss: int | None = Field(description="bytes")
    cpu_seconds: float | None


class VerificationOut(Shown):
    oracle: str
    expected: Any
    got: Any
    tolerance: float
    ok: bool


class ChangeOut(Shown):
    values: dict[str, Any]
    by: str | None = Field(alias="by_id")
    asked: datetime
    attempt: int | None = Field(description="which took it; null: none yet")
    step: int | None = Field(description="the last one logged before it was taken")
    fault: str = Field(description="why it never will be taken; empty otherwise")


class JobOut(Shown):
    id: str
    project: str = Field(alias="project_id")
    group: str | None = Field(alias="group_id")
    parent: str | None = Field(alias="parent_id")
    method: str
    name: str
    notes: str
    tags: list[str]
    pinned: bool
    archived: bool
    created: datetime
    created_by: str | None = Field(alias="created_by_id")
    inputs: dict[str, dict[str, str]] = Field(alias="chosen")
    params: dict[str, Any] = Field(description="with which it begins; see `changes`")
    seed: int
    device: str
    threads: int
    queue: str
    priority: int
    limits: dict[str, Any]
    state: str
    wanted: str
    attempt: int
    phase: str
    progress: dict[str, Any]
    seq: int
    resumable: bool
    started: datetime | None
    ended: datetime | None
    waits_for: str | None = Field(description="in words; null for a job that does not wait")
    message: str
    where: str
    summary: dict[str, float | None]

    @staticmethod
    def resolve_chosen(job: Job) -> dict[str, dict[str, str]]:
        return of_job(job.inputs.all())

    @staticmethod
    def resolve_resumable(job: Job) -> bool:
        return job.checkpoint_n is not None


class JobWhole(JobOut):
    environment: dict[str, Any]
    changes: list[ChangeOut] = Field(description="of live parameters, in their order")
    attempts: list[AttemptOut]
    verifications: list[VerificationOut]

    @staticmethod
    def resolve_changes(job: Job) -> list:
        return list(job.changes.all())

    @staticmethod
    def resolve_attempts(job: Job) -> list:
        return list(job.attempts.all())

    @staticmethod
    def resolve_verifications(job: Job) -> list:
        return list(job.verifications.all())


class Made(Shown):
    """One job, or with several seeds the group and its jobs."""

    group: str | None
    jobs: list[JobOut]


def made(jobs: list[Job]) -> dict[str, Any]:
    return {"group": jobs[0].group_id if jobs else None, "jobs": told(jobs)}


def told(jobs: list[Job]) -> list[Job]:
    """The jobs with what each waits for, asked for all of them at once."""
    waits = waits_for(jobs)
    for job in jobs:
        job.waits_for = waits.get(job.pk)
    return jobs
