"""The result files of the replay bench as NumPy arrays (little-endian, one dtype each)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VERDICT = np.dtype(
    [
        ("packet", "<u4"),  # number of the packet, or of the job
        ("elephant", "<u4"),
        ("first", "<u4"),  # cycle of the packet's first beat
        ("last", "<u4"),  # of the beat with the last needed payload byte
        ("enqueue", "<u4"),  # into the job FIFO
        ("start", "<u4"),  # a core accepts it
        ("done", "<u4"),  # the verdict is written, at the end of this cycle
        ("core", "<u4"),
        ("row", "<u2"),
        ("generation", "u1"),
        ("_", "u1"),
        ("class", "<u4"),
        ("score", "<i4"),
        ("anomaly", "<u4"),
        ("logits", "<i4", (32,)),
    ]
)
PACKET = np.dtype(
    [
        ("packet", "<u4"),
        ("hash", "<u2"),
        ("generation", "u1"),
        ("flags", "u1"),  # bit i: FLAGS[i]
        ("count", "<u2"),
        ("stored", "u1"),
        ("verdict", "u1"),  # found, by an elephant, 0, class 5
        ("bytes", "<u4"),
        ("cycle", "<u4"),  # of the look-up
    ]
)
FLAGS = ("started", "expired", "evicted", "kept", "store", "mouse", "elephant")
DEPTH = np.dtype(
    [
        ("cycle", "<u4"),
        ("mouse", "<u2"),  # most in the period
        ("elephant", "<u2"),
        ("busy", "<u4"),  # sum of busy contexts over its cycles
        ("mouse_drops", "<u4"),  # so far
        ("elephant_drops", "<u4"),
    ]
)
ISSUE = np.dtype(
    [
        ("cycle", "<u4"),
        ("pc", "<u2"),
        ("core", "u1"),
        ("op", "u1"),  # context << 4 | op
        ("busy", "u1"),  # contexts, one bit each
        ("issue", "u1"),  # 0: only `busy` has changed
        ("_", "<u2"),
    ]
)
COUNTERS = (
    "cycles",
    "packets",
    "unparsed",
    "with_payload",
    "flows",  # begun
    "expired",
    "collisions",
    "evictions",
    "kept_out",
    "cut",
    "mouse_jobs",  # asked for, dropped ones included
    "mouse_drops",
    "mouse_started",
    "mouse_verdicts",
    "elephant_jobs",
    "elephant_drops",
    "elephant_started",
    "elephant_verdicts",
    "overruns",
)
CYCLES = {"first", "last", "enqueue", "start", "done", "cycle"}  # fields that hold one
PER_CORE = 32  # counters before those of the cores
SHADOW = 248
SHADOW_COUNTERS = (
    "passed",  # packets out of the data plane
    "beats",
    "marked",  # with a class
    "stalls",
    "shortest",  # delay in cycles
    "longest",
    "hash_low",
    "hash_high",
)


@dataclass(frozen=True)
class Moment:
    """What the bench tells on its way."""

    cycles: int  # since the first packet or job
    verdicts: int
    mouse_depth: int  # most jobs in the FIFO since the moment before
    elephant_depth: int
    mouse_drops: int  # so far
    elephant_drops: int
    busy: tuple[int, ...]  # cycles so far in which each core had a job

    @classmethod
    def of(cls, told: tuple[int, ...]) -> Moment:
        """From the numbers of a line."""
        return cls(*told[:6], busy=told[6:])


@dataclass(frozen=True, eq=False)
class Results:
    """Of one run. Cycle 0 is that of the first packet or job."""

    counters: dict[str, int]
    shadow: dict[str, int]
    busy: NDArray[np.int64]  # (cores,) cycles
    issues: NDArray[np.int64]  # (cores,) instructions issued
    verdicts: NDArray  # VERDICT, in the order of writing
    packets: NDArray  # PACKET
    depths: NDArray  # DEPTH
    events: NDArray  # ISSUE

    @property
    def hash(self) -> int:
        """Of all beats that left the data plane."""
        return self.shadow["hash_high"] << 32 | self.shadow["hash_low"]

    def flag(self, name: str) -> NDArray[np.bool_]:
        """One of FLAGS, for each packet of the log."""
        return (self.packets["flags"] >> FLAGS.index(name) & 1).astype(bool)


def read(folder: Path, *, cores: int) -> Results:
    """Raises ValueError where a file is missing or incomplete: a run that did not end."""
    counters = _array(folder / "counters.bin", np.dtype("<u4")).astype(np.int64)
    if len(counters) != 257:
        raise ValueError(f"counters.bin: {len(counters)} values, expected 257; the run did not end")
    base, values = int(counters[0]), counters[1:]
    return Results(
        counters=dict(zip(COUNTERS, values.tolist(), strict=False)),
        shadow=dict(zip(SHADOW_COUNTERS, values[SHADOW:].tolist(), strict=True)),
        busy=values[PER_CORE : PER_CORE + cores],
        issues=values[PER_CORE + cores : PER_CORE + 2 * cores],
        verdicts=_since(base, _array(folder / "verdicts.bin", VERDICT)),
        packets=_since(base, _array(folder / "packets.bin", PACKET)),
        depths=_since(base, _array(folder / "depths.bin", DEPTH)),
        events=_since(base, _array(folder / "issues.bin", ISSUE)),
    )


def _since(base: int, records: NDArray) -> NDArray:
    """With `base` as cycle 0."""
    records = records.copy()
    for name in CYCLES.intersection(records.dtype.names or ()):
        records[name] -= base
    return records


def _array(path: Path, dtype: np.dtype) -> NDArray:
    if not path.is_file():
        raise ValueError(f"{path.name} is missing; the run did not begin")
    data = path.read_bytes()
    if len(data) % dtype.itemsize:
        raise ValueError(f"{path.name}: {len(data)} bytes are no whole number of records")
    return np.frombuffer(data, dtype)
