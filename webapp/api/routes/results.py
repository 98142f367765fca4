"""What a job gave: series, log, artifacts; and many jobs side by side."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from ninja import Query, Router
from pydantic import Field

from engine.core import group as statistics
from webapp.api.fields import Asked, Id, Shown, Word, Words, answers, like, one_line
from webapp.artifacts.download import respond
from webapp.artifacts.models import Artifact
from webapp.jobs import comparison
from webapp.jobs.models import Group, Job, State
from webapp.metrics import store
from webapp.policy import get_or_404, visible
from webapp.refused import Refused

router = Router(tags=["results"])
MOST_COMPARED = 100
MOST_KEYS = 200


class SeriesOut(Shown):
    seq: int = Field(description="Complete up to this batch: subscribe to the socket from here.")
    series: dict[str, dict[str, Any]] = Field(
        description="{key: {n, step, wall, value, count, reduced}}"
    )


class Keys(Shown):
    keys: list[str]


class LogOut(Shown):
    text: str
    seq: int
    next: int | None = Field(description="`after` of the next part; null at the end")
    last: int = Field(description="`after` for what will be written later")


class ArtifactOut(Shown):
    id: str
    job: str = Field(alias="job_id")
    path: str
    title: str
    role: str
    media: str
    kind: str
    facts: dict[str, Any]
    step: int | None
    size: int = Field(alias="blob.size", description="bytes")
    sha256: str = Field(alias="blob_id")
    created: datetime


class GroupJob(Shown):
    id: str
    seed: int
    state: str
    summary: dict[str, float | None]


class GroupOut(Shown):
    id: str
    name: str
    project: str = Field(alias="project_id")
    jobs: list[GroupJob]
    summary: dict[str, float | None] = Field(description="means over the jobs that are done")
    spread: dict[str, dict[str, Any]] = Field(description="{metric: {n, sd, ci95}}")
    paired: dict[str, dict[str, dict[str, Any]]] = Field(
        description="method minus baseline, seed by seed: {baseline: {metric: {n, mean, ci95}}}"
    )


class ComparedJob(GroupJob):
    name: str
    method: str


class Difference(Shown):
    name: str = Field(description="seed, method, device, threads, or an input or a parameter")
    title: str
    values: list[Any] = Field(description="in the order of the jobs; null where one has none")


class Comparison(Shown):
    jobs: list[ComparedJob]
    differing: list[Difference] = Field(description="what was asked for otherwise")
    series: dict[str, dict[str, dict[str, Any]]] = Field(description="{key: {job: columns}}")


# from 2 to 100000, without zeros in front
Points = Annotated[
    str, like("all|[2-9]|[1-9][0-9]{1,4}|100000", "a number from 2 to 100000, or all")
]


class SeriesAsked(Asked):
    keys: Words = Field("", description="separated by commas; empty: all")
    points: Points = Field("1000", description="at most, for each series; or all")
    after: int = Field(0, ge=0, lt=1 << 62, description="only events numbered above")

    @property
    def chosen(self) -> list[str] | None:
        return _names(self.keys) or None

    @property
    def most(self) -> int | None:
        return None if self.points == "all" else int(self.points)


class LogAsked(Asked):
    after: int = Field(0, ge=0, lt=1 << 62)
    limit: int = Field(100, ge=1, le=1000, description="parts of at most 64 kB")


class CompareAsked(Asked):
    jobs: Annotated[str, one_line] = Field(
        description="ids, separated by commas", max_length=27 * MOST_COMPARED
    )
    keys: Words = Field("", description="series to bring along, separated by commas")
    points: int = Field(500, ge=2, le=5000)


class ArtifactsAsked(Asked):
    role: Word | None = None


@router.get("/jobs/{job_id}/series", response=answers(SeriesOut), summary="Its curves")
def series(request: HttpRequest, job_id: Id, asked: Query[SeriesAsked]) -> HttpResponse:
    job = get_or_404(request.user, Job, "job.view", pk=job_id)
    # `seq` and `last_n` are of one commit: what is stored after it comes as a live message.
    found = store.read(
        job.pk, asked.chosen, points=asked.most, after_n=asked.after, upto_n=job.last_n
    )
    return JsonResponse({"seq": job.seq, "series": found})


@router.get("/jobs/{job_id}/keys", response=answers(Keys), summary="The names of its curves")
def keys(request: HttpRequest, job_id: Id) -> dict:
    return {"keys": store.keys(get_or_404(request.user, Job, "job.view", pk=job_id).pk)}


@router.get("/jobs/{job_id}/log", response=answers(LogOut), summary="Its log")
def log(request: HttpRequest, job_id: Id, asked: Query[LogAsked]) -> dict:
    job = get_or_404(request.user, Job, "job.view", pk=job_id)
    parts = list(job.log_parts.filter(id__gt=asked.after).order_by("id")[: asked.limit + 1])
    shown = parts[: asked.limit]
    last = shown[-1].id if shown else asked.after
    return {
        "text": "".join(part.text for part in shown),
        "seq": job.seq,
        "next": last if len(parts) > asked.limit else None,
        "last": last,
    }


@router.get("/jobs/{job_id}/artifacts", response=answers(list[ArtifactOut]), summary="Its files")
def artifacts(request: HttpRequest, job_id: Id, asked: Query[ArtifactsAsked]) -> list[Artifact]:
    job = get_or_404(request.user, Job, "job.view", pk=job_id)
    rows = job.artifacts.select_related("blob")
    return list(rows.filter(role=asked.role) if asked.role else rows)


@router.get("/artifacts/{artifact_id}", response=answers(ArtifactOut), summary="An artifact")
def get_artifact(request: HttpRequest, artifact_id: Id) -> Artifact:
    return get_or_404(request.user, Artifact, "job.view", pk=artifact_id)


@router.get(
    "/artifacts/{artifact_id}/download", response=answers(None), summary="The bytes of an artifact"
)
def download_artifact(request: HttpRequest, artifact_id: Id) -> HttpResponseBase:
    artifact = get_or_404(request.user, Artifact, "job.view", pk=artifact_id)
    return respond(request, artifact.blob, artifact.path)


@router.get("/groups/{group_id}", response=answers(GroupOut), summary="A group of seeds")
def get_group(request: HttpRequest, group_id: Id) -> dict:
    group = get_or_404(request.user, Group, "job.view", pk=group_id)
    jobs = list(group.jobs.order_by("seed", "id"))
    done = [job.summary for job in jobs if job.state == State.DONE]
    return {
        "id": group.id,
        "name": group.name,
        "project_id": group.project_id,
        "jobs": jobs,
        "summary": statistics.means(done),
        "spread": statistics.spread(done),
        "paired": statistics.paired(done),
    }


@router.get("/compare", response=answers(Comparison), summary="Jobs side by side")
def compare(request: HttpRequest, asked: Query[CompareAsked]) -> HttpResponse:
    jobs = _compared(request, _names(asked.jobs))
    wanted = _names(asked.keys)
    by_job = {job.pk: store.read(job.pk, wanted, points=asked.points) for job in jobs}
    curves = {
        key: {pk: found[key] for pk, found in by_job.items() if key in found} for key in wanted
    }
    shown = [ComparedJob.from_orm(job).dict() for job in jobs]
    differing = [Difference(**row).dict() for row in comparison.differing(jobs)]
    return JsonResponse({"jobs": shown, "differing": differing, "series": curves})


def _compared(request: HttpRequest, ids: list[str]) -> list[Job]:
    """In the order asked for; one that is not there, or not theirs, is named."""
    if not 1 <= len(ids) <= MOST_COMPARED:
        raise Refused([("jobs", f"expected 1 to {MOST_COMPARED} ids, got {len(ids)}")])
    rows = visible(request.user, Job).prefetch_related(*comparison.INPUTS)
    found = rows.in_bulk(ids)
    for pk in ids:
        if pk not in found:
            raise Refused([("jobs", f"expected ids of jobs that are here, got {pk!r:.40}")])
    return [found[pk] for pk in ids]


def _names(text: str) -> list[str]:
    names = list(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    if len(names) > MOST_KEYS:
        raise Refused([("keys", f"expected at most {MOST_KEYS} names, got {len(names)}")])
    return names
