"""How often each class is, drawn: for the dataset pages of all kinds whose rows have classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BARS = 30  # the smallest classes are summed up as "other"
LONGEST = 30  # characters of a name


def class_bars(
    classes: Sequence[str], counts: Mapping[str, np.ndarray], *, x: str, y: str
) -> dict[str, Any]:
    """A bar per class, of the parts on top of each other. counts: of each part, (classes,).

    Classes stand in their own order; where there are too many, the largest first."""
    order = np.argsort(-np.sum(list(counts.values()), axis=0), kind="stable")
    kept, rest = (order[:BARS], order[BARS:]) if order.size > BARS else (np.sort(order), order[:0])
    names = [short(classes[at]) for at in kept]
    names += [f"{rest.size} other"] if rest.size else []
    return {
        "data": [
            {
                "type": "bar",
                "name": part,
                "x": names,
                "y": [*some[kept].tolist(), *([int(some[rest].sum())] if rest.size else [])],
            }
            for part, some in counts.items()
        ],
        "layout": {
            "barmode": "stack",
            "xaxis": {"title": {"text": short(x)}, "type": "category"},
            "yaxis": {"title": {"text": y}},
        },
    }


def short(name: str, most: int = LONGEST) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
