"""The methods: what each does, takes and measures, and how well it did here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from engine.core.method import Method, Metric
from engine.core.registry import methods as registered
from webapp.accounts.models import User
from webapp.jobs import results
from webapp.jobs.controls import controls
from webapp.jobs.fields import Number
from webapp.jobs.models import Job, State
from webapp.pages import docs, prose
from webapp.policy import visible

BEST = 5


@dataclass(frozen=True)
class Listed:
    method: Method
    jobs: int
    done: int


@dataclass(frozen=True)
class Row:
    """One of the best jobs: its headline value, and the best baseline's in the same job."""

    job: Job
    value: float
    baseline: str
    baseline_value: float | None


@require_safe
@login_required
def methods(request: HttpRequest) -> HttpResponse:
    counts = {
        row["method"]: row
        for row in visible(request.user, Job)
        .order_by()
        .values("method")
        .annotate(jobs=Count("pk"), done=Count("pk", filter=Q(state=State.DONE)))
    }
    nothing = {"jobs": 0, "done": 0}
    listed = [
        Listed(
            method=method,
            jobs=counts.get(slug, nothing)["jobs"],
            done=counts.get(slug, nothing)["done"],
        )
        for slug, method in registered().items()
    ]
    return render(request, "methods/methods.html", {"listed": listed})


@require_safe
@login_required
def method(request: HttpRequest, slug: str) -> HttpResponse:
    card = registered().get(slug)
    if card is None:
        raise Http404
    readme = card.folder / "README.md"
    headline = next((metric for metric in card.metrics if metric.headline), None)
    shown = {
        "method": card,
        "readme": prose.render(_body(readme.read_text(encoding="utf-8")))
        if readme.is_file()
        else None,
        "controls": controls(card.params, card.defaults()),
        "headline": headline,
        "best": _best(request.user, card, headline=headline),
        "results": [page for page in docs.results() if _is_of(page, slug)],
    }
    return render(request, "methods/method.html", shown)


def _is_of(page: docs.Page, slug: str) -> bool:
    """`<slug>.md` and `<slug>-<what>.md` of docs/results/."""
    return page.slug == slug or page.slug.startswith(f"{slug}-")


def _body(text: str) -> str:
    """The README without its title: the page has one."""
    first, _, rest = text.lstrip().partition("\n")
    return rest if first.startswith("# ") else text


def _best(user: User, card: Method, *, headline: Metric | None) -> list[Row]:
    """This installation's best jobs by the headline metric, among those that one may see."""
    if headline is None or not headline.better:
        return []
    value = Number("summary", headline.key)
    done = visible(user, Job).filter(method=card.slug, state=State.DONE)
    order = "-value" if headline.better == "higher" else "value"
    found = done.annotate(value=value).filter(value__isnull=False).order_by(order, "-id")[:BEST]
    return [_row(job, headline) for job in found]


def _row(job: Job, headline: Metric) -> Row:
    found = {
        name: job.summary.get(f"{results.BASELINE}{name}.{headline.key}")
        for name in results.baselines(job.summary)
    }
    rivals: dict[str, Any] = {name: value for name, value in found.items() if value is not None}
    choose = max if headline.better == "higher" else min
    name = choose(rivals, key=rivals.__getitem__) if rivals else ""
    return Row(job=job, value=job.value, baseline=name, baseline_value=rivals.get(name))
