"""What a dataset's page shows of texts: how often each class is, how long rows are, the first rows.

Figures leave colours and fonts to the page's template.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data.class_bars import class_bars, short
from engine.data.text.table import Texts
from engine.data.text.tell import lengths

ROWS = 12  # of each part
COLUMNS = 12
LONGEST = 240  # characters of a cell
BINS = 40

Figure = dict[str, Any]


def picture(found: Texts) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    figures = [{"title": "Characters of a row", "figure": _lengths(found)}]
    if found.roles.label and found.labels(found.roles.label).classes:
        figures.insert(
            0, {"title": f"Rows by {short(found.roles.label, 60)}", "figure": _classes(found)}
        )
    return {"figures": figures, "tables": [_first(found, part) for part in found.parts]}


def _classes(found: Texts) -> Figure:
    name = str(found.roles.label)
    labels = found.labels(name)
    counts = {
        part: np.bincount(codes[codes >= 0], minlength=len(labels.classes))
        for part, codes in ((part, labels.codes[rows]) for part, rows in found.parts.items())
    }
    return class_bars(labels.classes, counts, x=name, y="rows")


def _lengths(found: Texts) -> Figure:
    """The last bar has the longest twentieth of a percent and what is above."""
    sizes = lengths(found)
    most = max(1, int(np.quantile(sizes, 0.9995)))
    edges = np.unique(np.linspace(0, most + 1, BINS + 1).astype(int))
    middle, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    return {
        "data": [
            {
                "type": "bar",
                "name": part,
                "x": middle.tolist(),
                "y": np.histogram(np.minimum(sizes[rows], most), edges)[0].tolist(),
                "width": width.tolist(),
            }
            for part, rows in found.parts.items()
        ],
        "layout": {
            "barmode": "stack",
            "bargap": 0,
            "xaxis": {"title": {"text": f"characters, the last bar up to {int(sizes.max()):,}"}},
            "yaxis": {"title": {"text": "rows"}},
        },
    }


def _first(found: Texts, part: str) -> dict[str, Any]:
    names = list(found.columns)[:COLUMNS]
    chosen = found.parts[part][:ROWS].tolist()
    more = f", {COLUMNS} of {len(found.columns):,} columns" if len(found.columns) > COLUMNS else ""
    return {
        "title": f"{part}, the first {len(chosen)} of {found.parts[part].size:,} rows{more}",
        "columns": ["row", *(short(name) for name in names)],
        "rows": [
            [found.place(row), *(short(found.columns[name][row], LONGEST) for name in names)]
            for row in chosen
        ],
    }
