"""EEGLAB .set: a MATLAB file with the struct EEG, whose samples lie in it or in an .fdt beside it.

The name of the .fdt is looked up among the members of the upload, beside the .set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Member, open_source
from engine.data.eeg.brainvision import Samples
from engine.data.eeg.edf import MAX_ANNOTATIONS
from engine.data.eeg.files import LIMITS, Files, partner, refuse_size, stem_of
from engine.data.eeg.matlab import Struct, Value, read_matlab
from engine.data.eeg.naming import KINDS, kind_of, numbered
from engine.data.eeg.recording import Annotation, Position, Recording
from engine.data.kind import Report

EEG = ("data", "nbchan", "pnts", "trials", "srate", "chanlocs", "event")
PLACES = ("labels", "type", "X", "Y", "Z")
EVENTS = ("type", "latency", "duration")
FIELDS = frozenset((*EEG, *PLACES, *EVENTS))
# EEGLAB's own frame is in millimetres on a head of 85; files in metres and centimetres exist.
SCALES = ((0.25, 1.0), (2.5, 0.1), (25.0, 0.01), (np.inf, 0.001))


@dataclass(frozen=True, eq=False)
class Inside:
    """Samples that lie in the .set itself."""

    path: Path
    name: str

    def blocks(self, picks: Sequence[int]) -> Iterator[np.ndarray]:
        with open_source(self.path, LIMITS, again=True) as source:
            data = np.asarray(_struct(source.members[self.name])["data"])
        with np.errstate(over="ignore"):  # infinite here, and refused with its place later
            yield data[list(picks)].astype(np.float32)


def read_eeglab(member: Member, path: Path, files: Files, report: Report) -> Recording:
    where = member.name
    eeg = _struct(member)
    trials = int(_number(eeg, "trials", where, otherwise=1))
    if trials > 1:
        raise UserError(
            where,
            f"{trials:,} epochs; expected a continuous recording (EEG.trials = 1), or the epochs "
            "as x, y, sfreq and ch_names in an npz",
        )
    count = int(_number(eeg, "nbchan", where))
    samples = int(_number(eeg, "pnts", where))
    sfreq = _number(eeg, "srate", where)
    refuse_size(where, channels=count, samples=samples)
    signal = _signal(eeg, member, path, files, shape=(count, samples))
    places = _structs(eeg.get("chanlocs"))
    labels = _labels(places, count, report=report, where=where)
    channels = numbered(labels, where, report)
    return Recording(
        name=stem_of(where),
        file=where,
        sfreq=sfreq,
        channels=channels,
        kinds=tuple(
            _kind(place, label) for place, label in zip(places or [{}] * count, labels, strict=True)
        ),
        samples=samples,
        annotations=_annotations(eeg, sfreq, where=where, report=report),
        signal=signal,
        positions=_positions(places, channels),
    )


def _struct(member: Member) -> Struct:
    """EEG, or the whole file where its fields were saved one by one."""
    variables = read_matlab(member, FIELDS)
    if "ALLEEG" in variables:
        raise UserError(member.name, "several data sets (ALLEEG); expected one, saved by itself")
    eeg = variables.get("EEG")
    if isinstance(eeg, list) and len(eeg) == 1 and isinstance(eeg[0], dict):
        return eeg[0]
    if {"nbchan", "srate", "data"} <= set(variables):
        return variables
    raise UserError(member.name, "no struct EEG; expected a data set saved by EEGLAB")


def _signal(
    eeg: Struct, member: Member, path: Path, files: Files, *, shape: tuple[int, int]
) -> Inside | Samples:
    data = eeg.get("data")
    if isinstance(data, str):
        found = partner(files, member, data.strip(), field_="EEG.data")
        if not found.name.lower().endswith(".fdt"):
            raise UserError(member.name, f"EEG.data is {data[:80]!a}; expected the name of an .fdt")
        wanted = 4 * shape[0] * shape[1]
        if found.size != wanted:
            raise UserError(
                found.name,
                f"{found.size:,} bytes; expected {wanted:,}: {shape[0]} channels x {shape[1]:,} "
                "samples of 4 bytes, as the .set says",
            )
        return Samples(path, found.name, np.dtype("<f4"), *shape, np.ones(shape[0]))
    if not isinstance(data, np.ndarray):
        raise UserError(
            member.name, "EEG.data holds no numbers; expected samples or an .fdt's name"
        )
    if data.shape != shape:
        raise UserError(
            member.name, f"EEG.data of shape {data.shape}; expected {shape}, channels x samples"
        )
    return Inside(path, member.name)


def _number(eeg: Struct, name: str, where: str, *, otherwise: float = np.nan) -> float:
    number = _scalar(eeg[name]) if name in eeg else otherwise
    if number is None or not np.isfinite(number) or number < 0:
        raise UserError(where, f"EEG.{name} is no number; expected one")
    return number


def _scalar(value: Value) -> float | None:
    return float(value.item()) if isinstance(value, np.ndarray) and value.size == 1 else None


def _structs(value: Value) -> list[Struct]:
    listed = value if isinstance(value, list) else []
    return [one for one in listed if isinstance(one, dict)]


def _labels(places: list[Struct], count: int, *, report: Report, where: str) -> tuple[str, ...]:
    if not places:
        report.warn(where, f"no names of channels: they are called EEG 001 to EEG {count:03d}")
        return tuple(f"EEG {at:03d}" for at in range(1, count + 1))
    if len(places) != count:
        raise UserError(
            where,
            f"{len(places)} names of channels (EEG.chanlocs); expected {count}, as nbchan says",
        )
    return tuple(_text(place.get("labels")) or "?" for place in places)


def _text(value: Value) -> str:
    """A text, or a number as one writes it: EEGLAB has both as names and as types of events."""
    number = _scalar(value)
    if number is not None:
        return f"{number:g}"
    return value.strip() if isinstance(value, str) else ""


def _kind(place: Struct, label: str) -> str:
    said = _text(place.get("type")).lower()
    return said if said in KINDS and said != "eeg" else kind_of(label)


def _annotations(
    eeg: Struct, sfreq: float, *, where: str, report: Report
) -> tuple[Annotation, ...]:
    """Events: `latency` counts samples from 1, `duration` is in samples too."""
    found, odd = [], 0
    events = _structs(eeg.get("event"))
    if len(events) > MAX_ANNOTATIONS:
        raise UserError(where, f"over {MAX_ANNOTATIONS:,} events, the most allowed")
    for event in events:
        latency, text = _scalar(event.get("latency")), _text(event.get("type"))
        if latency is None or not np.isfinite(latency) or not text:
            odd += 1
            continue
        lasted = _scalar(event.get("duration")) or 0.0
        lasted = max(0.0, lasted) / sfreq if np.isfinite(lasted) else 0.0
        found.append(Annotation(round((latency - 1) / sfreq, 6), round(lasted, 6), text))
    if odd:
        report.warn(where, f"{counted(odd, 'event')} without a latency or a type; left out")
    return tuple(sorted(found, key=lambda note: note.onset))


def _positions(places: list[Struct], channels: tuple[str, ...]) -> dict[str, Position]:
    """EEGLAB's X points to the nose and Y to the left ear; ours are right, front, up."""
    found = {}
    for place, channel in zip(places, channels, strict=False):
        x, y, z = (_scalar(place.get(axis)) for axis in "XYZ")
        if x is None or y is None or z is None:
            continue
        spot = np.array([-y, x, z])
        if np.isfinite(spot).all() and spot.any():
            found[channel] = spot
    if not found:
        return {}
    radius = float(np.mean([np.linalg.norm(spot) for spot in found.values()]))
    scale = next(scale for most, scale in SCALES if radius < most)
    return {channel: tuple((spot * scale).tolist()) for channel, spot in found.items()}
