"""Filters, reference and rate of whole recordings, and where a filter cannot do what is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import mne
import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted

if TYPE_CHECKING:
    from engine.data.eeg.recording import Recording, Recordings
    from engine.methods.cbramod.params import CBraModParams

RATE = 200  # Hz; a patch of the network is one second of it
NOTCH = 2.0  # Hz above a notch that its filter needs, up to half the rate
TAPS = 3.3  # length of MNE's filters times the width of their narrowest edge
NOTCH_EDGE = 0.5  # Hz, of MNE's notch


def prepared(recording: Recording, channels: tuple[str, ...], params: CBraModParams) -> np.ndarray:
    """(C, T) float32, microvolt at RATE: notch, band, reference, then the rate."""
    signal = recording.read(channels).astype(np.float64)
    top = recording.sfreq / 2
    with mne.use_log_level("error"):  # it tells of every filter
        if params.notch and _has_room(params.notch, recording):
            signal = mne.filter.notch_filter(signal, recording.sfreq, params.notch)
        low = params.highpass or None
        high = params.lowpass if 0 < params.lowpass < top else None
        if low or high:
            signal = mne.filter.filter_data(signal, recording.sfreq, low, high)
        if params.reference == "average":
            signal -= signal.mean(axis=0)
        if recording.sfreq != RATE:
            signal = mne.filter.resample(signal, RATE, recording.sfreq)
    return signal.astype(np.float32)


def refuse(found: Recordings, params: CBraModParams) -> None:
    """What no filter can do, before the first recording is read."""
    if found.cut is not None:
        for name in ("highpass", "lowpass", "notch"):
            if getattr(params, name):
                raise UserError(name, "the windows were cut before the upload, and a filter "
                                "distorts the ends of each; expected 0")  # fmt: skip
    for recording in found.recordings:
        if params.highpass >= recording.sfreq / 2:
            raise UserError("highpass", f"{recording.file} is sampled at {recording.sfreq:g} Hz; "
                            f"expected less than {recording.sfreq / 2:g} Hz")  # fmt: skip


def remarks(found: Recordings, params: CBraModParams) -> Iterator[str]:
    """What a filter leaves undone or harms, with how many recordings and which is the first."""
    longest = filter_seconds(params)
    cases: tuple[tuple[bool, Callable[[Recording], bool], str, str], ...] = (
        (
            params.lowpass > 0,
            lambda one: params.lowpass >= one.sfreq / 2,
            f"the low-pass of {params.lowpass:g} Hz has nothing to take out of",
            "where nothing is above it",
        ),
        (
            params.notch > 0,
            lambda one: not _has_room(params.notch, one),
            f"the notch of {params.notch:g} Hz is left out of",
            f"where it is not {NOTCH:g} Hz below half of the rate",
        ),
        (
            longest > 0,
            lambda one: one.seconds < longest,
            f"a filter of {longest:.1f} s, which is what this high-pass or notch takes, distorts",
            "which is shorter",
        ),
    )
    for asked, holds, text, why in cases:
        here = [one for one in found.recordings if asked and holds(one)]
        if here:
            first = here[0]
            yield (
                f"{text} {counted(len(here), 'recording')}, first {first.file} "
                f"({first.sfreq:g} Hz, {first.seconds:.1f} s), {why}"
            )


def _has_room(notch: float, recording: Recording) -> bool:
    return notch + NOTCH < recording.sfreq / 2


def filter_seconds(params: CBraModParams) -> float:
    """Of the longest filter that is asked for: MNE's edges are a quarter of a high-pass, between
    2 Hz and the high-pass itself."""
    low = params.highpass
    edges = [min(max(low / 4, 2.0), low)] if low else []
    if params.notch:
        edges.append(NOTCH_EDGE)
    return TAPS / min(edges) if edges else 0.0
