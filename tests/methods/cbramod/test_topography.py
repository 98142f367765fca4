"""Maps of the head: what a map must keep."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.eeg.montage import from_above, standard_positions
from engine.methods.cbramod import topography
from tests.methods.cbramod.held import noise, recording, upload

FULL = ("FP1", "FP2", "F3", "F4", "F7", "F8", "FZ", "C3", "C4", "CZ", "T7", "T8", "P3", "P4", "PZ",
        "P7", "P8", "O1", "O2")  # fmt: skip
ROWS = {"full": FULL, "forehead": ("FP1", "FPZ", "FP2", "AF3"), "line": ("C5", "C3", "C1", "CZ")}


def found(channels, **about):
    return upload(recording("S1", noise(1, channels=len(channels)), channels=channels, **about))


def given(channels):
    made = topography.topography(found(channels), channels)
    assert made is not None
    return made, np.array(made["weights"])


@pytest.mark.parametrize("channels", ROWS.values(), ids=ROWS)
def test_a_map_of_constant_values_is_constant(channels):
    _, weights = given(channels)
    np.testing.assert_allclose(weights @ np.full(len(channels), 7.0), 7, atol=1e-3)


@pytest.mark.parametrize("channels", ROWS.values(), ids=ROWS)
def test_at_an_electrode_the_map_is_its_value(channels):
    spots = topography.places(found(channels), channels)
    values = np.random.default_rng(0).normal(size=len(channels))
    weights = topography.interpolation(spots, spots)
    np.testing.assert_allclose(weights @ values, values, atol=1e-6)
    _, coarse = given(channels)
    _, grid = topography.cells()
    for spot, value in zip(spots, values, strict=True):
        nearest = ((grid - spot) ** 2).sum(axis=1).argmin()
        if np.hypot(*(grid[nearest] - spot)) < 0.03:
            assert coarse[nearest] @ values == pytest.approx(value, abs=0.5)


@pytest.mark.parametrize("channels", ROWS.values(), ids=ROWS)
def test_a_map_does_not_run_away_where_no_electrode_is(channels):
    _, weights = given(channels)
    assert np.abs(weights).sum(axis=1).max() < 4


def test_a_map_of_a_slope_is_that_slope_between_electrodes():
    spots = topography.places(found(FULL), FULL)
    at = np.array([[0.0, 0.1], [0.2, -0.2], [-0.3, 0.3]])
    for axis in (0, 1):
        values = topography.interpolation(spots, at) @ spots[:, axis]
        np.testing.assert_allclose(values, at[:, axis], atol=0.03)


def test_the_nose_is_up_and_the_left_is_left():
    made, weights = given(FULL)
    place = dict(zip(FULL, zip(made["x"], made["y"], strict=True), strict=True))
    assert place["T7"][0] == pytest.approx(-1, abs=0.1)
    assert place["FP1"][1] > 0.8
    assert place["O1"][1] < -0.8
    assert np.hypot(*place["CZ"]) < 0.1
    forehead = np.isin(FULL, ("FP1", "FP2")).astype(float)
    inside = np.array(made["inside"])
    highest = inside[(weights @ forehead).argmax()]
    assert highest // made["size"] < made["size"] / 4  # rows begin at the nose


def test_a_channel_without_a_place_weighs_nothing_and_too_few_make_no_map():
    channels = (*FULL[:4], "X1")
    made, weights = given(channels)
    assert made["unplaced"] == ["X1"]
    assert made["x"][-1] is made["y"][-1] is None
    assert not weights[:, -1].any()
    few = (*FULL[:3], "X1")
    assert topography.topography(found(few), few) is None


def test_a_place_of_the_recording_itself_wins():
    one = recording("S1", noise(1, channels=4), channels=FULL[:4])
    one.positions["FP1"] = (0.0, -0.1, 0.0)
    made = topography.topography(upload(one), FULL[:4])
    assert (made["x"][0], made["y"][0]) == (0, pytest.approx(-1 / 1.15, abs=1e-4))
    assert from_above((0.0, 0.0, 0.1)) == (0, 0)


def test_the_outermost_electrodes_of_the_10_20_system_lie_on_the_drawn_head():
    outer = ("FP1", "FP2", "F7", "F8", "T7", "T8", "P7", "P8", "O1", "O2", "FPZ", "OZ")
    reach = [np.hypot(*from_above(standard_positions()[name])) for name in outer]
    assert 0.75 < min(reach) < max(reach) < 1


def test_two_channels_at_one_place_have_a_mean():
    spots = np.array([[0.1, 0.1], [0.1, 0.1], [-0.5, 0.2], [0.4, -0.4]])
    weights = topography.interpolation(spots, spots[:1])
    assert weights[0, :2].tolist() == pytest.approx([0.5, 0.5], abs=1e-3)
