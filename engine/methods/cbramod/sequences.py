"""Windows that are answered together: rows of neighbours, of one window for most heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.methods.cbramod.windows import RATE

if TYPE_CHECKING:
    from engine.methods.cbramod.params import CBraModParams


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


def within(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The rows of a part; a row lies in one recording, and so in one part."""
    return rows[np.isin(rows[:, 0], places)]


def once(rows: np.ndarray) -> np.ndarray:
    """(k,) where each window is first in the flattened rows, in the order of places."""
    return np.unique(rows, return_index=True)[1]
