"""Where channels are on the head: by the file itself, or by the 10-05 system."""

from __future__ import annotations

import warnings

import numpy as np

from engine.data.eeg.naming import kind_of, standard_name
from engine.data.eeg.recording import Position, Recordings

OUTLINE = 1.15 * np.pi / 2  # angle from the crown of a drawn head's edge: 10-20 lies inside it


def montage(found: Recordings) -> tuple[dict[str, Position], list[str]]:
    """Where the channels of EEG of the first recording are, by the file or by the 10-05 system;
    and those that have no place there."""
    if found.cut is not None:
        channels = [name for name in found.cut.channels if kind_of(name) == "eeg"]
        own: dict[str, Position] = {}
    else:
        channels, own = list(found.recordings[0].eeg), found.recordings[0].positions
    standard = standard_positions()
    places = {
        name: own.get(name) or standard[standard_name(name)]
        for name in channels
        if name in own or standard_name(name) in standard
    }
    return places, [name for name in channels if name not in places]


def standard_positions() -> dict[str, Position]:
    import mne

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        known = mne.channels.make_standard_montage("colin27_1005").get_positions()["ch_pos"]
    return {standard_name(name): tuple(spot.tolist()) for name, spot in known.items()}


def from_above(spot: Position) -> tuple[float, float]:
    """Angles from the crown kept as distances; OUTLINE is 1."""
    x, y, z = spot
    flat = np.hypot(x, y)
    reach = np.arctan2(flat, z) / OUTLINE
    return (float(reach * x / flat), float(reach * y / flat)) if flat else (0.0, 0.0)
