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
    ns, steps, walls, numbers = zip(*points, strict=True)
    try:
        whole = Points(
            np.fromiter(ns, np.int64, len(ns)),
            np.fromiter(steps, np.int64, len(ns)),
            np.fromiter(walls, np.float64, len(ns)),
            np.empty(0),
        )
    except OverflowError:
        raise ValueError(
            f"events {ns[0]} to {ns[-1]}: a step of at most 64 bits was expected"
        ) from None
    return {
        key: _column(whole, own, [numbers[row][key] for row in own])
        for key, own in _rows(numbers).items()
    }


def _rows(numbers: Sequence[dict[str, float]]) -> dict[str, Sequence[int]]:
    """In which events each key stands; most batches have the same keys in all."""
    first = numbers[0].keys()
    if all(each.keys() == first for each in numbers):
        return dict.fromkeys(first, range(len(numbers)))
    rows: dict[str, Sequence[int]] = defaultdict(list)
    for row, each in enumerate(numbers):
        for key in each:
            rows[key].append(row)
    return rows


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


def _column(whole: Points, rows: Sequence[int], values: list[float]) -> Points:
    """The points of one key, each n once."""
    everywhere = len(rows) == len(whole)
    n, step, wall = (
        column if everywhere else column[np.array(rows)]
        for column in (whole.n, whole.step, whole.wall)
    )
    column = Points(n, step, wall, np.fromiter(values, np.float64, len(values)))
    if len(column) > 1 and not (column.n[1:] > column.n[:-1]).all():
        return column.take(np.unique(column.n, return_index=True)[1])
    return column


def _finite(column: np.ndarray) -> list[float | None]:
    if np.isfinite(column).all():
        return column.tolist()
    return [value if np.isfinite(value) else None for value in column.tolist()]
