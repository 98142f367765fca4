"""The job form: made from a method's card, prefilled by a job to run again, sent to `submit`."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from django.conf import settings
from django.http import HttpRequest, QueryDict
from pydantic import ValidationError

from engine.core import params as parameters
from engine.core import seeds
from engine.core.errors import UserError
from engine.core.method import Input, Method
from engine.core.options import MOST_THREADS
from engine.core.wording import shortened
from webapp import policy
from webapp.accounts.models import User
from webapp.datasets.models import Version
from webapp.jobs import choices, controls
from webapp.jobs.models import Job, Project, State
from webapp.jobs.submit import DEVICES, plan, submit
from webapp.jobs.submit import LIMITS as SMALLEST
from webapp.refused import Refused

LIMITS = (  # name, title, unit, size of the unit
    ("seconds", "Time", "minutes", 60),
    ("memory", "Memory", "GiB", 1 << 30),
    ("disk", "Disk", "GiB", 1 << 30),
    ("silence", "Silence", "minutes", 60),
)
SAMPLE = 30  # finished jobs that an estimate looks at


@dataclass
class InputControl:
    entry: Input
    choices: list[choices.Choice]
    chosen: str  # "version:<id>", "artifact:<id>" or nothing
    fault: str

    @property
    def fits(self) -> int:
        return sum(choice.refusal is None for choice in self.choices)


@dataclass
class Form:
    """What the template shows. `given` holds the plain fields by their names."""

    method: Method
    projects: list[Project]
    project: Project | None
    inputs: list[InputControl]
    common: list[controls.Control]
    advanced: list[controls.Control]
    baselines: controls.Control | None
    given: dict[str, str]
    limits: list[dict[str, Any]]
    faults: list[tuple[str, str]] = field(default_factory=list)
    devices: tuple[str, ...] = DEVICES

    @property
    def fault(self) -> dict[str, str]:
        return dict(reversed(self.faults))  # the first of a field wins


def projects_of(user: User) -> list[Project]:
    """Where the user may submit: the project of their last job first."""
    rows = policy.visible(user, Project).select_related("team").order_by("team__name", "name")
    allowed: dict[str, bool] = {}
    for row in rows:
        if row.team_id not in allowed:
            allowed[row.team_id] = policy.can(user, "job.create", row)
    last = Job.objects.filter(created_by=user).values_list("project", flat=True).first()
    return sorted((row for row in rows if allowed[row.team_id]), key=lambda row: row.pk != last)


def empty(request: HttpRequest, method: Method, *, parent: Job | None) -> Form:
    """The form as it is first shown: defaults, what the parent was asked, what the address sets."""
    projects = projects_of(request.user)
    wanted = request.GET.get("project") or (parent.project_id if parent else "")
    project = next((row for row in projects if wanted in (row.pk, row.slug)), None)
    version = _asked_version(request)
    if project is None and version is not None:
        team = version.dataset.team_id
        project = next((row for row in projects if row.team_id == team), None)
    project = project or (projects[0] if projects else None)
    asked = controls.asked(method.params, request.GET)
    values = {**method.defaults(), **(parent.params if parent else {}), **asked}
    chosen = choices.of_job(parent.inputs.all()) if parent else {}
    if version is not None:
        for entry in method.inputs:
            if choices.version_refusal(entry, version) is None:
                chosen[entry.name] = {"version": version.pk}
                break
    return _form(
        method,
        projects,
        project=project,
        values=values,
        chosen={name: ":".join(*value.items()) for name, value in chosen.items()},
        given=_given(method, parent),
        faults=_faults(method, values) if asked else [],
        asked=asked,
    )


def _faults(method: Method, values: dict[str, Any]) -> list[tuple[str, str]]:
    """Of an address that sets what cannot be: the form says so before anything is filled in."""
    try:
        method.params.model_validate(values)
    except ValidationError as error:
        return parameters.faults(error)
    return []


def _asked_version(request: HttpRequest) -> Version | None:
    pk = request.GET.get("version", "")
    rows = policy.visible(request.user, Version).select_related("dataset")
    return rows.filter(pk=pk).first() if pk and "\0" not in pk else None


def _given(method: Method, parent: Job | None) -> dict[str, str]:
    given = {"seeds": "0", "device": "auto", "threads": str(method.threads), "name": "", "tags": ""}
    if parent is not None:
        given |= {
            "seeds": str(parent.seed),
            "device": parent.device,
            "threads": str(parent.threads),
            "name": parent.name,
            "tags": ", ".join(parent.tags),
        }
        for name, _, _, size in LIMITS:
            value = parent.limits.get(name)
            if value and value != settings.JOB_LIMITS[name]:
                given[f"limits.{name}"] = f"{value / size:g}"
    return given


def send(request: HttpRequest, method: Method, *, parent: Job | None) -> tuple[list[Job], Form]:
    """The submitted jobs; or none, and the form with all its faults."""
    post = request.POST
    projects = projects_of(request.user)
    project = next((row for row in projects if row.pk == post.get("project")), None)
    values = controls.read(method.params, post)
    chosen = {entry.name: post.get(f"i.{entry.name}", "") for entry in method.inputs}
    plain, faults = _read_plain(post)
    jobs: list[Job] = []
    if project is None:
        faults.append(("project", "expected one of the projects in which you may run jobs"))
    else:
        work = plan if faults else submit  # with faults already: only to learn of the others
        try:
            answer = work(
                request.user,
                project=project,
                method=method.slug,
                inputs={name: _value(text) for name, text in chosen.items() if text},
                params=values,
                parent=parent if parent and parent.team_id == project.team_id else None,
                **plain,
            )
        except Refused as refused:
            faults += refused.faults
        else:
            jobs = answer if isinstance(answer, list) else []
    return jobs, _form(
        method,
        projects,
        project=project,
        values=values,
        chosen=chosen,
        given=post.dict(),
        faults=faults,
    )


def foretold(request: HttpRequest, method: Method) -> list[tuple[str, str]]:
    """What the form as it stands comes to, line by line; nothing while it has faults."""
    post = request.POST
    project = next(
        (row for row in projects_of(request.user) if row.pk == post.get("project")), None
    )
    if method.foretold is None or project is None:
        return []
    try:
        params = method.params.model_validate(controls.read(method.params, post))
    except ValidationError:
        return []
    given = {entry.name: _value(text) for entry in method.inputs
             if (text := post.get(f"i.{entry.name}"))}  # fmt: skip
    chosen, faults = choices.resolve(request.user, project, method=method, inputs=given)
    facts = {name: thing.facts for name, thing in chosen.items()}
    if faults or (method.conflict and method.conflict(params, facts)):
        return []
    return method.foretold(params, facts)


def _value(text: str) -> choices.Value:
    sort, _, pk = text.partition(":")
    return {sort: pk}


def _read_plain(post: QueryDict) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Fields that are no parameter and no input; those with faults are left out."""
    fields: dict[str, Any] = {
        "name": post.get("name", ""),
        "tags": [tag for tag in post.get("tags", "").split(",") if tag.strip()],
        "notes": post.get("notes", ""),
        "device": post.get("device", "auto"),
    }
    faults: list[tuple[str, str]] = []
    try:
        fields["seeds"] = seeds.from_text(post.get("seeds", ""))
    except UserError as fault:
        faults.append((fault.where, fault.expected))
    if text := post.get("threads", "").strip():
        if re.fullmatch(r"-?\d{1,9}", text, re.A):
            fields["threads"] = int(text)
        else:
            expected = f"expected a whole number from 1 to {MOST_THREADS}, got {shortened(text)}"
            faults.append(("threads", expected))
    limits = {}
    for name, _, unit, size in LIMITS:
        if text := post.get(f"limits.{name}", "").strip():
            try:
                limits[name] = _limit(name, text, unit=unit, size=size)
            except Refused as refused:
                faults += refused.faults
    return {**fields, "limits": limits}, faults


def _limit(name: str, text: str, *, unit: str, size: int) -> int:
    """What was typed in the form's unit, in that of jobs; a refusal speaks in the form's."""
    least, words, _ = SMALLEST[name]
    most = settings.JOB_LIMITS[name]
    try:
        value = round(float(text) * size)
    except (ValueError, OverflowError):
        value = None
    if value is None or not least <= value <= most:
        expected = f"expected a number of {unit}, from {least / size:.3g}"
        if least / size < 0.1:
            expected += f" ({words(least)})"
        expected += f" to {most / size:.6g}, got {shortened(text)}"
        raise Refused([(f"limits.{name}", expected)])
    return value


def _form(
    method: Method,
    projects: list[Project],
    *,
    project: Project | None,
    values: dict[str, Any],
    chosen: dict[str, str],
    given: dict[str, str],
    faults: list[tuple[str, str]],
    asked: Collection[str] = (),
) -> Form:
    beside = dict(reversed(faults))
    made = controls.controls(method.params, values, faults=beside)
    plain = [control for control in made if control.name != "baselines"]
    folded = [control for control in plain if control.advanced and control.name not in asked]
    return Form(
        method=method,
        projects=projects,
        project=project,
        inputs=[
            InputControl(
                entry,
                choices.offered(project.team, entry) if project else [],
                chosen.get(entry.name, ""),
                beside.get(entry.name, ""),
            )
            for entry in method.inputs
        ],
        common=[control for control in plain if control not in folded],
        advanced=folded,
        baselines=next((control for control in made if control.name == "baselines"), None),
        given=given,
        limits=[
            {
                "name": f"limits.{name}",
                "title": title,
                "unit": unit,
                "most": settings.JOB_LIMITS[name] / size,
                "value": given.get(f"limits.{name}", ""),
                "fault": beside.get(f"limits.{name}", ""),
            }
            for name, title, unit, size in LIMITS
        ],
        faults=faults,
    )


def estimate(user: User, method: Method) -> dict[str, Any] | None:
    """How long the last jobs of this method took in the user's teams; None before the first."""
    rows = policy.visible(user, Job).filter(
        method=method.slug, state=State.DONE, started__isnull=False, ended__isnull=False
    )
    took = [
        (ended - started).total_seconds()
        for started, ended in rows.values_list("started", "ended")[:SAMPLE]
    ]
    return {"seconds": median(took), "count": len(took)} if took else None
