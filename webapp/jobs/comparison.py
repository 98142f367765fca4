"""Jobs side by side: only the parameters that differ, their numbers, and means per group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.core import group as statistics
from engine.core.registry import methods
from webapp.jobs import results
from webapp.jobs.models import Group, Job

MOST_METRICS = 60


def differing(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Parameters and the like in which these jobs differ; a missing one differs from any value."""
    rows = [("seed", [job.seed for job in jobs]), ("method", [job.method for job in jobs])]
    rows += [("device", [job.device for job in jobs]), ("threads", [job.threads for job in jobs])]
    rows += [(name, [inputs.get(name) for inputs in map(_inputs, jobs)]) for name in _names(jobs)]
    rows += [(name, [job.params.get(name) for job in jobs]) for name in _params(jobs)]
    return [
        {"name": name, "title": _title(jobs, name), "values": values}
        for name, values in rows
        if any(value != values[0] for value in values[1:])
    ]


def _inputs(job: Job) -> dict[str, str]:
    return {row.name: str(row.version or row.artifact) for row in job.inputs.all()}


def _names(jobs: Sequence[Job]) -> list[str]:
    return list(dict.fromkeys(row.name for job in jobs for row in job.inputs.all()))


def _params(jobs: Sequence[Job]) -> list[str]:
    return list(dict.fromkeys(name for job in jobs for name in job.params))


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
