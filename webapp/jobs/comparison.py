"""Jobs side by side: only the parameters that differ, their numbers, and means per group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.core import group as statistics
from engine.core.registry import methods
from webapp.jobs import results
from webapp.jobs.choices import of_job
from webapp.jobs.models import Group, Job

MOST_METRICS = 60
ASKED = ("seed", "method", "device", "threads")
INPUTS = ("inputs__version__dataset", "inputs__artifact__job")  # to prefetch for `differing`


def differing(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Parameters and the like in which these jobs differ; a missing one differs from any value.

    `values` are as scripts submit them, `words` as people read them, in the order of the jobs.
    """
    chosen = [of_job(job.inputs.all()) for job in jobs]
    called = [_called(job) for job in jobs]
    params = [job.params for job in jobs]
    rows = [_row(name, [getattr(job, name) for job in jobs]) for name in ASKED]
    rows += [_row(name, _column(chosen, name), _column(called, name)) for name in _names(chosen)]
    rows += [_row(name, _column(params, name)) for name in _names(params)]
    return [
        {**row, "title": _title(jobs, row["name"])}
        for row in rows
        if any(value != row["values"][0] for value in row["values"][1:])
    ]


def _row(name: str, values: list[Any], words: list[Any] | None = None) -> dict[str, Any]:
    return {"name": name, "values": values, "words": values if words is None else words}


def _column(mappings: Sequence[dict[str, Any]], name: str) -> list[Any]:
    return [mapping.get(name) for mapping in mappings]


def _names(mappings: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _called(job: Job) -> dict[str, str]:
    return {
        row.name: str(row.version) if row.version else f"{row.artifact} of {row.artifact.job}"
        for row in job.inputs.all()
    }


def _title(jobs: Sequence[Job], name: str) -> str:
    for job in jobs:
        card = methods().get(job.method)
        if card and name in card.params.model_fields:
            return card.params.model_fields[name].title or name
    return name


def summary(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Each metric of any summary over the jobs; headline metrics first, then by name."""
    keys = {key for job in jobs for key in job.summary}
    heads = [
        metric.key
        for slug in {job.method for job in jobs}
        if slug in methods()
        for metric in methods()[slug].metrics
        if metric.headline
    ]
    ordered = sorted(keys, key=lambda key: (key not in heads, results.natural(key)))
    return [
        {"key": key, "values": [job.summary.get(key) for job in jobs], "best": _best(jobs, key)}
        for key in ordered[:MOST_METRICS]
    ]


def _best(jobs: Sequence[Job], key: str) -> list[int]:
    """The places of the best value, where the card says which way is better and they differ."""
    card = methods().get(jobs[0].method)
    metric = card.metric(key) if card else None
    values = [(results.finite(job.summary.get(key)), place) for place, job in enumerate(jobs)]
    known = [(value, place) for value, place in values if value is not None]
    if metric is None or not metric.better or len({value for value, _ in known}) < 2:
        return []
    best, _ = (max if metric.better == "higher" else min)(known)
    return [place for value, place in known if value == best]


def groups(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Mean and 95 % interval of each group among the jobs that is there with two or more."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        if job.group_id and job.summary:
            found.setdefault(job.group_id, []).append(job)
    return [
        {"group": members[0].group, "count": len(members), "rows": intervals(members)}
        for members in found.values()
        if len(members) > 1
    ]


def intervals(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Per metric: n, mean, deviation and half of the 95 % t-interval."""
    summaries = [job.summary for job in jobs if job.summary]
    if not summaries:
        return []
    means, spread = statistics.means(summaries), statistics.spread(summaries)
    card = results.card_of(jobs[0])
    heads = [metric.key for metric in results.headline(card, means)]
    ordered = sorted(means, key=lambda key: (key not in heads, results.natural(key)))
    return [
        {"key": key, "mean": means[key], "headline": key in heads, **spread[key]} for key in ordered
    ]


def paired(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The method minus each baseline, seed by seed, in its headline metrics."""
    summaries = [job.summary for job in jobs if job.summary]
    card = results.card_of(jobs[0]) if jobs else None
    heads = {metric.key for metric in card.metrics if metric.headline} if card else set()
    rows = []
    for name, metrics in statistics.paired(summaries).items():
        known = card.baselines if card else ()
        title = next((baseline.title for baseline in known if baseline.name == name), name)
        rows += [
            {"baseline": title, "key": key, **about}
            for key, about in metrics.items()
            if key in heads
        ]
    return rows


def group_jobs(group: Group) -> list[Job]:
    """By seed; jobs that were tried again keep their place."""
    rows = group.jobs.select_related("project", "group").prefetch_related("verifications")
    return list(rows.order_by("seed", "pk"))
