"""The flow table as a Python dict: what kal_flowtable and kal_verdicts must do, said plainly.

A reference for tests and for the job's own verification: one packet after the other, no hardware
in mind. The rules are those of the brief (1.4) with our choices where it leaves them open: a
collision is told by eight check bits; an idle row starts anew whoever comes; packets and bytes are
counted over both directions; an elephant job needs `least_stored` payloads in the history.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.methods.kaleidoscope.stimulus import Settings

STORED = 8  # payloads kept for the elephant model

STATES = ("new", "mouse", "elephant_pending", "elephant_done")
DECISION = np.dtype(
    [
        ("row", "u2"),
        ("started", "?"),
        ("expired", "?"),
        ("evicted", "?"),
        ("kept", "?"),
        ("mouse", "?"),
        ("elephant", "?"),
        ("generation", "u1"),
        ("stored", "u1"),
        ("count", "u2"),
        ("bytes", "u4"),
        ("found", "?"),
        ("found_elephant", "?"),
        ("class", "u1"),
    ]
)


@dataclass
class Row:
    """One flow in its row."""

    check: int
    generation: int = 0
    count: int = 0
    bytes: int = 0
    last: int = 0
    stored: int = 0
    mouse: bool = False  # a job was asked for
    elephant: bool = False
    verdicts: dict[str, int] = field(default_factory=dict)  # kind: class, of this flow alone

    @property
    def state(self) -> str:
        """Of STATES, as the brief names them; `mouse` once the flow has a mouse verdict."""
        if "elephant" in self.verdicts:
            return "elephant_done"
        if self.elephant:
            return "elephant_pending"
        return "mouse" if "mouse" in self.verdicts else "new"


def decide(
    settings: Settings,
    *,
    h: int,
    time: NDArray,
    look: NDArray,
    hashes: NDArray,
    checks: NDArray,
    sizes: NDArray,
    payload: NDArray,
    verdicts: NDArray | None = None,
) -> tuple[NDArray, dict[int, Row]]:
    """Decisions (N,) of DECISION, and the rows that are left.

    time, look (N,): cycles of a packet's first beat and of its look-up; hashes, checks, sizes (IP
    bytes), payload (N,). verdicts: of replay.VERDICT, by their writing; one is seen by look-ups in
    later cycles than its own.
    """
    rows: dict[int, Row] = {}
    out = np.zeros(len(time), DECISION)
    pending = _by_writing(verdicts)
    columns = zip(
        *(np.asarray(c).tolist() for c in (time, look, hashes, checks, sizes, payload)),
        strict=True,
    )
    for n, (now, looked, hash_, check, size, has_payload) in enumerate(columns):
        while pending and pending[-1][0] < looked:
            _write(rows, pending.pop())
        index = hash_ & (1 << h) - 1
        row = rows.get(index)
        expired = row is not None and 0 < settings.timeout < now - row.last
        other = row is not None and not expired and row.check != check
        if row is not None and other and settings.keep:
            out[n] = (index, 0, 0, 0, 1, 0, 0, row.generation, row.stored, 0, 0, 0, 0, 0)
            continue
        started = row is None or expired or other
        if row is None or started:
            row = Row(check, ((row.generation if row else 0) + 1) % 256)
            rows[index] = row
        row.count = min(row.count + 1, 0xFFFF)
        row.bytes = min(row.bytes + size, 0xFFFFFFFF)
        row.last = now
        row.stored += bool(has_payload) and row.stored < STORED
        heavy = row.count >= settings.threshold or row.bytes >= settings.byte_threshold
        mouse = settings.mouse_on and bool(has_payload) and (settings.every or not row.mouse)
        elephant = (
            settings.elephant_on
            and not row.elephant
            and heavy
            and row.stored >= settings.least_stored
        )
        row.mouse, row.elephant = row.mouse or mouse, row.elephant or elephant
        kind = "elephant" if "elephant" in row.verdicts else "mouse"
        found = kind in row.verdicts
        out[n] = (
            *(index, started, expired, other, False, mouse, elephant),
            *(row.generation, row.stored, row.count, row.bytes),
            *(found, found and kind == "elephant", row.verdicts.get(kind, 0)),
        )
    for verdict in reversed(pending):
        _write(rows, verdict)
    return out, rows


Written = tuple[int, int, int, str, int]  # cycle, row, generation, kind, class


def _by_writing(verdicts: NDArray | None) -> list[Written]:
    """Latest first."""
    if verdicts is None:
        return []
    kinds = np.where(verdicts["elephant"] > 0, "elephant", "mouse").tolist()
    columns = [verdicts[name].tolist() for name in ("done", "row", "generation")]
    written = list(zip(*columns, kinds, verdicts["class"].tolist(), strict=True))
    return sorted(written, key=lambda verdict: -verdict[0])


def _write(rows: dict[int, Row], verdict: Written) -> None:
    _, index, generation, kind, class_ = verdict
    row = rows.get(index)
    if row is not None and row.generation == generation:
        row.verdicts[kind] = class_
