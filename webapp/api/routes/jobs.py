"""Jobs: submit, list, look at, change, control."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Header, Query, Router, Status
from pydantic import Field

from engine.core.options import MOST_THREADS
from engine.core.seeds import LARGEST, MOST
from webapp.api import replay
from webapp.api.fields import Asked, Given, Id, Line, Shown, Slug, Text, Words, answers
from webapp.api.routes.shapes import JobOut, JobWhole, Made, made, told
from webapp.jobs import actions, listing
from webapp.jobs import submit as service
from webapp.jobs.choices import of_job
from webapp.jobs.models import Job, Project
from webapp.policy import get_or_404
from webapp.refused import Refused

router = Router(tags=["jobs"])
Seed = Annotated[int, Field(ge=0, le=LARGEST)]
Seeds = Annotated[list[Seed], Field(min_length=1, max_length=MOST)]
Tags = Annotated[list[Line], Field(max_length=service.MOST_TAGS)]
Inputs = dict[str, Any]  # `submit` says what of it is no input
LIMIT_NAMES = "seconds, silence, memory and disk in bytes"


class JobIn(Given):
    project: Id
    method: Slug
    inputs: Inputs = Field(
        {}, description='{"graph": {"version": ID}} or {"graph": {"artifact": ID}}'
    )
    params: dict[str, Any] = Field({}, description="What is left out has the card's default.")
    seed: Seed | None = None
    seeds: Seeds | None = Field(None, description="Several make a group.")
    name: Annotated[str, Field(max_length=100)] = ""
    notes: Text = ""
    tags: Tags = []
    device: str = Field("auto", description="auto, cpu or cuda", max_length=10)
    threads: Annotated[int, Field(ge=1, le=MOST_THREADS)] | None = None
    limits: dict[str, int] = Field({}, description=LIMIT_NAMES)
    priority: int = Field(0, ge=-100, le=100)


class ForkIn(Given):
    """What is left out is as in the job that is forked; `params` change one by one."""

    project: Id | None = None
    inputs: Inputs | None = None
    params: dict[str, Any] = {}
    seed: Seed | None = None
    seeds: Seeds | None = None
    name: Annotated[str, Field(max_length=100)] | None = None
    notes: Text = ""
    tags: Tags | None = None
    device: str | None = Field(None, max_length=10)
    threads: Annotated[int, Field(ge=1, le=MOST_THREADS)] | None = None


class JobEdit(Given):
    name: Annotated[str, Field(max_length=100)] | None = None
    notes: Text | None = None
    tags: Tags | None = None
    pinned: bool | None = None
    archived: bool | None = None
    priority: Annotated[int, Field(ge=-100, le=100)] | None = None


class ParamsEdit(Given):
    params: dict[str, Any] = Field({}, description="Live ones; what is left out stays as it is.")


class Row(Shown):
    id: str
    name: str
    method: str
    state: str
    phase: str
    progress: dict[str, Any]
    seed: int
    tags: list[str]
    pinned: bool
    archived: bool
    created: datetime
    started: datetime | None
    ended: datetime | None
    group: str | None
    project: str
    by: str
    columns: dict[str, Any] = Field(description="of `cols`")


class JobPage(Shown):
    jobs: list[Row]
    next: str | None = Field(description="`cursor` of the next page")


class JobsAsked(Asked):
    q: Words = Field("", description="method:gagn state:done params.lr<0.01 tag:paper")
    sort: Words = Field("-created", description="a column, params.NAME or summary.NAME; - is down")
    cols: Words = Field("", description="params.NAME, summary.NAME, separated by commas")
    cursor: Words = ""
    limit: int = Field(50, ge=1, le=500)


@router.get("/jobs", response=answers(JobPage), summary="Jobs")
def list_jobs(request: HttpRequest, asked: Query[JobsAsked]) -> dict:
    page = listing.jobs_page(
        request.user,
        q=asked.q,
        sort=asked.sort,
        columns=asked.cols,
        cursor=asked.cursor,
        size=asked.limit,
    )
    names = [column.name for column in page.columns]
    return {"jobs": [_row(row, names) for row in page.rows], "next": page.next}


@router.post("/jobs", response=answers(Made, status=201), summary="Submit a job")
def submit(
    request: HttpRequest,
    given: JobIn,
    key: str | None = Header(
        None, alias=replay.HEADER, max_length=100, description="Sent again, makes nothing twice."
    ),
) -> Status:
    project = get_or_404(request.user, Project, "job.create", pk=given.project)
    rest = given.model_dump(exclude={"project", "seed", "seeds"})

    def make() -> list[Job]:
        seeds = _seeds(given.seed, given.seeds, otherwise=0)
        return service.submit(request.user, project=project, seeds=seeds, **rest)

    jobs = replay.once(request.user, key, request.body, make=make)
    return Status(201, made(jobs))


@router.get("/jobs/{job_id}", response=answers(JobWhole), summary="A job")
def get_job(request: HttpRequest, job_id: Id) -> Job:
    return told([get_or_404(request.user, Job, "job.view", pk=job_id)])[0]


@router.patch("/jobs/{job_id}", response=answers(JobOut), summary="Change what is said of it")
def edit_job(request: HttpRequest, job_id: Id, given: JobEdit) -> Job:
    job = get_or_404(request.user, Job, "job.edit", pk=job_id)
    return told([actions.edit(job, request.user, **given.model_dump())])[0]


@router.delete("/jobs/{job_id}", response=answers(None, status=204), summary="Delete a job")
def delete_job(request: HttpRequest, job_id: Id) -> Status:
    actions.delete(get_or_404(request.user, Job, "job.delete", pk=job_id), request.user)
    return Status(204, None)


@router.post("/jobs/{job_id}/cancel", response=answers(JobOut), summary="Cancel")
def cancel(request: HttpRequest, job_id: Id) -> Job:
    return _control(request, job_id, actions.cancel)


@router.patch("/jobs/{job_id}/params", response=answers(JobWhole), summary="Change live parameters")
def change(request: HttpRequest, job_id: Id, given: ParamsEdit) -> Job:
    """Only while it runs. It takes them at its next step; `changes` says when it has."""
    return _control(request, job_id, partial(actions.change, values=given.params))


@router.post("/jobs/{job_id}/retry", response=answers(JobOut), summary="From the beginning again")
def retry(request: HttpRequest, job_id: Id) -> Job:
    return _control(request, job_id, actions.retry)


@router.post("/jobs/{job_id}/resume", response=answers(JobOut), summary="On from its checkpoint")
def resume(request: HttpRequest, job_id: Id) -> Job:
    return _control(request, job_id, actions.resume)


@router.post(
    "/jobs/{job_id}/fork", response=answers(Made, status=201), summary="Run again with changes"
)
def fork(request: HttpRequest, job_id: Id, given: ForkIn) -> Status:
    parent = get_or_404(request.user, Job, "job.view", pk=job_id)
    project = get_or_404(request.user, Project, "job.create", pk=given.project or parent.project_id)
    jobs = service.submit(
        request.user,
        project=project,
        method=parent.method,
        inputs=of_job(parent.inputs.all()) if given.inputs is None else given.inputs,
        params={**parent.params, **given.params},
        seeds=_seeds(given.seed, given.seeds, otherwise=parent.seed),
        name=parent.name if given.name is None else given.name,
        notes=given.notes,
        tags=parent.tags if given.tags is None else given.tags,
        parent=parent,
        limits=parent.limits,
        device=given.device or parent.device,
        threads=given.threads or parent.threads,
    )
    return Status(201, made(jobs))


def _control(request: HttpRequest, job_id: str, action: Any) -> Job:
    job = get_or_404(request.user, Job, "job.control", pk=job_id)
    action(job, request.user)
    job.refresh_from_db()
    return told([job])[0]


def _seeds(seed: int | None, seeds: list[int] | None, *, otherwise: int) -> list[int]:
    if seed is not None and seeds is not None:
        raise Refused([("seeds", "expected either seed or seeds, got both")])
    if seeds is not None:
        return seeds
    return [otherwise if seed is None else seed]


def _row(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    shown = {name: row[name] for name in Row.model_fields if name in row}
    return {
        **shown,
        "group": row["group_id"],
        "project": row["project__name"],
        "by": row["created_by__name"] or row["created_by__email"] or "",
        "columns": dict(zip(names, row["columns"], strict=True)),
    }
