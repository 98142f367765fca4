"""What a job's page says about its numbers: method beside baselines, key curves, differences."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.core.method import Method, Metric
from engine.core.registry import methods
from webapp.jobs.models import Job
from webapp.metrics.models import Series

MOST_CURVES = 4
BASELINE = "baseline."
_NUMBERS = re.compile(r"(\d+)", re.ASCII)


@dataclass(frozen=True)
class Row:
    """The method or one baseline, with its value of each metric that they are compared by."""

    name: str  # "" for the method itself
    title: str
    values: list[float | None]
    differences: list[float | None]  # method minus this baseline

    @property
    def cells(self) -> list[tuple[float | None, float | None]]:
        return list(zip(self.values, self.differences, strict=True))


def card_of(job: Job) -> Method | None:
    """The method's card; None for a job of a method that this bench no longer has."""
    return methods().get(job.method)


def headline(card: Method | None, summary: Mapping[str, Any]) -> list[Metric]:
    """The metrics that the method and its baselines are judged by, as far as they are there."""
    declared = [metric for metric in card.metrics if metric.headline] if card else []
    return [metric for metric in declared if metric.key in summary]


def compared(card: Method | None, summary: Mapping[str, Any]) -> list[Metric]:
    """The headline metrics that a baseline has, too."""
    names = baselines(summary)
    return [
        metric
        for metric in headline(card, summary)
        if any(f"{BASELINE}{name}.{metric.key}" in summary for name in names)
    ]


def rows(card: Method | None, summary: Mapping[str, Any]) -> list[Row]:
    """The method, then its baselines; none where there is nothing to compare."""
    metrics = compared(card, summary)
    if card is None or not metrics:
        return []
    own = [summary.get(metric.key) for metric in metrics]
    found = [Row("", card.title, own, [None] * len(metrics))]
    for name in baselines(summary):
        title = next((entry.title for entry in card.baselines if entry.name == name), name)
        values = [summary.get(f"{BASELINE}{name}.{metric.key}") for metric in metrics]
        found.append(Row(name, title, values, list(map(_minus, own, values))))
    return found


def baselines(summary: Mapping[str, Any]) -> list[str]:
    names = (key.removeprefix(BASELINE).partition(".")[0] for key in summary if _is_baseline(key))
    return list(dict.fromkeys(names))


def _is_baseline(key: str) -> bool:
    return key.startswith(BASELINE)


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def bars(card: Method | None, summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """The comparison as a figure, of the metrics that share the first one's unit; None without a
    baseline to compare with."""
    found = rows(card, summary)
    if not found:
        return None
    metrics = compared(card, summary)
    unit = metrics[0].unit
    return {
        "title": "Method and baselines",
        "unit": unit,
        "data": [
            {
                "type": "bar",
                "name": metric.title,
                "x": [row.title for row in found],
                "y": [row.values[place] for row in found],
            }
            for place, metric in enumerate(metrics)
            if metric.unit == unit
        ],
        "layout": {"barmode": "group", "yaxis": {"rangemode": "tozero"}},
    }


def rest(card: Method | None, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All other numbers of the summary, with what the card says about them."""
    heads = {metric.key for metric in headline(card, summary)}
    shown = heads | {f"{BASELINE}{name}.{head}" for name in baselines(summary) for head in heads}
    return [
        {"key": key, "value": summary[key], **_about(card, key)}
        for key in sorted(summary, key=natural)
        if key not in shown
    ]


def natural(key: str) -> list[tuple[int, str]]:
    """For sorting: numbers within a key count as numbers, so that rate5 precedes rate10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBERS.split(key)]


def _about(card: Method | None, key: str) -> dict[str, str]:
    metric = card.metric(key) if card else None
    return {"title": metric.title if metric else key, "unit": metric.unit if metric else ""}


def key_curves(job: Job, card: Method | None) -> list[str]:
    """The few series to show first: headline metrics, then those that begin at the first steps."""
    headers = Series.objects.filter(job=job).order_by("first_step", "key")
    headers = headers.values_list("key", "count")
    keys = [key for key, count in headers if count > 1 and not key.startswith("system.")]
    heads = headline_keys(card)
    return sorted(keys, key=lambda key: curve_rank(key, heads))[:MOST_CURVES]


def curve_rank(key: str, heads: Iterable[str]) -> tuple[int, int]:
    """Sorts series: headline metrics, parts of them, those of baselines, the rest."""
    depth = key.count(".")  # the method as a whole before its parts
    if key in heads:
        return 0, depth
    if any(key.endswith(f".{head}") for head in heads):
        return (2 if _is_baseline(key) else 1), depth
    return 3, depth


def headline_keys(card: Method | None) -> list[str]:
    return [metric.key for metric in card.metrics if metric.headline] if card else []


def parameters(job: Job, card: Method | None, parent: Job | None) -> list[dict[str, Any]]:
    """Each parameter with its title, and what default, parent job and the job now have instead."""
    defaults = card.defaults() if card else {}
    fields = card.params.model_fields if card else {}
    now = job.params_now
    known = [*fields, *(name for name in job.params if name not in fields)]
    return [
        {
            "name": name,
            "title": (fields[name].title if name in fields else "") or name,
            "value": job.params.get(name),
            "now": now.get(name),
            "moved": now.get(name) != job.params.get(name),
            "default": defaults.get(name),
            "changed": name in defaults and job.params.get(name) != defaults[name],
            "parent": parent.params.get(name) if parent else None,
            "differs": parent is not None and job.params.get(name) != parent.params.get(name),
        }
        for name in known
        if name in job.params
    ]


def finite(value: Any) -> float | None:
    """A number that can be drawn."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None
