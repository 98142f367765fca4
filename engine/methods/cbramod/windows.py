"""From recordings to windows: channels, filters, rate and reference first, then the cut.

A whole recording is filtered and resampled before it is cut, so no window has edges of its own.
A window's label comes from the annotation that it begins with, from a table beside the recordings,
or from the recording's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import mne
import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.eeg.naming import places_of, standard_name
from engine.methods.cbramod import filters, labels
from engine.methods.cbramod.filters import RATE, prepared

if TYPE_CHECKING:
    from engine.data.eeg.recording import Cut, Recording, Recordings
    from engine.methods.cbramod.params import CBraModParams

SCALE = 100.0  # microvolt that the network sees as 1
TYPICAL = 10.0  # microvolt, the deviation of a channel whose scale is not fixed
FLAT = 1e-3  # microvolt; what deviates less stays as it is
UNNAMED = "all"  # the subject of windows of which nobody says whose they are
WHY = {  # a recording gives no window, by where labels come from
    "annotations": "no annotation, or none whose window lies inside",
    "table": "the table of labels does not name it",
    "name": "its name has no label",
    "none": "not long enough",  # by a sample
}


@dataclass(frozen=True, eq=False)
class Windows:
    x: np.ndarray  # (n, C, S * RATE) float32, microvolt
    y: np.ndarray | None  # (n,) int64, a place in `classes`, or float64
    classes: tuple[str, ...]  # none where labels are numbers
    subject: np.ndarray  # (n,) texts
    recording: np.ndarray  # (n,) texts
    start: np.ndarray  # (n,) seconds from the recording's first sample
    channels: tuple[str, ...]
    gain: np.ndarray | None = None  # (n, C) float32 that models multiply `x` by; None: by nothing
    named: bool = True  # whether anybody says whose the windows are
    left_out: tuple[str, ...] = ()  # lines about what gives no window

    def __len__(self) -> int:
        return len(self.x)

    @property
    def group(self) -> np.ndarray:
        """(n,) the place of each in `classes`; 0 where there are none."""
        return self.y if self.classes else np.zeros(len(self), np.int64)

    def label(self, place: int) -> str | float | None:
        """As it was given."""
        if self.y is None:
            return None
        return self.classes[self.y[place]] if self.classes else float(self.y[place])

    @property
    def scaled(self) -> np.ndarray:
        """(n, C, S, RATE), as the network takes them."""
        windows, channels, samples = self.x.shape
        found = self.levelled(slice(None)) / np.float32(SCALE)
        return found.reshape(windows, channels, samples // RATE, RATE)

    def levelled(self, which: slice | np.ndarray) -> np.ndarray:
        """(k, C, T) of some windows, as every model takes them."""
        x = self.x[which]
        return x if self.gain is None else x * self.gain[which][..., None]

    def loud(self, limit: float) -> np.ndarray:
        """(n,) whether a sample reaches `limit` microvolt."""
        found = np.zeros(len(self), bool)
        for channel in range(len(self.channels)):  # no copy of the whole
            found |= np.abs(self.x[:, channel]).max(axis=1) >= limit
        return found


def cut(
    found: Recordings, params: CBraModParams, *, labelled: bool, tick: Callable[[], None]
) -> Windows:
    """All windows of an upload. `tick` is called after each recording, and may raise to cancel."""
    filters.refuse(found, params)
    if found.cut is None:
        windows = _of_recordings(found, params, labelled=labelled, tick=tick)
    else:
        windows = _already_cut(found.cut, params, labelled=labelled)
    return replace(windows, gain=gains(windows, params))


def gains(windows: Windows, params: CBraModParams) -> np.ndarray | None:
    """(n, C) so that each channel of a subject, or of a recording, deviates by TYPICAL microvolt
    in its median window. Labels are not looked at. Ours."""
    if params.scale == "fixed":
        return None
    unit = windows.subject if params.scale == "subject" else windows.recording
    spread = np.stack([window.std(axis=1) for window in windows.x])  # no copy of the whole
    for name in np.unique(unit):
        here = unit == name
        spread[here] = np.median(spread[here], axis=0)
    return np.where(spread > FLAT, TYPICAL / np.maximum(spread, FLAT), 1).astype(np.float32)


def _of_recordings(
    found: Recordings, params: CBraModParams, *, labelled: bool, tick: Callable[[], None]
) -> Windows:
    channels = chosen_channels(found, params)
    source = labels.label_source(found, params) if labelled else "none"
    label_of = labels.of_recordings(found, params, source)
    pieces, told, subjects, names, starts = [], [], [], [], []
    silent, short, lost = [], [], 0
    for recording in found.recordings:
        label = label_of.get(recording.name)
        places, none = _places(recording, params, source, label)
        starts += [start for start, _ in places]
        told += [label for _, label in places]
        new = starts[len(names) :]
        lost += none
        if not new and _expected(recording, params, source, label):
            (short if recording.seconds < params.window else silent).append(recording.name)
        if new:
            signal = prepared(recording, channels, params)
            pieces.append(pieces_of(signal, new, params.window))
        subjects += [recording.subject] * len(new)
        names += [recording.name] * len(new)
        tick()
    if not pieces:
        raise UserError("recordings", nothing(found, params, source))
    x = np.concatenate(pieces)
    y, classes = None, ()
    if labelled:
        y, classes = labels.read(
            np.array(told),
            params,
            lambda at: f"{names[at]} at {starts[at]:g} s",
            there=labels.there(found, params, source),
        )
    arrays = (np.array(subjects), np.array(names), np.array(starts))
    why = {WHY[source]: silent, f"shorter than a window of {params.window} s": short}
    left_out = _left_out(why, lost, len(found.recordings))
    return Windows(x, y, classes, *arrays, channels, left_out=left_out)


def _left_out(silent: dict[str, list[str]], lost: int, recordings: int) -> tuple[str, ...]:
    """What was to give windows and gave none: recordings by the reason, and annotations."""
    lines = [
        f"no window comes out of {len(names)} of {counted(recordings, 'recording')}, "
        f"{names[0]} the first: {why}"
        for why, names in silent.items()
        if names
    ]
    if lost:
        lines.append(
            f"{counted(lost, 'annotation')} left out: the window would begin or end outside of the "
            "recording"
        )
    return tuple(lines)


def _expected(recording: Recording, params: CBraModParams, source: str, label: str | None) -> bool:
    """Whether windows were to come out of it: its label is not one that nobody asked for."""
    told = {label} if source != "annotations" else {note.text for note in recording.annotations}
    told.discard(None)
    return not (told and params.classes) or bool(told & set(params.classes))


def chosen_channels(found: Recordings, params: CBraModParams) -> tuple[str, ...]:
    """Those in use, in the order that the network sees."""
    return _referred(_asked_channels(found, params), params)


def _referred(channels: tuple[str, ...], params: CBraModParams) -> tuple[str, ...]:
    """The same; an average reference needs two: of one, nothing is left."""
    if params.reference == "average" and len(channels) < 2:
        raise UserError("reference", f"there is one channel, {channels[0]}; expected two or more "
                        "to be referred to their average")  # fmt: skip
    return channels


def _asked_channels(found: Recordings, params: CBraModParams) -> tuple[str, ...]:
    """Standard names, in the order that the network sees: those asked for, or all EEG channels
    that every recording has."""
    asked = _by_name(params)
    if asked:
        for recording in found.recordings:
            absent = set(asked) - set(map(standard_name, recording.channels))
            if absent:
                raise UserError(
                    "channels", f"{recording.file} has no {', '.join(sorted(absent))}; it has "
                    f"{', '.join(recording.eeg)}"
                )  # fmt: skip
        return asked
    if not found.common:
        raise UserError("recordings", "no EEG channel is in all recordings; expected at least one")
    return found.common


def _by_name(params: CBraModParams) -> tuple[str, ...]:
    """Those asked for, by standard names."""
    asked = tuple(map(standard_name, params.channels))
    if len(set(asked)) < len(asked):
        raise UserError("channels", "one of them is named twice; expected each once")
    return asked


def _places(
    recording: Recording, params: CBraModParams, source: str, label: str | None
) -> tuple[list[tuple[float, str]], int]:
    """(seconds, label) of each window that lies inside the recording and has a wanted label; and
    how many annotations were to give one and gave none."""
    wanted = set(params.classes)
    if source == "annotations":
        found, none = [], 0
        for note in recording.annotations:
            if wanted and note.text not in wanted:
                continue
            lasts = note.duration - max(params.offset, 0)  # what is before the onset adds none
            starts = _inside(note.onset + params.offset, lasts, recording.seconds, params.window)
            found += [(start, note.text) for start in starts]
            none += not starts
        return found, none
    if source != "none" and (label is None or (wanted and label not in wanted)):
        return [], 0
    starts = _inside(0.0, recording.seconds, recording.seconds, params.window)
    return [(start, label or "") for start in starts], 0


def _inside(first: float, lasts: float, seconds: float, window: int) -> list[float]:
    """Where windows begin, one after the other while it lasts and one at least: those of them that
    lie within a recording of so many seconds, however far the others go."""
    fit = max(0.0, (seconds + 1e-6 - first) / window)
    count = int(min(max(1.0, lasts / window + 1e-6), fit))
    before = max(0, math.ceil(-first / window))
    return [first + number * float(window) for number in range(before, count)]


def pieces_of(signal: np.ndarray, starts: list[float], window: int) -> np.ndarray:
    """(n, C, window * RATE); a window that ends a sample late is moved to end in time."""
    length = window * RATE
    first = np.minimum(np.round(np.array(starts) * RATE).astype(int), signal.shape[1] - length)
    return np.stack([signal[:, at : at + length] for at in first])


def _already_cut(given: Cut, params: CBraModParams, *, labelled: bool) -> Windows:
    asked, subject = _referred(_cut_channels(given, params), params), _cut_subjects(given)
    x = prepared_cut(given, asked, np.arange(len(given.x)), params)
    y, classes, kept = None, (), np.arange(len(x))
    if labelled:
        if given.y is None:
            raise UserError("recordings", "the windows have no labels y, which fine-tuning needs")
        if given.numeric and params.target == "class":
            raise UserError("target", "the labels y are fractions; expected number, or names in y")
        texts = given.y.astype(str)
        if params.classes:
            kept = np.flatnonzero(np.isin(texts, params.classes))
        y, classes = labels.read(
            texts[kept],
            params,
            lambda at: f"recordings, window {kept[at]}",
            there=set(texts.tolist()),
        )
    start = _places_within(subject) * (x.shape[2] / RATE)
    arrays = (subject[kept], subject[kept], start[kept])
    return Windows(x[kept], y, classes, *arrays, asked, named=given.subject is not None)


def prepared_cut(
    given: Cut, channels: tuple[str, ...], which: np.ndarray, params: CBraModParams
) -> np.ndarray:
    """(n, C, S * RATE) float32, microvolt: some of the windows, as referred, at RATE, in whole
    seconds."""
    whole = int(given.x.shape[2] / given.sfreq + 1e-6)
    places = places_of(given.channels)
    x = given.x[which][:, [places[name] for name in channels]]
    if params.reference == "average":
        x = x - x.mean(axis=1, keepdims=True)
    if given.sfreq != RATE:
        with mne.use_log_level("error"):
            x = mne.filter.resample(x.astype(np.float64), RATE, given.sfreq).astype(np.float32)
    return np.ascontiguousarray(x[:, :, : whole * RATE], np.float32)


def continuous(
    found: Recordings, name: str, channels: tuple[str, ...], params: CBraModParams
) -> np.ndarray:
    """(C, T) float32, microvolt: a recording as the network gets it; of an upload that was already
    cut, a subject's windows end to end."""
    if found.cut is not None:
        which = np.flatnonzero(_cut_subjects(found.cut) == name)
        return np.concatenate(list(prepared_cut(found.cut, channels, which, params)), axis=1)
    recording = next(one for one in found.recordings if one.name == name)
    return prepared(recording, channels, params)


def lengths(found: Recordings) -> dict[str, float]:
    """Seconds of each recording, or of each subject's windows that were already cut."""
    if found.cut is None:
        return {recording.name: recording.seconds for recording in found.recordings}
    names, counts = np.unique(_cut_subjects(found.cut), return_counts=True)
    whole = int(found.cut.x.shape[2] / found.cut.sfreq + 1e-6)
    return dict(zip(names.tolist(), (counts * float(whole)).tolist(), strict=True))


def _cut_channels(given: Cut, params: CBraModParams) -> tuple[str, ...]:
    seconds = given.x.shape[2] / given.sfreq
    if int(seconds + 1e-6) < 1:
        raise UserError("recordings", f"windows of {seconds:.2f} s; expected one second at least")
    names = tuple(map(standard_name, given.channels))
    absent = [name for name in map(standard_name, params.channels) if name not in names]
    if absent:
        raise UserError(
            "channels", f"the windows have no {absent[0]}; they have {', '.join(names)}"
        )
    found = _by_name(params) or given.common
    if not found:
        raise UserError("channels", f"none of {', '.join(names)} is EEG by its name; expected the "
                        "names of those to use")  # fmt: skip
    return found


def _cut_subjects(given: Cut) -> np.ndarray:
    """(n,) texts; where nobody says whose windows they are, they are of one."""
    if given.subject is None:
        return np.array([UNNAMED] * len(given.x))
    return given.subject.astype(str)


def _places_within(groups: np.ndarray) -> np.ndarray:
    """(n,) which of its group each is: 0, 1, …"""
    order = np.argsort(groups, kind="stable")
    found = np.empty(len(groups))
    found[order] = np.arange(len(groups)) - np.searchsorted(groups[order], groups[order])
    return found


def nothing(found: Recordings, params: CBraModParams, source: str) -> str:
    """Why no window came out."""
    longest = max(recording.seconds for recording in found.recordings)
    if longest < params.window:
        return f"the longest lasts {longest:.1f} s; expected one window of {params.window} s"
    many = counted(len(found.recordings), "recording")
    there = set() if source == "none" else labels.there(found, params, source)
    if there and params.classes and not there & set(params.classes):
        asked, others = ", ".join(params.classes), labels.few(there)
        return f"no window comes out of {many}: none is labelled {asked}; there are: {others}"
    words = {
        "annotations": "every window would end outside" if there else "none has an annotation",
        "table": "no recording is named in the table of labels",
        "name": f"no recording's name matches {params.label_pattern!r}",
        "none": "none is long enough",
    }
    return f"no window comes out of {many}: {words[source]}"
