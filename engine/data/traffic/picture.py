"""What a dataset's page shows of traffic: captures, classes, time, sizes and first bytes.

Figures leave colours and fonts to the page's template.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data.traffic.records import LINKS
from engine.data.traffic.traffic import Traffic

ROWS = 300  # of a table

Figure = dict[str, Any]
Table = dict[str, Any]


def picture(found: Traffic) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    return {"figures": [], "tables": [_captures(found)]}


def _captures(found: Traffic) -> Table:
    flows = np.bincount(found.flows.capture, minlength=len(found.captures))
    payload = np.bincount(
        found.flows.capture[found.flows.with_payload], minlength=len(found.captures)
    )
    rows = [
        [
            one.name,
            one.packets,
            int(flows[at]),
            int(payload[at]),
            round(one.seconds, 3),
            ", ".join(LINKS.get(link, f"link type {link}") for link in sorted(one.links)),
            sum(one.skipped.values()),
        ]
        for at, one in enumerate(found.captures[:ROWS])
    ]
    more = len(found.captures) - ROWS
    return {
        "title": f"Captures, the first {ROWS} of {ROWS + more:,}" if more > 0 else "Captures",
        "columns": [
            "capture",
            "packets",
            "flows",
            "with payload",
            "seconds",
            "links",
            "of no flow",
        ],
        "rows": rows,
    }
