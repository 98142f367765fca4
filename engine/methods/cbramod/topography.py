"""Where channels are on the head, and the map that values at them make.

Places are seen from above, angles from the crown kept as distances (azimuthal equidistant): the
outermost electrodes of the 10-20 system lie within the circle of radius 1, the nose is up. A map is
a thin-plate spline through the values; around the head stand anchors with a weighted mean of the
values, so that it does not run away where no electrode is. All of it is linear, so one matrix makes
every map.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.interpolate import RBFInterpolator

from engine.data.eeg.montage import from_above, montage
from engine.data.eeg.naming import standard_name
from engine.data.eeg.recording import Recordings

FEWEST = 4  # channels with a known place, for a map to mean something
SIZE = 33  # cells of the grid along an edge
ANCHORS = 24
APART = 0.2  # of the anchors' circle from the outermost electrode
SMOOTHING = 1e-9  # two channels at one place have a mean


def places(found: Recordings, channels: Sequence[str]) -> np.ndarray:
    """(C, 2) of the channels by their standard names; nan where nobody knows."""
    known = {standard_name(name): from_above(spot) for name, spot in montage(found)[0].items()}
    return np.array([known.get(name, (np.nan, np.nan)) for name in channels], float).reshape(-1, 2)


def topography(found: Recordings, channels: Sequence[str]) -> dict[str, Any] | None:
    """What a page needs to draw maps; None where too few channels have a place."""
    spots = places(found, channels)
    placed = np.isfinite(spots[:, 0])
    if placed.sum() < FEWEST:
        return None
    inside, grid = cells()
    weights = np.zeros((len(grid), len(channels)))
    weights[:, placed] = interpolation(spots[placed], grid)
    x, y = ([round(v, 4) if np.isfinite(v) else None for v in spots[:, k].tolist()] for k in (0, 1))
    return {
        "x": x,
        "y": y,
        "unplaced": [name for name, known in zip(channels, placed, strict=True) if not known],
        "size": SIZE,
        "inside": inside.tolist(),
        "weights": np.round(weights, 5).tolist(),
    }


def cells() -> tuple[np.ndarray, np.ndarray]:
    """The cells of the grid inside the head: their places, row by row from the nose down, and
    (cells, 2) coordinates."""
    line = np.linspace(-1, 1, SIZE)
    x, y = np.meshgrid(line, -line)
    inside = np.flatnonzero(np.hypot(x, y) <= 1)
    return inside, np.stack([x.ravel()[inside], y.ravel()[inside]], axis=1)


def interpolation(spots: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(cells, C): what each channel's value weighs in each cell; rows sum to 1."""
    around = np.linspace(0, 2 * np.pi, ANCHORS, endpoint=False)
    radius = max(1.0, float(np.hypot(*spots.T).max())) + APART
    anchors = radius * np.stack([np.cos(around), np.sin(around)], axis=1)
    near = 1 / ((anchors[:, None] - spots) ** 2).sum(-1)
    near /= near.sum(axis=1, keepdims=True)
    values = np.concatenate([np.eye(len(spots)), near])
    spline = RBFInterpolator(
        np.concatenate([spots, anchors]), values, smoothing=SMOOTHING, kernel="thin_plate_spline"
    )
    return spline(at)
