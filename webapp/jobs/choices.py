"""What of a team's data fits the inputs of a method, and why the rest does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.core.method import Input, Method
from webapp import policy
from webapp.accounts.models import Team, User
from webapp.artifacts.models import Artifact
from webapp.datasets.models import Version
from webapp.jobs.models import ENDED, Job, Project
from webapp.locks import lock
from webapp.refused import UNKEPT

MOST = 200  # of one kind in a form: the newest; older ones are reached from their own page

SORTS = {"version": "a dataset version", "artifact": "an artifact"}
Value = dict[str, str]  # {"version": id} or {"artifact": id}


@dataclass(frozen=True)
class Choice:
    """One dataset version or artifact beside an input; `refusal` says why it does not fit."""

    value: Value
    title: str
    detail: str
    refusal: str | None

    @property
    def key(self) -> str:
        """As the form sends it: "version:<id>"."""
        return ":".join(next(iter(self.value.items())))


def offered(team: Team, entry: Input) -> list[Choice]:
    """Versions and artifacts of the input's kind, those that fit first."""
    versions = (
        Version.objects.filter(dataset__team=team, dataset__kind=entry.kind)
        .select_related("dataset")
        .defer("preview", "report")
        .order_by("-id")[:MOST]
    )
    artifacts = (
        Artifact.objects.filter(job__project__team=team, kind=entry.kind)
        .select_related("job")
        .order_by("-id")[:MOST]
    )
    found = [of_version(entry, version) for version in versions]
    found += [of_artifact(entry, artifact) for artifact in artifacts]
    return sorted(found, key=lambda choice: choice.refusal is not None)


def of_version(entry: Input, version: Version) -> Choice:
    return Choice(
        {"version": version.pk}, str(version), version.file_name, version_refusal(entry, version)
    )


def of_artifact(entry: Input, artifact: Artifact) -> Choice:
    return Choice(
        {"artifact": artifact.pk},
        artifact.title,
        f"{artifact.path} of {artifact.job}",
        artifact_refusal(entry, artifact),
    )


def version_refusal(entry: Input, version: Version) -> str | None:
    if version.dataset.kind != entry.kind:
        return f"expected a dataset of the kind {entry.kind}, this is {version.dataset.kind}"
    if version.state == Version.State.CHECKING:
        return "expected a checked version; this one is still being checked"
    if version.state == Version.State.REJECTED:
        return "expected a version without errors; the check of this one found some"
    return entry.refusal(version.facts)


def artifact_refusal(entry: Input, artifact: Artifact) -> str | None:
    if artifact.kind != entry.kind:
        return f"expected an artifact of the kind {entry.kind}, this is {artifact.kind or 'none'}"
    if artifact.job.state not in ENDED:  # a new attempt would delete it and make it again
        return "expected an artifact of a job that has ended; this one's has not ended yet"
    return entry.refusal(artifact.facts)


Chosen = dict[str, Version | Artifact]


def resolve(
    user: User, project: Project, *, method: Method, inputs: dict[str, Any]
) -> tuple[Chosen, list[tuple[str, str]]]:
    """The chosen inputs as rows, and the faults of what cannot be used."""
    chosen: Chosen = {}
    faults = [
        (name, "this method has no such input") for name in inputs if method.input(name) is None
    ]
    for entry in method.inputs:
        value = inputs.get(entry.name)
        if value is None or value == {}:
            if not entry.optional:
                faults.append((entry.name, f"expected a {entry.kind}, got none"))
            continue
        if (named := _named(value)) is None:
            expected = 'expected {"version": ID} or {"artifact": ID}'
            faults.append((entry.name, f"{expected}, got {value!r:.60}"))
            continue
        sort, pk = named
        thing = _find(user, project, sort=sort, pk=pk)
        if thing is None:
            faults.append(
                (entry.name, f"expected {SORTS[sort]} in this team, got the id {pk!r:.40}")
            )
            continue
        refusal = (
            version_refusal(entry, thing)
            if isinstance(thing, Version)
            else artifact_refusal(entry, thing)
        )
        if refusal:
            faults.append((entry.name, refusal))
        else:
            chosen[entry.name] = thing
    return chosen, faults


def hold(chosen: Chosen) -> list[tuple[str, str]]:
    """Keeps them from being deleted until the transaction ends; the faults of those that were.

    An artifact goes only with its job, or when that is tried again: its job is what is locked.
    """
    things = chosen.values()
    versions = {thing.pk for thing in things if isinstance(thing, Version)}
    artifacts = {thing.pk: thing.job_id for thing in things if isinstance(thing, Artifact)}
    there = lock(Version.objects.filter(pk__in=versions), to_use=True)
    lock(Job.objects.filter(pk__in=artifacts.values()), to_use=True)
    kept = Artifact.objects.filter(pk__in=artifacts, job__state__in=ENDED)
    there.update(kept.values_list("pk", flat=True))
    return [
        (
            name,
            "expected data still there; it was deleted, or its job was tried again",
        )
        for name, thing in chosen.items()
        if thing.pk not in there
    ]


def _named(value: Any) -> tuple[str, str] | None:
    """What a value names, as (sort, id); None where it is not in the form that the API shows."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((sort, pk),) = value.items()
    return (sort, pk) if sort in SORTS and isinstance(pk, str) else None


def _find(user: User, project: Project, *, sort: str, pk: str) -> Version | Artifact | None:
    """The row, if the project's team owns it and the user may see it."""
    if UNKEPT.search(pk):
        return None
    if sort == "version":
        rows = policy.visible(user, Version).select_related("dataset").defer("preview", "report")
        return rows.filter(pk=pk, dataset__team=project.team_id).first()
    rows = policy.visible(user, Artifact).select_related("job")
    return rows.filter(pk=pk, job__project__team=project.team_id).first()


def facts_of(job: Job) -> dict[str, dict[str, Any]]:
    """The facts of a job's inputs, by their names."""
    rows = job.inputs.select_related("version", "artifact")
    return {row.name: (row.version or row.artifact).facts for row in rows}


def of_job(inputs: Iterable[Any]) -> dict[str, Value]:
    """The inputs of a job (its JobInput rows), in the form that `submit` takes."""
    return {
        row.name: {"version": row.version_id} if row.version_id else {"artifact": row.artifact_id}
        for row in inputs
    }
