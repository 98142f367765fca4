"""EEGLAB .set: a MATLAB file with the struct EEG, whose samples lie in it or in an .fdt beside it.

The name of the .fdt is looked up among the members of the upload, beside the .set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member, open_source
from engine.data.eeg.brainvision import Samples
from engine.data.eeg.edf import MAX_ANNOTATIONS
from engine.data.eeg.files import LIMITS, Files, partner, refuse_size, stem_of
from engine.data.eeg.matlab import read_matlab
from engine.data.eeg.naming import KINDS, distinct, kind_of
from engine.data.eeg.recording import Annotation, Position, Recording
from engine.data.kind import Report

# EEGLAB's own frame is in millimetres on a head of 85; files in metres and centimetres exist.
SCALES = ((0.25, 1.0), (2.5, 0.1), (25.0, 0.01), (np.inf, 0.001))


@dataclass(frozen=True, eq=False)
class Inside:
    """Samples that lie in the .set itself."""

    path: Path
    name: str

    def blocks(self, picks: Sequence[int]) -> Iterator[np.ndarray]:
        with open_source(self.path, LIMITS, again=True) as source:
            data = _whole(_struct(source.members[self.name]))
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
    places = _listed(getattr(eeg, "chanlocs", None))
    labels = _labels(places, count, report=report, where=where)
    channels = distinct(labels)
    if channels != labels:
        report.warn(where, "channels of the same name are numbered, as C3-0 and C3-1")
    return Recording(
        name=stem_of(where),
        file=where,
        sfreq=sfreq,
        channels=channels,
        kinds=tuple(
            _kind(place, label)
            for place, label in zip(places or [None] * count, labels, strict=True)
        ),
        samples=samples,
        annotations=_annotations(eeg, sfreq, where=where, report=report),
        signal=signal,
        positions=_positions(places, channels),
    )


def _struct(member: Member) -> Any:
    """EEG, or the whole file where its fields were saved one by one."""
    variables = read_matlab(member)
    if "ALLEEG" in variables:
        raise UserError(member.name, "several data sets (ALLEEG); expected one, saved by itself")
    eeg = variables.get("EEG")
    if hasattr(eeg, "_fieldnames"):
        return eeg
    if {"nbchan", "srate", "data"} <= set(variables):
        return _Fields(variables)
    raise UserError(member.name, "no struct EEG; expected a data set saved by EEGLAB")


class _Fields:
    def __init__(self, variables: dict[str, Any]):
        self.__dict__.update(variables)


def _signal(
    eeg: Any, member: Member, path: Path, files: Files, *, shape: tuple[int, int]
) -> Inside | Samples:
    data = getattr(eeg, "data", None)
    if isinstance(data, str):
        named = member.name.rpartition("/")[2] if data.strip() == "EEG" else data
        found = partner(files, member, named, field_="EEG.data")
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
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "iuf":
        raise UserError(
            member.name, "EEG.data holds no numbers; expected samples or an .fdt's name"
        )
    if _whole(eeg).shape != shape:
        raise UserError(
            member.name, f"EEG.data of shape {data.shape}; expected {shape}, channels x samples"
        )
    return Inside(path, member.name)


def _whole(eeg: Any) -> np.ndarray:
    """(C, T); scipy squeezes a single channel to one axis."""
    data = np.asarray(eeg.data)
    return data[None] if data.ndim == 1 else data


def _number(eeg: Any, name: str, where: str, *, otherwise: float | None = None) -> float:
    value = getattr(eeg, name, otherwise)
    try:
        number = float(np.asarray(value, dtype=float).item())
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number) or number < 0:
        raise UserError(where, f"EEG.{name} is no number; expected one")
    return number


def _listed(value: Any) -> list[Any]:
    """The structs of an array of them; scipy gives one alone without an array."""
    if value is None or isinstance(value, str):
        return []
    return [one for one in np.atleast_1d(value).ravel() if hasattr(one, "_fieldnames")]


def _labels(places: list[Any], count: int, *, report: Report, where: str) -> tuple[str, ...]:
    if not places:
        report.warn(where, f"no names of channels: they are called EEG 001 to EEG {count:03d}")
        return tuple(f"EEG {at:03d}" for at in range(1, count + 1))
    if len(places) != count:
        raise UserError(
            where,
            f"{len(places)} names of channels (EEG.chanlocs); expected {count}, as nbchan says",
        )
    return tuple(str(getattr(place, "labels", "")).strip() or "?" for place in places)


def _kind(place: Any, label: str) -> str:
    said = str(getattr(place, "type", "")).strip().lower()
    return said if said in KINDS and said != "eeg" else kind_of(label)


def _annotations(eeg: Any, sfreq: float, *, where: str, report: Report) -> tuple[Annotation, ...]:
    """Events: `latency` counts samples from 1, `duration` is in samples too."""
    found, odd = [], 0
    events = _listed(getattr(eeg, "event", None))
    if len(events) > MAX_ANNOTATIONS:
        raise UserError(where, f"over {MAX_ANNOTATIONS:,} events, the most allowed")
    for event in events:
        try:
            onset = (float(event.latency) - 1) / sfreq
            lasted = float(np.nan_to_num(np.asarray(getattr(event, "duration", 0) or 0, float)))
            text = event.type
        except (AttributeError, TypeError, ValueError):
            odd += 1
            continue
        if isinstance(text, float) and text.is_integer():
            text = int(text)
        found.append(Annotation(round(onset, 6), round(max(0.0, lasted) / sfreq, 6), str(text)))
    if odd:
        report.warn(where, f"{odd:,} events without a latency or a type; left out")
    return tuple(sorted(found, key=lambda note: note.onset))


def _positions(places: list[Any], channels: tuple[str, ...]) -> dict[str, Position]:
    """EEGLAB's X points to the nose and Y to the left ear; ours are right, front, up."""
    found = {}
    for place, channel in zip(places, channels, strict=False):
        try:
            spot = np.array([-float(place.Y), float(place.X), float(place.Z)])
        except (AttributeError, TypeError, ValueError):
            continue
        if np.isfinite(spot).all() and spot.any():
            found[channel] = spot
    if not found:
        return {}
    radius = float(np.mean([np.linalg.norm(spot) for spot in found.values()]))
    scale = next(scale for most, scale in SCALES if radius < most)
    return {channel: tuple((spot * scale).tolist()) for channel, spot in found.items()}
