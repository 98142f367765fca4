"""From the events of a batch to columns per key, and from columns to what JSON holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from webapp.metrics import reduce
from webapp.metrics.codec import Points

Logged = tuple[int, int, float, dict[str, float]]  # n, step, wall, {key: value}


def by_key(points: Sequence[Logged]) -> dict[str, Points]:
    """Each key's points in the order of n. A step beyond 64 bits is refused with its events."""
    if not points:
        return {}
    try:
        ns = np.array([point[0] for point in points], np.int64)
        steps = np.array([point[1] for point in points], np.int64)
    except OverflowError:
        events = f"events {points[0][0]} to {points[-1][0]}"
        raise ValueError(f"{events}: a step of at most 64 bits was expected") from None
    walls = np.array([point[2] for point in points], np.float64)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, point in enumerate(points):
        for key in point[3]:
            rows[key].append(row)
    whole = Points(ns, steps, walls, walls)
    return {
        key: _column(whole, own, [points[row][3][key] for row in own]) for key, own in rows.items()
    }


def as_lists(points: Points) -> dict[str, list]:
    """Columns as JSON holds them: a number that is not finite is None."""
    return {
        "n": points.n.tolist(),
        "step": points.step.tolist(),
        "wall": _finite(points.wall),
        "value": _finite(points.value),
    }


def shorten(points: Sequence[Logged], at_most: int = 200) -> dict[str, dict[str, Any]]:
    """A batch as live pages get it: columns per key, reduced."""
    return {
        key: as_lists(columns.take(reduce.choose(columns.value, at_most)))
        for key, columns in by_key(points).items()
    }


def _column(whole: Points, rows: list[int], values: list[float]) -> Points:
    """The points of one key, each n once."""
    chosen = whole if len(rows) == len(whole) else whole.take(np.array(rows))
    column = Points(chosen.n, chosen.step, chosen.wall, np.array(values, np.float64))
    if len(column) > 1 and not (column.n[1:] > column.n[:-1]).all():
        return column.take(np.unique(column.n, return_index=True)[1])
    return column


def _finite(column: np.ndarray) -> list[float | None]:
    if np.isfinite(column).all():
        return column.tolist()
    return [value if np.isfinite(value) else None for value in column.tolist()]
