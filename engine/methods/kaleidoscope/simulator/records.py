"""Stimulus and results of the core bench (rtl/bench), as text: the same for both simulators.

Stimulus, all hexadecimal: a header `transfers jobs level limit`; a line `kind addr part data` for
each transfer of the load port; a line `at model tag words word0 …` for each job, where a word is 64
digits, byte 31 first. A job is offered from cycle `at` on, in order. `level` 0 asks for
verdicts, 1 for issues too, 2 also for writes and, at the end, the activations of core 0, context 0.

Results, all hexadecimal, cycles counted from the end of loading: `A cycle tag` (accepted),
`V cycle tag class score anomaly logits`, `I cycle core context pc op`, `W cycle core context word
mask data`, `M word data`, and last `E cycles`. Logits: 1024 bits, class 0 lowest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.methods.kaleidoscope.image import Image
from engine.methods.kaleidoscope.isa import CLASSES, WORD
from engine.methods.kaleidoscope.simulator.process import ToolError
from engine.methods.kaleidoscope.simulator.run import RESULTS, STIMULUS

VERDICTS, ISSUES, WRITES = range(3)  # levels
UNKNOWN = 256
MOST = 1 << 16  # jobs: a tag has 16 bits


@dataclass(frozen=True)
class Job:
    """A job for the bench; payload int8 (words, 32)."""

    payload: NDArray[np.int8]
    model: int = 0
    at: int = 0


@dataclass(frozen=True)
class Records:
    """Of n jobs, in their order, and of all events in theirs.

    accepted, verdict: cycles, int64 (n,). klass int64 (n,), score int32 (n,), anomaly bool (n,),
    logits int32 (n, 32). issues int64 (i, 5): cycle, core, context, pc, op. writes int64 (w, 5):
    cycle, core, context, word, mask; with written int8 (w, 32). activations int16 (64, 32), UNKNOWN
    for a byte that is X, which Icarus keeps in words that nothing wrote; empty below level 2.
    """

    accepted: NDArray[np.int64]
    verdict: NDArray[np.int64]
    klass: NDArray[np.int64]
    score: NDArray[np.int32]
    anomaly: NDArray[np.bool_]
    logits: NDArray[np.int32]
    issues: NDArray[np.int64]
    writes: NDArray[np.int64]
    written: NDArray[np.int8]
    activations: NDArray[np.int16]
    cycles: int


def write_stimulus(
    folder: Path, image: Image, jobs: Sequence[Job], *, level: int = VERDICTS, limit: int = 1 << 30
) -> None:
    """`limit`: cycles after which the bench gives up. The tag of a job is its place."""
    if len(jobs) > MOST:
        raise ValueError(f"{len(jobs)} jobs, the bench takes {MOST}")
    stream = image.stream()
    lines = [f"{len(stream):x} {len(jobs):x} {level:x} {limit:x}"]
    lines += [
        f"{kind:x} {addr:x} {part:x} {_digits(data)}" for kind, addr, part, data in stream.tolist()
    ]
    for tag, job in enumerate(jobs):
        row = " ".join(map(_digits, job.payload))
        lines.append(f"{job.at:x} {job.model:x} {tag:x} {len(job.payload):x} {row}")
    (folder / STIMULUS).write_text("\n".join(lines) + "\n")


def read_results(folder: Path, *, jobs: int) -> Records:
    """Raises ToolError for a value that is not a number (X and Z), and for missing verdicts."""
    lines: dict[str, list[list[str]]] = {code: [] for code in "AVIWME"}
    for number, line in enumerate((folder / RESULTS).read_text().splitlines(), start=1):
        code, *cells = line.split()
        lines[code].append([str(number), *cells])
    if len(lines["V"]) != jobs or len(lines["A"]) != jobs or not lines["E"]:
        raise ToolError(f"{len(lines['V'])} verdicts of {jobs} jobs")
    accepted = {int(tag, 16): int(cycle, 16) for _, cycle, tag in lines["A"]}
    verdicts = {_number(v[2], v[0]): v for v in lines["V"]}
    ordered = [verdicts[tag] for tag in range(jobs)]
    facts = np.array([[_number(c, v[0]) for c in v[1:6]] for v in ordered], np.int64)
    return Records(
        accepted=np.array([accepted[tag] for tag in range(jobs)], np.int64),
        verdict=facts[:, 0],
        klass=facts[:, 2],
        score=facts[:, 3].astype(np.uint32).view(np.int32),
        anomaly=facts[:, 4] == 1,
        logits=np.array([_bytes(v[6], v[0]) for v in ordered]).view("<i4").reshape(-1, CLASSES),
        issues=_table(lines["I"]),
        writes=_table(lines["W"]),
        written=np.array([_bytes(w[6], w[0]) for w in lines["W"]]).view(np.int8).reshape(-1, WORD),
        activations=np.array([_word(m[2]) for m in lines["M"]], np.int16),
        cycles=int(lines["E"][0][1], 16),
    )


def _digits(data: bytes | NDArray) -> str:
    return bytes(data)[::-1].hex()


def _number(text: str, line: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise ToolError(f"{RESULTS} line {line}: {text} is not a number") from None


def _bytes(text: str, line: str) -> NDArray[np.uint8]:
    try:
        return np.frombuffer(bytes.fromhex(text)[::-1], np.uint8)
    except ValueError:
        raise ToolError(f"{RESULTS} line {line}: {text} is not a number") from None


def _table(lines: list[list[str]]) -> NDArray[np.int64]:
    return np.array([[_number(c, v[0]) for c in v[1:6]] for v in lines], np.int64).reshape(-1, 5)


def _word(text: str) -> list[int]:
    pairs = [text[k : k + 2] for k in range(0, len(text), 2)][::-1]
    return [
        (int(pair, 16) ^ 0x80) - 0x80 if set(pair) <= set("0123456789abcdef") else UNKNOWN
        for pair in pairs
    ]
