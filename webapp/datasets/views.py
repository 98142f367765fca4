"""Pages of datasets: list, upload, one dataset with the report of its check."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engine.core.registry import methods
from engine.data.kind import kinds
from webapp import policy
from webapp.accounts.models import Membership, Team
from webapp.artifacts.download import respond
from webapp.datasets import store, uploads
from webapp.datasets.facts import told
from webapp.datasets.models import Dataset, Version
from webapp.datasets.names import kinds_by_name
from webapp.refused import UNKEPT, Refused

PER_PAGE = 500  # a team keeps fewer datasets than jobs


@login_required
@require_safe
def datasets(request: HttpRequest) -> HttpResponse:
    rows = policy.visible(request.user, Dataset).select_related("team", "created_by")
    kind = request.GET.get("kind", "")
    if kind in kinds():
        rows = rows.filter(kind=kind)
    before = request.GET.get("before", "")
    if before and not UNKEPT.search(before):
        rows = rows.filter(pk__lt=before)
    found = list(rows.annotate(count=Count("versions")).order_by("-id")[: PER_PAGE + 1])
    rows = found[:PER_PAGE]
    newest = _newest(rows)
    for row in rows:
        row.newest = newest.get(row.pk)
    older = {"kind": kind, "before": rows[-1].pk} if len(found) > PER_PAGE else {}
    context = {
        "datasets": rows,
        "kinds": kinds(),
        "kind": kind,
        "may_upload": _teams(request),
        "older": f"?{urlencode(older)}" if older else "",
        "newest": f"?{urlencode({'kind': kind})}" if before else "",
    }
    return render(request, "datasets/list.html", context)


def _newest(rows: list[Dataset]) -> dict[str, Version]:
    """The newest version of each dataset; rows come in falling numbers, so the first stays."""
    versions = Version.objects.filter(dataset__in=rows).select_related("blob", "created_by")
    found: dict[str, Version] = {}
    for version in versions.defer("preview", "report"):
        found.setdefault(version.dataset_id, version)
    return found


def _teams(request: HttpRequest) -> list[Team]:
    """The teams in which the user may upload, the one of the last upload first."""
    memberships = Membership.objects.filter(user=request.user).select_related("team")
    teams = [
        row.team for row in memberships if policy.can(request.user, "dataset.create", row.team)
    ]
    last = Dataset.objects.filter(created_by=request.user).values_list("team", flat=True).first()
    return sorted(teams, key=lambda team: (team.pk != last, team.name))


@login_required
@require_http_methods(["GET", "POST"])
def dataset_new(request: HttpRequest) -> HttpResponse:
    faults: list[tuple[str, str]] = []
    if request.method == "POST":
        try:
            version = _upload(request)
        except Refused as refused:
            faults = refused.faults
        else:
            return redirect("dataset", version.dataset_id)
    context = {
        "teams": _teams(request),
        "kinds": kinds(),
        "faults": faults,
        "fault": dict(faults),
        "unfinished": uploads.unfinished(request.user),
        "given": request.POST if request.method == "POST" else request.GET,
        "most": settings.MAX_UPLOAD,
        "suffixes": {slug: list(kind.suffixes) for slug, kind in kinds().items()},
    }
    return render(request, "datasets/new.html", context, status=422 if faults else 200)


def _upload(request: HttpRequest) -> Version:
    team = policy.get_or_404(request.user, Team, "dataset.create", pk=request.POST.get("team", ""))
    file = request.FILES.get("file")
    if file is None:
        raise Refused([("file", "expected a file, got none")])
    kind = request.POST.get("kind") or _kind_of(file.name)
    return store.create(
        request.user,
        team=team,
        name=request.POST.get("name", "").strip() or file.name.rpartition(".")[0] or file.name,
        kind=kind,
        file=file.file,
        file_name=file.name,
        description=request.POST.get("description", ""),
    )


def _kind_of(file_name: str) -> str:
    found = kinds_by_name(file_name, kinds())
    if len(found) == 1:
        return found[0]
    titles = ", ".join(kinds()[slug].title for slug in found or kinds())
    raise Refused([("kind", f"expected one of {titles}; the file's name does not tell which")])


@login_required
@require_safe
def dataset(request: HttpRequest, pk: str) -> HttpResponse:
    found = policy.get_or_404(request.user, Dataset, "dataset.view", pk=pk)
    versions = list(found.versions.select_related("blob", "created_by").defer("preview"))
    number = request.GET.get("version", "")
    shown = next((row for row in versions if str(row.number) == number), None)
    shown = shown or (versions[0] if versions else None)
    jobs = store.users_of(found)
    context = {
        "dataset": found,
        "kind": kinds().get(found.kind),
        "versions": versions,
        "version": shown,
        "facts": told(found.kind, shown.facts) if shown else [],
        "preview": _preview(shown) if shown else None,
        "jobs": jobs[:20],
        "job_count": len(jobs),
        "fitting": _fitting(shown) if shown else [],
        "may_edit": policy.can(request.user, "dataset.edit", found),
        "may_delete": policy.can(request.user, "dataset.delete", found),
        "may_run": policy.can(request.user, "job.create", found),
    }
    return render(request, "datasets/dataset.html", context)


def _preview(version: Version) -> dict[str, Any]:
    """Figures as the chart script draws them, and tables."""
    preview = Version.objects.values_list("preview", flat=True).get(pk=version.pk) or {}
    figures = [{**entry["figure"], "title": entry["title"]} for entry in preview.get("figures", ())]
    return {"figures": figures, "tables": [_table(table) for table in preview.get("tables", ())]}


def _table(table: dict[str, Any]) -> dict[str, Any]:
    """Each heading and cell with "num" or "words": a column whose cells are all numbers or not."""
    columns, rows = table["columns"], table["rows"]
    looks = [
        "num" if all(_number(row[place]) for row in rows) else "words"
        for place in range(len(columns))
    ]
    return {
        "title": table["title"],
        "columns": list(zip(columns, looks, strict=True)),
        "rows": [list(zip(row, looks, strict=True)) for row in rows],
    }


def _number(cell: Any) -> bool:
    """Also one that a file of text holds, and nothing where there could be one."""
    try:
        float(cell or 0)
    except (TypeError, ValueError):
        return False
    return True


def _fitting(version: Version) -> list[dict[str, Any]]:
    """The methods with an input of this kind: as what they take this version, or why not."""
    if version.state != Version.State.READY:
        return []
    found = []
    for method in methods().values():
        entries = [entry for entry in method.inputs if entry.kind == version.dataset.kind]
        refusals = [(entry.title, entry.refusal(version.facts)) for entry in entries]
        if entries:
            found.append(
                {
                    "method": method,
                    "titles": [title for title, refusal in refusals if refusal is None],
                    "refusals": [pair for pair in refusals if pair[1]],
                }
            )
    return found


@login_required
@require_POST
def dataset_edit(request: HttpRequest, pk: str) -> HttpResponse:
    found = policy.get_or_404(request.user, Dataset, "dataset.edit", pk=pk)
    try:
        store.edit(
            found,
            request.user,
            name=request.POST.get("name", found.name),
            description=request.POST.get("description", found.description),
        )
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("dataset", pk)


@login_required
@require_POST
def dataset_delete(request: HttpRequest, pk: str) -> HttpResponse:
    found = policy.get_or_404(request.user, Dataset, "dataset.delete", pk=pk)
    try:
        store.delete(found, request.user)
    except Refused as refused:
        messages.error(request, f"Not deleted. {refused}")
        return redirect("dataset", pk)
    messages.success(request, f"{found.name} is deleted.")
    return redirect("datasets")


@login_required
@require_safe
def version_download(request: HttpRequest, pk: str) -> HttpResponseBase:
    """The bytes as they came."""
    version = policy.get_or_404(request.user, Version, "dataset.view", pk=pk)
    return respond(request, version.blob, version.file_name)
