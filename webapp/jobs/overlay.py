"""Curves of several jobs in one figure: each by itself, or mean and band when they are many.

Everything is reduced here, so that a page of a hundred jobs stays as light as one of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db.models import Count

from webapp.jobs.models import Job
from webapp.jobs.results import natural
from webapp.metrics import store
from webapp.metrics.models import Series

MOST_LINES = 20  # above this: mean and band
GRID = 200  # steps at which a band is drawn
MOST_KEYS = 6
MOST_LISTED = 300


def shared_keys(jobs: Sequence[Job]) -> list[tuple[str, int]]:
    """The series of these jobs with how many have each: the most shared first, and of those the
    ones of the method as a whole before its parts."""
    rows = Series.objects.filter(job__in=jobs, count__gt=0).exclude(key__startswith="system.")
    found = rows.values_list("key").annotate(jobs=Count("job"))
    ordered = sorted(found, key=lambda row: (-row[1], row[0].count("."), natural(row[0])))
    return ordered[:MOST_LISTED]


def figures(jobs: Sequence[Job], keys: Sequence[str], *, band: bool = False) -> list[dict]:
    """One figure per key, as the chart script draws it."""
    found = [figure(jobs, key, band=band) for key in keys[:MOST_KEYS]]
    return [one for one in found if one["data"]]


def figure(jobs: Sequence[Job], key: str, *, band: bool = False) -> dict[str, Any]:
    banded = band or len(jobs) > MOST_LINES
    points = 300 if banded or len(jobs) > 5 else 1000
    lines = []
    for job in jobs:
        series = store.read(job.pk, [key], points=points).get(key)
        if series and series["step"]:
            lines.append((job, series))
    if banded and len(lines) > 1:
        traces = _band([series for _, series in lines], key)
        if len(lines) <= MOST_LINES:
            traces = [_line(job, series, faint=True) for job, series in lines] + traces
    else:
        traces = [_line(job, series) for job, series in lines]
    return {
        "title": key,
        "data": traces,
        "layout": {"xaxis": {"title": {"text": "step"}}, "hovermode": "x unified"},
    }


def name_of(job: Job) -> str:
    return f"{job.name or job.method}, seed {job.seed}"


def _line(job: Job, series: dict[str, Any], *, faint: bool = False) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines" if len(series["step"]) > 1 else "markers",
        "name": name_of(job),
        "job": job.pk,
        "x": series["step"],
        "y": series["value"],
        "opacity": 0.35 if faint else 1,
    }


def _band(lines: Sequence[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Mean and one standard deviation to both sides, where at least two curves reach."""
    grid, mean, deviation = band(lines)
    if not len(grid):
        return []
    x = grid.tolist()
    edge = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    return [
        {**edge, "name": "mean − sd", "x": x, "y": (mean - deviation).tolist(),
         "showlegend": False},
        {**edge, "name": "mean + sd", "x": x, "y": (mean + deviation).tolist(),
         "showlegend": False, "fill": "tonexty", "fillcolor": "--tint"},
        {"type": "scatter", "mode": "lines", "name": f"mean of {len(lines)}, ± sd", "x": x,
         "y": mean.tolist(), "slot": 5},
    ]  # fmt: skip


def band(lines: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps, mean and sample standard deviation over the curves that reach each step."""
    curves = [_finite(line) for line in lines]
    curves = [(step, value) for step, value in curves if len(step)]
    if len(curves) < 2:
        return np.empty(0), np.empty(0), np.empty(0)
    grid = np.unique(np.concatenate([step for step, _ in curves]))
    if len(grid) > GRID:
        grid = grid[np.linspace(0, len(grid) - 1, GRID).round().astype(int)]
    table = np.array(
        [np.interp(grid, step, value, left=np.nan, right=np.nan) for step, value in curves]
    )
    reached = (~np.isnan(table)).sum(axis=0)
    grid, table, reached = grid[reached > 1], table[:, reached > 1], reached[reached > 1]
    mean = np.nansum(table, axis=0) / reached
    spread = np.nansum((table - mean) ** 2, axis=0) / (reached - 1)
    return grid, mean, np.sqrt(spread)


def _finite(line: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Steps in rising order with their finite values; of equal steps the last one counts."""
    step = np.asarray(line["step"], dtype=float)
    value = np.array([np.nan if v is None else v for v in line["value"]], dtype=float)
    step, value = step[np.isfinite(value)], value[np.isfinite(value)]
    step, place = np.unique(step[::-1], return_index=True)
    return step, value[::-1][place]
