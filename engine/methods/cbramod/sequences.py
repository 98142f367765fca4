"""Windows that are answered together: rows of neighbours, of one window for most heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.methods.cbramod.windows import RATE

if TYPE_CHECKING:
    from engine.methods.cbramod.params import CBraModParams
    from engine.methods.cbramod.split import Part
    from engine.methods.cbramod.windows import Windows


def length(params: CBraModParams) -> int:
    return params.sequence if params.head == "sleep" else 1


def rows(recording: np.ndarray, start: np.ndarray, *, seconds: float, length: int) -> np.ndarray:
    """(m, length) places of windows, whose recordings (n,) and starts (n,) in seconds are given.

    A row's windows follow upon one another without a gap. A stretch is cut into rows from its
    beginning; a last one that would not fill is moved back, so as to end with the stretch."""
    if length == 1:
        return np.arange(len(recording))[:, None]
    order = np.lexsort((start, recording))
    there, since = recording[order], np.diff(start[order])
    follows = (there[1:] == there[:-1]) & (np.abs(since - seconds) < 1 / RATE)
    found = []
    for stretch in np.split(order, np.flatnonzero(~follows) + 1):
        if len(stretch) < length:
            first = stretch[0]
            raise UserError(
                "sequence",
                f"{recording[first]} has {counted(len(stretch), 'window')} in a row from "
                f"{start[first]:g} s on; expected {length} at least: set a shorter sequence, or "
                "leave that recording out",
            )
        firsts = np.arange(0, len(stretch), length).clip(max=len(stretch) - length)
        found.append(stretch[firsts[:, None] + np.arange(length)])
    return np.concatenate(found)


def of(
    windows: Windows, part: Part, params: CBraModParams
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (m, length) of a fold's training, validation and test windows; none lies in two."""
    seconds, many = windows.x.shape[2] / RATE, length(params)

    def within(places: np.ndarray) -> np.ndarray:
        recording, start = windows.recording[places], windows.start[places]
        return places[rows(recording, start, seconds=seconds, length=many)]

    return within(part.train), within(part.val), within(part.test)


def once(rows: np.ndarray) -> np.ndarray:
    """(k,) where each window is first in the flattened rows, in the order of places."""
    return np.unique(rows, return_index=True)[1]
