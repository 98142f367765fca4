"""What tables beside recordings say: labels, events; and recordings that are CSV.

A recording in text has a header, a first column of time and numbers in all others.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import loadtxt  # of lines in memory: it reads text alone

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Member, open_source, refuse_foreign
from engine.data.eeg.files import BLOCK, LIMITS, refuse_size, stem_of
from engine.data.eeg.naming import distinct, kind_of
from engine.data.eeg.recording import Annotation, Recording, Signal
from engine.data.kind import Report
from engine.data.tables import Row, separator_of

MAX_LINE = 1 << 20  # bytes
_TIME = re.compile(r"(time|timestamps?|times|seconds?|sec|t|samples?|index)\b", re.I)
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*hz", re.I)
_MILLI = re.compile(r"\bms\b|milli", re.I)
_EXPECTED = (
    "expected a first column of time in seconds, evenly spaced (time,Fp1,Fp2,…), or one that says "
    "the rate in its name (sample 250 Hz)"
)
# Columns of a table that gives each recording a label.
FILE_COLUMNS = ("file", "filename", "recording", "path", "name")
LABEL_COLUMNS = ("label", "class", "target", "y")


@dataclass(frozen=True, eq=False)
class Lines:
    """The signal of a CSV."""

    path: Path
    name: str
    separator: str
    samples: int

    def blocks(self, picks: Sequence[int]) -> Iterator[np.ndarray]:
        with open_source(self.path, LIMITS, again=True) as source:
            for rows in _numbers(source.members[self.name], self.separator):
                yield rows[:, [at + 1 for at in picks]].T.astype(np.float32)


def is_recording(member: Member) -> bool:
    """A header that begins with time, above a row of numbers alone; no table of events."""
    if stem_of(member.name).lower().endswith("events"):
        return False
    lines = member.head(MAX_LINE).decode("utf-8-sig", "replace").splitlines()[:2]
    if len(lines) < 2:
        return False
    separator = separator_of(lines[0])
    head, first = lines[0].split(separator), lines[1].split(separator)
    numbers = len(head) == len(first) > 1 and all(map(_is_number, first))
    return numbers and bool(_TIME.match(_bare(head[0])))


def read_recording(member: Member, path: Path, report: Report) -> Recording:
    """A CSV of time x channel, in microvolt."""
    refuse_foreign(member.head(), member.name)
    with member.open() as stream:
        head = _line(stream, member.name, 1).decode("utf-8-sig", "replace").strip("\r\n")
    separator = separator_of(head)
    names = [_bare(cell) for cell in head.split(separator)]
    if not _TIME.match(names[0]) or len(names) < 2:
        raise UserError(member.name, f"a first column {names[0][:30]!a}; {_EXPECTED}")
    samples, first, last, widest, narrowest = _times(member, separator)
    if not samples:
        raise UserError(member.name, "a header and no rows; expected a row for each sample")
    named = _RATE.search(names[0])
    if named:
        sfreq = float(named[1])
    else:
        sfreq = _rate_of(names[0], member.name, samples, last - first, narrowest, widest)
    if not 0 < sfreq < 1e6:
        raise UserError(member.name, f"{sfreq:g} Hz; {_EXPECTED}")
    channels = distinct([re.sub(r"\s*[(\[]\s*[uµμ]V\s*[)\]]$", "", name) for name in names[1:]])
    refuse_size(member.name, channels=len(channels), samples=samples)
    report.ok(member.name, f"{sfreq:g} Hz by the column {names[0][:30]!a}; read as microvolt")
    signal: Signal = Lines(path, member.name, separator, samples)
    return Recording(
        name=stem_of(member.name),
        file=member.name,
        sfreq=sfreq,
        channels=channels,
        kinds=tuple(map(kind_of, channels)),
        samples=samples,
        annotations=(),
        signal=signal,
    )


def annotations_of(rows: Sequence[Row], where: str, report: Report) -> tuple[Annotation, ...]:
    """Rows of a BIDS *_events.tsv: onset, duration, and trial_type (or value) as the text."""
    found, lost = [], []
    for number, row in enumerate(rows, start=2):
        text = row.get("trial_type") or row.get("value") or row.get("event_type") or ""
        if not text or text == "n/a":
            continue
        onset, lasted = _seconds(row.get("onset", "")), _seconds(row.get("duration", ""))
        if onset is None:
            lost.append((number, row.get("onset", "")))
        else:
            found.append(Annotation(onset, max(0.0, lasted or 0.0), text))
    if lost:
        number, cell = lost[0]
        report.warn(
            where,
            f"row {number}: onset {cell[:30]!a}; expected seconds: {counted(len(lost), 'row')} "
            "left out",
        )
    return tuple(sorted(found, key=lambda note: note.onset))


def label_columns(rows: Sequence[Row]) -> tuple[str | None, str | None]:
    """The names of a table's columns of files and of labels, as they are written in it."""
    columns = {name.lower(): name for name in rows[0]} if rows else {}
    file = next((columns[name] for name in FILE_COLUMNS if name in columns), None)
    return file, next((columns[name] for name in LABEL_COLUMNS if name in columns), None)


def labels_of(rows: Sequence[Row]) -> list[tuple[int, str, str]]:
    """(row, file, label) of a table with a column of files and one of labels; else nothing."""
    file, label = label_columns(rows)
    if file is None or label is None:
        return []
    return [
        (number, row[file], row[label])
        for number, row in enumerate(rows, start=2)
        if row[file] and row[label]
    ]


def _rate_of(
    name: str, where: str, samples: int, span: float, narrowest: float, widest: float
) -> float:
    """By the times themselves, which must be evenly spaced to a twentieth of a step."""
    if samples < 2 or span <= 0:
        raise UserError(where, f"times that do not rise; {_EXPECTED}")
    step = span / (samples - 1)
    if max(widest - step, step - narrowest) > 0.05 * step:
        raise UserError(where, f"steps of time from {narrowest:g} to {widest:g}; {_EXPECTED}")
    if re.match(r"samples?\b|index\b", name, re.I):
        raise UserError(where, f"a first column {name[:30]!a} counts samples; {_EXPECTED}")
    return round((1000 if _MILLI.search(name) else 1) / step, 3)


def _times(member: Member, separator: str) -> tuple[int, float, float, float, float]:
    """Rows, the first and the last time, and the widest and the narrowest step."""
    samples, first, last = 0, np.nan, np.nan
    widest, narrowest = -np.inf, np.inf
    for rows in _numbers(member, separator):
        times = rows[:, 0] if samples == 0 else np.concatenate(([last], rows[:, 0]))
        first = times[0] if samples == 0 else first
        steps = np.diff(times)
        if steps.size:
            widest, narrowest = max(widest, steps.max()), min(narrowest, steps.min())
        samples, last = samples + len(rows), float(times[-1])
    return samples, float(first), last, float(widest), float(narrowest)


def _numbers(member: Member, separator: str) -> Iterator[np.ndarray]:
    """(rows, columns) float64 below the header, some megabytes of whole lines at a time."""
    row = 2
    with member.open() as stream:
        width = _line(stream, member.name, 1).count(separator.encode()) + 1
        while raw := stream.read(BLOCK):
            raw += _line(stream, member.name, row)
            lines = raw.decode("utf-8", "replace").splitlines()
            while lines and not lines[-1].strip():
                lines.pop()
            if not lines:
                continue
            try:
                rows = loadtxt(lines, delimiter=separator, ndmin=2, comments=None)
            except ValueError:
                raise _wrong(lines, separator, width, row, where=member.name) from None
            if rows.shape != (len(lines), width):
                raise _wrong(lines, separator, width, row, where=member.name)
            yield rows
            row += len(lines)


def _wrong(lines: list[str], separator: str, width: int, row: int, *, where: str) -> UserError:
    """The first row that is not as many numbers as the header has names."""
    for at, line in enumerate(lines, start=row):
        cells = line.split(separator)
        if len(cells) != width:
            return UserError(
                where, f"row {at}: {len(cells)} cells; expected {width}, as the header"
            )
        for cell in cells:
            if not _is_number(cell):
                return UserError(where, f"row {at}: {cell.strip()[:30]!a}; expected a number")
    return UserError(where, f"row {row}: an empty line; expected numbers")


def _line(stream: io.BufferedReader, where: str, row: int) -> bytes:
    line = stream.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE:
        raise UserError(where, f"row {row}: over {MAX_LINE:,} bytes long; expected lines of text")
    return line


def _bare(cell: str) -> str:
    return cell.strip().strip('"').strip()


def _seconds(cell: str) -> float | None:
    number = float(cell) if _is_number(cell) else math.nan
    return number if math.isfinite(number) else None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
