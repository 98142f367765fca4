"""What a model's page shows: how large its parts are, how numbers spread, and every tensor.

Figures leave colours and fonts to the page's template.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from engine.data.model.families import BLOCK, bare
from engine.data.model.spread import Spread, measure
from engine.data.model.weights import Weights, type_of

ROWS = 1000  # of the table
TRACES = 24  # tensors of a block that are drawn
PARTS = 120  # bars

Figure = dict[str, Any]


def picture(found: Weights) -> dict[str, Any]:
    spreads = {key: measure(tensor) for key, tensor in found.tensors.items()}
    figures = [{"title": "Parameters by part", "figure": _sizes(found)}]
    by_block = _by_block(spreads)
    if by_block:
        figures.append({"title": "Standard deviation by block", "figure": _spread(by_block)})
    rows = [
        [
            key,
            " x ".join(map(str, tensor.shape)) or "one",
            type_of(tensor),
            tensor.numel(),
            *(_number(value) for value in (spreads[key].norm, spreads[key].std)),
        ]
        for key, tensor in list(found.tensors.items())[:ROWS]
    ]
    more = f", the first {ROWS:,} of {len(found.tensors):,}" if len(found.tensors) > ROWS else ""
    columns = ["tensor", "shape", "type", "parameters", "norm", "standard deviation"]
    return {
        "figures": figures,
        "tables": [{"title": f"Tensors{more}", "columns": columns, "rows": rows}],
    }


def _number(value: float) -> float | None:
    """Four digits of it; None of what double precision does not hold."""
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _part(key: str) -> str:
    """The block that a tensor is of, else the first word of its name."""
    name = bare(key)
    found = BLOCK.search(name)
    return name[: found.end() - 1] if found else name.partition(".")[0]


def _sizes(found: Weights) -> Figure:
    sizes: dict[str, int] = defaultdict(int)
    for key, tensor in found.tensors.items():
        sizes[_part(key)] += tensor.numel()
    parts = list(sizes)[:PARTS]
    return {
        "data": [{"type": "bar", "x": parts, "y": [sizes[part] for part in parts]}],
        "layout": {"xaxis": {"type": "category"}, "yaxis": {"title": {"text": "parameters"}}},
    }


def _by_block(spreads: dict[str, Spread]) -> dict[str, dict[int, float]]:
    """The standard deviation by a tensor's role and the number of its block."""
    roles: dict[str, dict[int, float]] = defaultdict(dict)
    for key, spread in spreads.items():
        found = BLOCK.search(key)
        if found and key.endswith("weight"):
            roles[key[found.end() :]][int(found[3])] = spread.std
    return dict(list(roles.items())[:TRACES])


def _spread(roles: dict[str, dict[int, float]]) -> Figure:
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": role,
            "x": sorted(found),
            "y": [_number(found[block]) for block in sorted(found)],
        }
        for role, found in roles.items()
    ]
    layout = {
        "xaxis": {"title": {"text": "block"}},
        "yaxis": {"title": {"text": "standard deviation"}, "rangemode": "tozero"},
    }
    return {"data": traces, "layout": layout}
