"""Recordings of EEG, and windows that were cut out of such before the upload.

Signals are microvolt throughout. A recording reads its samples when it is asked for them, and
only then: of a set of many hours no more than one recording needs to be in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from engine.core.errors import UserError
from engine.data.eeg.naming import kind_of, places_of, standard_name, subject_of
from engine.data.kind import Line
from engine.data.tables import Row

Position = tuple[float, float, float]  # metres in the head's frame: right, front, up


@dataclass(frozen=True)
class Annotation:
    onset: float  # seconds from the first sample
    duration: float  # seconds
    text: str


class Signal(Protocol):
    """Where the samples of a recording come from."""

    def blocks(self, picks: Sequence[int]) -> Iterator[np.ndarray]:
        """(len(picks), t) float32, microvolt: the channels at these places, a while at a time."""


@dataclass(frozen=True, eq=False)
class Recording:
    name: str  # the member's path without its suffix: "S001/S001R04"
    file: str  # the member's path
    sfreq: float  # Hz
    channels: tuple[str, ...]  # as in the file; names that come twice are numbered
    kinds: tuple[str, ...]  # of each channel, one of naming.KINDS
    samples: int
    annotations: tuple[Annotation, ...]
    signal: Signal = field(repr=False)
    positions: dict[str, Position] = field(default_factory=dict, repr=False)  # of some channels

    @property
    def seconds(self) -> float:
        return self.samples / self.sfreq

    @property
    def subject(self) -> str:
        return subject_of(self.name)

    @property
    def eeg(self) -> tuple[str, ...]:
        """The channels that are EEG, by their names in the file."""
        pairs = zip(self.channels, self.kinds, strict=True)
        return tuple(channel for channel, kind in pairs if kind == "eeg")

    def blocks(self, channels: Sequence[str] | None = None) -> Iterator[np.ndarray]:
        """(C, t) float32, microvolt, one stretch of time after the other; all channels if None."""
        yield from self.signal.blocks(self._places(channels))

    def read(self, channels: Sequence[str] | None = None) -> np.ndarray:
        """(C, samples) float32, microvolt; refuses values that are no numbers."""
        picks = self._places(channels)
        signal = np.empty((len(picks), self.samples), np.float32)
        at = 0
        for block in self.signal.blocks(picks):
            odd = ~np.isfinite(block)
            if odd.any():
                place = int(odd.any(axis=1).argmax())
                second = (at + int(odd[place].argmax())) / self.sfreq
                raise UserError(
                    self.file,
                    f"channel {self.channels[picks[place]]}: NaN or infinite at {second:.3f} s; "
                    "expected numbers",
                )
            signal[:, at : at + block.shape[1]] = block
            at += block.shape[1]
        if at != self.samples:
            raise UserError(self.file, f"{at:,} samples came out; expected {self.samples:,}")
        return signal

    def _places(self, channels: Sequence[str] | None) -> list[int]:
        """Channels may be asked for by the file's name, or by the standard one."""
        if channels is None:
            return list(range(len(self.channels)))
        known = places_of(self.channels)
        places = [known.get(name, known.get(standard_name(name))) for name in channels]
        if None in places:
            absent = channels[places.index(None)]
            raise UserError(self.file, f"no channel {absent!a}; expected one of the recording")
        return places


@dataclass(frozen=True, eq=False)
class Cut:
    """Windows that were cut before the upload."""

    x: np.ndarray  # (n, C, T) float32, microvolt
    y: np.ndarray | None  # (n,) labels: whole numbers, texts, or fractions
    subject: np.ndarray | None  # (n,) texts
    sfreq: float  # Hz
    channels: tuple[str, ...]  # (C,)

    @property
    def eeg(self) -> tuple[str, ...]:
        """The channels that are EEG by their names."""
        return tuple(name for name in self.channels if kind_of(name) == "eeg")

    @property
    def common(self) -> tuple[str, ...]:
        """Their standard names, each once."""
        return tuple(dict.fromkeys(map(standard_name, self.eeg)))

    @property
    def numeric(self) -> bool:
        """Whether the labels are fractions, and so no classes."""
        return self.y is not None and self.y.dtype.kind == "f"

    @property
    def seconds(self) -> float:
        """Of all windows together."""
        return self.x.shape[0] * self.x.shape[2] / self.sfreq


@dataclass(frozen=True, eq=False)
class Recordings:
    """What an upload holds: recordings or cut windows, never both, and tables beside them."""

    recordings: tuple[Recording, ...]
    cut: Cut | None
    tables: dict[str, tuple[Row, ...]]  # CSV and TSV members by path
    remarks: tuple[Line, ...] = ()  # what a check warns of that reads no samples

    @property
    def subjects(self) -> tuple[str, ...]:
        if self.cut is not None:
            return () if self.cut.subject is None else tuple(map(str, np.unique(self.cut.subject)))
        return tuple(dict.fromkeys(recording.subject for recording in self.recordings))

    @property
    def common(self) -> tuple[str, ...]:
        """Standard names of the EEG channels that all have, in the order of the first."""
        if self.cut is not None:
            return self.cut.common
        names = [tuple(map(standard_name, recording.eeg)) for recording in self.recordings]
        others = set(names[0]).intersection(*names[1:])
        return tuple(name for name in dict.fromkeys(names[0]) if name in others)
