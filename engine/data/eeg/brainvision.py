"""BrainVision: a header of text that names a file of samples and one of markers.

Both names are looked up among the members of the upload, beside the header, and nowhere else.
After the BrainVision Core Data Format 1.0 (brainproducts.com).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member, open_source
from engine.data.eeg.edf import MAX_ANNOTATIONS, MICROVOLT
from engine.data.eeg.files import (
    BLOCK,
    LIMITS,
    MAX_CHANNELS,
    Files,
    partner,
    refuse_other_format,
    refuse_size,
    stem_of,
)
from engine.data.eeg.naming import kind_of, numbered
from engine.data.eeg.recording import Annotation, Position, Recording
from engine.data.kind import Report

MAX_HEADER = 16 << 20  # bytes of a header or of a file of markers
TYPES = {"INT_16": "<i2", "INT_32": "<i4", "IEEE_FLOAT_32": "<f4"}
RADIUS = 0.095  # metres, of a head on which angles alone are given
_PAIR = re.compile(r"\s*([^=;]+?)\s*=\s*(.*?)\s*")
_NO_NOTE = {"new segment", "voltage", "sync status"}  # markers of the amplifier itself

Sections = dict[str, dict[str, str]]


@dataclass(frozen=True, eq=False)
class Samples:
    """The signal of a file of plain numbers, sample after sample or channel after channel."""

    path: Path
    name: str
    dtype: np.dtype
    channels: int
    samples: int
    gains: np.ndarray  # (channels,) microvolt per step
    vectorized: bool = False  # channel after channel

    def blocks(self, picks: Sequence[int]) -> Iterator[np.ndarray]:
        gains = self.gains[list(picks), None].astype(np.float32)
        with (
            open_source(self.path, LIMITS, again=True) as source,
            source.members[self.name].open() as stream,
        ):
            if self.vectorized:
                yield self._channels(stream, picks) * gains
                return
            row = self.channels * self.dtype.itemsize
            step = max(1, BLOCK // row)
            for start in range(0, self.samples, step):
                raw = stream.read(min(step, self.samples - start) * row)
                rows = np.frombuffer(raw, self.dtype).reshape(-1, self.channels)
                yield rows[:, list(picks)].T.astype(np.float32) * gains

    def _channels(self, stream, picks: Sequence[int]) -> np.ndarray:
        out = np.empty((len(picks), self.samples), np.float32)
        for at in range(self.channels):
            raw = stream.read(self.samples * self.dtype.itemsize)
            for row in (row for row, pick in enumerate(picks) if pick == at):
                out[row] = np.frombuffer(raw, self.dtype)
        return out


def read_brainvision(member: Member, path: Path, files: Files, report: Report) -> Recording:
    refuse_other_format(member, ".vhdr")
    where = member.name
    sections = _sections(member)
    common = _section(sections, "common infos", where)
    if common.get("dataformat", "BINARY").upper() != "BINARY":
        raise UserError(where, f"DataFormat={common['dataformat'][:20]}; expected BINARY")
    data = partner(files, member, common.get("datafile", ""), field_="DataFile")
    binary = _section(sections, "binary infos", where)
    kind = binary.get("binaryformat", "").upper()
    if kind not in TYPES:
        raise UserError(where, f"BinaryFormat={kind[:20]!a}; expected one of {', '.join(TYPES)}")
    count = int(_number(common, "numberofchannels", where))
    interval = _number(common, "samplinginterval", where)  # microseconds
    if not 0 < count <= MAX_CHANNELS or not interval > 0:
        raise UserError(
            where, f"{count} channels, one sample in {interval:g} µs; expected both > 0"
        )
    sfreq = round(1e6 / interval, 6)
    names, gains, kinds = _channels(sections, count, where=where)
    dtype = np.dtype(TYPES[kind])
    samples, over = divmod(data.size, count * dtype.itemsize)
    if over:
        report.warn(
            data.name, f"{over:,} bytes behind the last whole sample of {count} channels; left out"
        )
    refuse_size(data.name, channels=count, samples=samples)
    orientation = common.get("dataorientation", "MULTIPLEXED").upper()
    if orientation not in ("MULTIPLEXED", "VECTORIZED"):
        raise UserError(
            where, f"DataOrientation={orientation[:20]!a}; expected MULTIPLEXED or VECTORIZED"
        )
    channels = numbered(names, where, report)
    return Recording(
        name=stem_of(member.name),
        file=member.name,
        sfreq=sfreq,
        channels=channels,
        kinds=kinds,
        samples=samples,
        annotations=_markers(member, files, common, sfreq=sfreq, report=report),
        signal=Samples(path, data.name, dtype, count, samples, gains, orientation == "VECTORIZED"),
        positions=_positions(sections, channels),
    )


def _sections(member: Member) -> Sections:
    raw = member.read(MAX_HEADER)
    found: Sections = {}
    section: dict[str, str] = {}
    for line in decoded(raw).splitlines():
        if line.startswith("[") and line.rstrip().endswith("]"):
            section = found.setdefault(line.strip()[1:-1].strip().lower(), {})
        elif not line.startswith(";") and (match := _PAIR.fullmatch(line)):
            section.setdefault(match[1].lower(), match[2])
    return found


def decoded(raw: bytes) -> str:
    """UTF-8, as version 1.0 has it from 2016 on; before that the code page of the machine."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _section(sections: Sections, name: str, where: str) -> dict[str, str]:
    try:
        return sections[name]
    except KeyError:
        raise UserError(where, f"no section [{name.title()}]; expected one") from None


def _number(section: dict[str, str], key: str, where: str) -> float:
    try:
        return float(section[key])
    except (KeyError, ValueError):
        raise UserError(where, f"{key}={section.get(key, '')[:20]!a}; expected a number") from None


def _channels(
    sections: Sections, count: int, *, where: str
) -> tuple[tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """Names, microvolt per step and kinds: `Ch1=Fp1,,0.1,µV`; a comma in a name is `\\1`."""
    given = _section(sections, "channel infos", where)
    names, kinds, gains = [], [], np.ones(count)
    for at in range(count):
        entry = given.get(f"ch{at + 1}")
        if entry is None:
            raise UserError(
                where, f"no Ch{at + 1} under [Channel Infos]; expected {count} channels"
            )
        name, _, step, unit = [*entry.split(","), "", "", ""][:4]
        names.append(name.replace("\\1", ",").strip() or f"Ch{at + 1}")
        try:
            gains[at] = float(step or 1) * MICROVOLT.get((unit or "µV").strip().lower(), 1.0)
        except ValueError:
            raise UserError(where, f"Ch{at + 1}: step {step[:20]!a}; expected a number") from None
        voltage = (unit or "µV").strip().lower() in MICROVOLT
        kind = kind_of(names[-1])
        kinds.append(kind if voltage or kind != "eeg" else "misc")
    return tuple(names), gains, tuple(kinds)


def _markers(
    member: Member, files: Files, common: dict[str, str], *, sfreq: float, report: Report
) -> tuple[Annotation, ...]:
    """`Mk2=Stimulus,S  1,1501,1,0`: type, description, position from 1, length in samples."""
    named = common.get("markerfile", "")
    if not named:
        return ()
    found, odd = [], 0
    marks = partner(files, member, named, field_="MarkerFile")
    for key, entry in _sections(marks).get("marker infos", {}).items():
        if not re.fullmatch(r"mk\d+", key):
            continue
        kind, text, at, length = [*entry.split(","), "", "", "", ""][:4]
        if kind.strip().lower() in _NO_NOTE:
            continue
        try:
            onset, lasted = (int(at) - 1) / sfreq, max(0, int(length or 0)) / sfreq
        except ValueError:
            odd += 1
            continue
        text = text.replace("\\1", ",").strip() or kind.strip()
        found.append(Annotation(round(onset, 6), round(lasted, 6), text))
        if len(found) > MAX_ANNOTATIONS:
            raise UserError(marks.name, f"over {MAX_ANNOTATIONS:,} markers, the most allowed")
    if odd:
        report.warn(marks.name, f"{odd:,} markers without a position; left out")
    return tuple(sorted(found, key=lambda note: note.onset))


def _positions(sections: Sections, channels: tuple[str, ...]) -> dict[str, Position]:
    """[Coordinates] are radius, theta and phi in degrees; a radius of 1 is a head's, else mm."""
    found = {}
    for at, channel in enumerate(channels):
        entry = sections.get("coordinates", {}).get(f"ch{at + 1}", "")
        try:
            radius, theta, phi = (float(part) for part in entry.split(","))
        except ValueError:
            continue
        if radius == 0:
            continue
        metres = RADIUS if radius == 1 else radius / 1000
        polar, around = np.deg2rad(theta), np.deg2rad(phi)
        found[channel] = (
            float(metres * np.sin(polar) * np.cos(around)),
            float(metres * np.sin(polar) * np.sin(around)),
            float(metres * np.cos(polar)),
        )
    return found
