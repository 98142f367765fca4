"""Traffic made by hand: flows with given payloads, in captures, with classes."""

from __future__ import annotations

import numpy as np

from engine.data.traffic.traffic import Flows, Labels, Traffic


def traffic_of(
    payloads: list[bytes],
    captures: list[int],
    *,
    lengths: list[list[int]] | None = None,
    gaps_ns: list[list[int]] | None = None,
) -> Traffic:
    """A flow per payload; an empty one is a flow without payload. Packets are not there."""
    count = len(payloads)
    first, history = np.zeros((count, 128), np.uint8), np.zeros((count, 8, 32), np.uint8)
    for flow, payload in enumerate(payloads):
        taken = np.frombuffer(payload[:128], np.uint8)
        first[flow, : len(taken)] = taken
        history[flow, 0] = first[flow, :32]
    known = {
        "capture": np.array(captures, np.int32),
        "first_payload_packet": np.array([0 if one else -1 for one in payloads], np.int32),
        "first_payload": first,
        "history": history,
        "history_lengths": _rows(lengths, count, np.int32),
        "history_gaps_ns": _rows(gaps_ns, count, np.int64),
    }
    rest = {name: None for name in Flows.__dataclass_fields__ if name not in known}
    return Traffic(None, Flows(**known, **rest), (), {})


def labelled(codes: list[int], classes: tuple[str, ...]) -> Labels:
    return Labels("class", "by hand", classes, np.array(codes, np.int32))


def _rows(rows: list[list[int]] | None, count: int, dtype: type) -> np.ndarray:
    found = np.zeros((count, 8), dtype)
    for flow, row in enumerate(rows or []):
        found[flow, : len(row)] = row
    return found
