"""What a flush sends to the live pages, small enough to be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from webapp.metrics import store as series

MOST = 60_000  # bytes of one message
POINTS = (200, 48, 12)  # per series: the most that fits is sent
LOG = 8_000  # characters of log in one message; `cut` tells pages to fetch the rest


def fitting(message: dict[str, Any], points: Sequence[series.Logged]) -> Mapping[str, Any] | None:
    """The points of a batch, reduced until the message fits; cuts its log, and says so.

    None where nothing fits: the page sees the gap at the next message and fetches all.
    """
    if "seq" not in message:
        return None
    if len(message["log"]) > LOG:
        message |= {"log": message["log"][-LOG:], "cut": True}
    room = MOST - len(json.dumps(message))
    for most in POINTS:
        shown = series.shorten(points, most)
        if len(json.dumps(shown)) <= room:
            return shown
    return None
