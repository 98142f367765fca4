"""Submitting jobs: the one way in for the form, the API, a sweep and a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from pydantic import ValidationError

from engine.core import params as parameters
from engine.core import seeds as seed_lists
from engine.core.errors import UserError
from engine.core.method import Method
from engine.core.options import MOST_THREADS
from engine.core.registry import method as find_method
from engine.core.units import duration, size
from engine.core.wording import shortened
from webapp import policy
from webapp.accounts.models import User
from webapp.artifacts.models import Artifact
from webapp.audit.record import record
from webapp.datasets.models import Version
from webapp.ids import new_ids
from webapp.jobs import choices, notices
from webapp.jobs.models import Group, Job, JobInput, Project, Queue
from webapp.locks import lock
from webapp.refused import UNKEPT, Refused, stray, words_only

__all__ = ["Refused", "plan", "submit"]

DEVICES = ("auto", "cpu", "cuda")
MOST_TAGS = 20
LONGEST_TAG = 40
LONGEST_NAME = 100
LONGEST_NOTES = 20_000
# Of each limit: the least with which a job can begin, how people read it, and its unit.
LIMITS: dict[str, tuple[int, Callable[[int], str], str]] = {
    "seconds": (1, duration, "seconds"),
    "silence": (1, duration, "seconds"),
    "memory": (128 << 20, size, "bytes"),
    "disk": (1 << 20, size, "bytes"),
}
LARGEST = (1 << 63) - 1  # whole number that the database takes

Faults = list[tuple[str, str]]


@dataclass(frozen=True)
class Plan:
    """A valid request, not yet in the database."""

    fields: dict[str, Any]
    inputs: choices.Chosen
    seeds: list[int]


def submit(user: User, **request: Any) -> list[Job]:
    """One queued job per seed; several seeds make a group. Raises `Refused` with every fault.

    It takes what `plan` takes.
    """
    return _create(plan(user, **request))


def plan(
    user: User,
    *,
    project: Project,
    method: str,
    inputs: dict[str, dict[str, str]],
    params: dict[str, Any],
    seeds: Iterable[int] = (0,),
    name: str = "",
    tags: Iterable[str] = (),
    notes: str = "",
    parent: Job | None = None,
    limits: dict[str, int] | None = None,
    device: str = "auto",
    threads: int | None = None,
    priority: int = 0,
) -> Plan:
    """The request with its defaults filled in, or `Refused`. Nothing is stored."""
    policy.require(user, "job.create", project)
    try:
        card = find_method(method)
    except UserError as error:
        raise Refused([(error.where, error.expected)]) from None
    seed_list, tag_list = list(seeds), [str(tag).strip() for tag in tags]
    chosen, faults = choices.resolve(user, project, method=card, inputs=inputs)
    facts = {name: thing.facts for name, thing in chosen.items()}
    values, more = complete(card, params, given=facts)
    faults += more
    faults += _seeds(seed_list) + tag_faults(tag_list)
    faults += words_only("name", name, longest=LONGEST_NAME)
    faults += words_only("notes", notes, longest=LONGEST_NOTES, lines=True)
    faults += _machine(card, device=device, threads=threads) + _limits(limits or {})
    faults += _priority(user, project, priority=priority)
    if parent is not None and parent.team_id != project.team_id:
        faults.append(("parent", "expected a job of the same team"))
    if faults:
        raise Refused(faults)
    fields = {
        "project": project,
        "parent": parent,
        "method": method,
        "name": name.strip(),
        "notes": notes,
        "tags": list(dict.fromkeys(tag_list)),
        "created_by": user,
        "params": values,
        "device": device,
        "threads": card.threads if threads is None else threads,
        "queue": queue_of(card, device),
        "priority": priority,
        "limits": {**settings.JOB_LIMITS, **(limits or {})},
    }
    return Plan(fields, chosen, seed_list)


def queue_of(card: Method, device: str) -> str:
    """Which workers may take it."""
    if card.requires:
        return card.requires
    return Queue.GPU if device == "cuda" else Queue.CPU


@transaction.atomic
def _create(plan: Plan) -> list[Job]:
    fields, seeds = plan.fields, plan.seeds
    project, user = fields["project"], fields["created_by"]
    _hold(plan)
    group = Group.objects.create(project=project, name=fields["name"]) if len(seeds) > 1 else None
    jobs = Job.objects.bulk_create(
        Job(id=pk, **fields, group=group, seed=seed)
        for pk, seed in zip(new_ids(len(seeds)), seeds, strict=True)
    )
    JobInput.objects.bulk_create(
        JobInput(job=job, name=name, **_reference(thing))
        for job in jobs
        for name, thing in plan.inputs.items()
    )
    record(
        user,
        "job.submit",
        jobs[0],
        team=project.team,
        method=fields["method"],
        seeds=seeds,
        project=project.slug,
    )
    notices.waiting(jobs)
    for job in jobs:
        notices.changed(job)
    return jobs


def _hold(plan: Plan) -> None:
    """Since it was planned, what it refers to may have been deleted; from here on it is not."""
    project, parent = plan.fields["project"], plan.fields["parent"]
    if not lock(Project.objects.filter(pk=project.pk), to_use=True):
        raise Refused([("project", "expected one that is still there; it was deleted")])
    faults = choices.hold(plan.inputs)
    if parent and not lock(Job.objects.filter(pk=parent.pk), to_use=True):
        faults.append(("parent", "expected a job that is still there; it was deleted"))
    if faults:
        raise Refused(faults)


def _reference(thing: Version | Artifact) -> dict[str, Any]:
    return {"version": thing} if isinstance(thing, Version) else {"artifact": thing}


def complete(
    card: Method, params: dict[str, Any], *, given: dict[str, dict[str, Any]]
) -> tuple[dict[str, Any], Faults]:
    """The complete parameters as JSON, and every fault beside the facts of those inputs."""
    try:
        complete = card.params.model_validate(params)
    except ValidationError as error:
        return {}, parameters.faults(error)
    contradiction = card.conflict(complete, given) if card.conflict else None
    values = complete.model_dump(mode="json")
    faults = [contradiction] if contradiction else []
    faults += [
        (name, "a control character isn't allowed")
        for name, value in values.items()
        if _unkept(value)
    ]
    faults += [
        (name, f"expected a whole number from -{LARGEST} to {LARGEST}")
        for name, value in values.items()
        if isinstance(value, int) and abs(value) > LARGEST
    ]
    return values, faults


def _seeds(seeds: list[int]) -> Faults:
    try:
        seed_lists.checked(seeds)
    except UserError as error:
        return [(error.where, error.expected)]
    return []


def _unkept(value: Any) -> bool:
    """Whether a text in it cannot be stored: PostgreSQL keeps no NUL in JSON."""
    if isinstance(value, str):
        return bool(UNKEPT.search(value))
    if isinstance(value, dict):
        return any(map(_unkept, value)) or any(map(_unkept, value.values()))
    return isinstance(value, list) and any(map(_unkept, value))


def tag_faults(tags: list[str]) -> Faults:
    faults = []
    if len(tags) > MOST_TAGS:
        faults.append(("tags", f"expected at most {MOST_TAGS} tags, got {len(tags)}"))
    for tag in tags:
        if found := stray(tag):
            faults.append(("tags", found))
        elif not tag or any(letter in ',"' or not letter.isprintable() for letter in tag):
            expected = "expected printable words without comma or quote"
            faults.append(("tags", f"{expected}, got {tag!r:.50}"))
        elif len(tag) > LONGEST_TAG:
            expected = f"expected at most {LONGEST_TAG} characters in a tag"
            faults.append(("tags", f"{expected}, got {len(tag)}"))
    return faults


def _machine(card: Method, *, device: str, threads: int | None) -> Faults:
    faults = []
    if device not in DEVICES:
        faults.append(("device", f"expected one of {', '.join(DEVICES)}, got {device!r:.40}"))
    elif card.requires == "gpu" and device == "cpu":
        faults.append(("device", "this method needs a GPU"))
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        expected = f"expected a number from 1 to {MOST_THREADS}, got {shortened(threads)}"
        faults.append(("threads", expected))
    return faults


def _limits(limits: dict[str, int]) -> Faults:
    """Each enough to begin with, and at most what the operator of this bench allows."""
    faults = []
    for name, value in limits.items():
        most = settings.JOB_LIMITS.get(name)
        if most is None:
            known = ", ".join(settings.JOB_LIMITS)
            faults.append((f"limits.{name}", f"there is no such limit; there are: {known}"))
            continue
        least, words, unit = LIMITS[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            told = type(value) is int and 0 <= value <= LARGEST
            got = words(value) if told else shortened(value)
            expected = f"expected {words(least)} to {words(most)} ({least} to {most} {unit})"
            faults.append((f"limits.{name}", f"{expected}, got {got}"))
    return faults


def _priority(user: User, project: Project, *, priority: int) -> Faults:
    if not -100 <= priority <= 100:
        return [("priority", f"expected a number from -100 to 100, got {priority}")]
    if priority > 0 and not policy.can(user, "queue.order", project):
        return [("priority", "expected 0 or less: only a maintainer may pass others")]
    return []
