"""The job list. Its whole state is in the address: query, sort, columns, place."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from engine.core.registry import methods
from webapp import policy
from webapp.accounts.models import Membership
from webapp.jobs import listing
from webapp.jobs.models import Job
from webapp.jobs.query import QueryError
from webapp.refused import Refused

KEPT = ("q", "project", "sort", "cols")
SORTABLE = (
    ("name", "Name"),
    ("method", "Method"),
    ("state", "State"),
)


@login_required
@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    given = {name: request.GET.get(name, "") for name in KEPT}
    given["cols"] = given["cols"] or _usual_columns(given["q"])
    fault, found = "", None
    try:
        found = listing.jobs_page(
            request.user,
            q=_query(given),
            sort=given["sort"],
            columns=given["cols"],
            cursor=request.GET.get("cursor", ""),
        )
    except QueryError as error:
        fault = str(error)
    except Refused as refused:
        fault = str(refused)
    context = {
        "given": given,
        "page": found,
        "fault": fault,
        "heads": _heads(given, found) if found else [],
        "rows": _titled(found) if found else [],
        "next": _address(given, cursor=found.next) if found and found.next else "",
        "first": _address(given) if request.GET.get("cursor") else "",
        "by_age": _address(given, sort=""),
        "everywhere": _address(given, project=""),
        "here": request.get_full_path(),
        "teams": list(Membership.objects.filter(user=request.user).values_list("team", flat=True)),
        "any": bool(found and found.rows) or policy.visible(request.user, Job).exists(),
    }
    return render(request, "jobs/list.html", context, status=422 if fault else 200)


def _query(given: dict[str, str]) -> str:
    """`?project=<id>` from the rail is one more term."""
    project = given["project"].replace('"', "")
    return f'{given["q"]} project:"{project}"' if project else given["q"]


def _usual_columns(q: str) -> str:
    """Without a choice: the headline metrics of the method asked for, or of all."""
    cards = methods()
    named = [slug for slug in cards if f"method:{slug}" in q.split()]
    keys = [
        f"summary.{metric.key}"
        for slug in named or cards
        for metric in cards[slug].metrics
        if metric.headline
    ]
    return ",".join(list(dict.fromkeys(keys))[:3])


def _heads(given: dict[str, str], page: listing.Page) -> list[dict[str, Any]]:
    """The columns' heads with the address that sorts by each."""
    named = [*SORTABLE, *((column.name, column.title) for column in page.columns)]
    return [
        {
            "name": name,
            "title": title,
            "number": "." in name,
            "order": ("descending" if page.sort.down else "ascending")
            if name == page.sort.name
            else "",
            "address": _address(given, sort=name if page.sort.text == f"-{name}" else f"-{name}"),
        }
        for name, title in named
    ]


def _titled(page: listing.Page) -> list[dict[str, Any]]:
    """The rows, each value with its column's title, which narrow screens show beside it."""
    titles = [column.title for column in page.columns]
    for row in page.rows:
        row["columns"] = list(zip(titles, row["columns"], strict=True))
    return page.rows


def _address(given: dict[str, str], **changed: str) -> str:
    return "?" + urlencode({key: value for key, value in {**given, **changed}.items() if value})


@login_required
@require_safe
def columns(request: HttpRequest) -> HttpResponse:
    """What can be a column, by method: fetched when the picker opens."""
    chosen = [name for name in request.GET.get("cols", "").split(",") if name]
    groups = [
        {
            "title": method.title,
            "columns": [
                (f"summary.{metric.key}", metric.title)
                for metric in method.metrics
                if "*" not in metric.key
            ]
            + [
                (f"params.{name}", field.title or name)
                for name, field in method.params.model_fields.items()
            ],
        }
        for method in methods().values()
    ]
    known = {name for group in groups for name, _ in group["columns"]}
    context = {
        "groups": groups,
        "chosen": chosen,
        "others": ",".join(name for name in chosen if name not in known),
        "given": {name: request.GET.get(name, "") for name in KEPT if name != "cols"},
        "most": listing.MOST_COLUMNS,
    }
    return render(request, "jobs/columns.html", context)
