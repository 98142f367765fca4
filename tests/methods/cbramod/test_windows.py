"""From recordings to windows: where they begin, their channels, and what gives none."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.eeg.recording import Cut, Recordings
from engine.methods.cbramod.params import CBraModParams
from engine.methods.cbramod.split import folds
from tests.methods.cbramod.held import noise, recording, refusal, upload, windows


def test_windows_tile_a_recording_and_the_rest_is_left():
    values = noise(12.3)
    got = windows(upload(recording("S01", values)), labelled=False, window=5)
    assert got.x.shape == (2, 2, 1000)
    np.testing.assert_array_equal(got.x[1], values[:, 1000:2000])
    assert got.start.tolist() == [0, 5]
    assert got.y is None
    assert got.scaled.shape == (2, 2, 5, 200)
    np.testing.assert_allclose(got.scaled[1, 0, 2], values[0, 1400:1600] / 100)


def test_an_annotation_names_the_windows_that_fit_into_it():
    notes = ((1.0, 4.1, "left"), (6.0, 8.0, "right"), (17.5, 1.0, "left"), (15.0, 2.0, "rest"))
    values = noise(18)
    found = upload(recording("S01", values, notes=notes))
    got = windows(found, window=2, classes=["right", "left"])
    assert got.start.tolist() == [1, 3, 6, 8, 10, 12]
    assert [got.classes[label] for label in got.y] == ["left"] * 2 + ["right"] * 4
    assert got.classes == ("right", "left")
    np.testing.assert_array_equal(got.x[0], values[:, 200:600])
    late = windows(found, window=2, offset=1.0, classes=["right", "left"])
    assert late.start.tolist() == [2, 7, 9, 11]
    early = windows(found, window=2, offset=-1.0, classes=["right", "left"])
    assert early.start.tolist() == [0, 2, 5, 7, 9, 11]


@pytest.mark.parametrize("lasts", [np.inf, 1e300, 99999999999.0])
def test_an_annotation_goes_no_further_than_its_recording(lasts):
    notes = ((-7.0, lasts, "a"), (-1e300, lasts, "a"), (3.0, lasts, "b"), (1e300, lasts, "b"))
    got = windows(upload(recording("S01", noise(20), notes=notes)))
    assert list(zip(got.start.tolist(), got.y.tolist(), strict=True)) == [
        (3, 0), (8, 0), (13, 0), (3, 1), (8, 1), (13, 1),
    ]  # fmt: skip
    assert got.left_out == (
        "2 annotations left out: the window would begin or end outside of the recording",
    )


def test_recordings_that_give_nothing_are_told_unless_nobody_asked_for_them():
    rows = ({"file": "S01.edf", "label": "a"}, {"file": "S02.edf", "label": "b"})
    three = [recording(f"S0{number}", noise(10)) for number in (1, 2, 3)]
    assert windows(upload(*three, labels=rows)).left_out == (
        "no window comes out of 1 of 3 recordings, S03 the first: the table of labels does not "
        "name it",
    )
    rows += ({"file": "S03.edf", "label": "c"},)
    assert windows(upload(*three, labels=rows), classes=["a", "b"]).left_out == ()
    noted = recording("S04", noise(10), notes=((0, 5, "a"), (5, 5, "b")))
    quiet_one = recording("S05", noise(10))
    assert (
        windows(upload(noted, quiet_one), labels="annotations")
        .left_out[0]
        .startswith("no window comes out of 1 of 2 recordings, S05 the first: no annotation")
    )


def test_a_recording_that_is_too_short_is_not_said_to_lack_a_label():
    long, short = recording("S01_a", noise(10)), recording("S02_b", noise(3))
    found = windows(upload(long, recording("S03_b", noise(10)), short), labels="name")
    assert found.left_out == (
        "no window comes out of 1 of 3 recordings, S02_b the first: shorter than a window of 5 s",
    )


def test_channels_come_in_the_order_asked_for_whatever_files_call_them():
    values = noise(5, channels=3)
    one = recording("S01", values, channels=("EEG Fp1-REF", "T3", "ECG"))
    two = recording("S02", values[[1, 0, 2]], channels=("T7", "Fp1.", "ECG"))
    got = windows(upload(one, two), labelled=False)
    assert got.channels == ("FP1", "T7")
    np.testing.assert_array_equal(got.x[0], got.x[1])
    turned = windows(upload(one, two), labelled=False, channels=["T3", "fp1"])
    np.testing.assert_array_equal(turned.x, got.x[:, ::-1])


def test_windows_that_were_cut_before():
    x = noise(6, channels=8).reshape(4, 2, 1200)[:, :, :1100]
    given = Cut(x, np.array(["b", "a", "b", "c"]), np.array(["p", "p", "q", "q"]), 200.0,
                ("C3", "C4"))  # fmt: skip
    got = windows(Recordings((), given, {}), classes=["a", "b"])
    assert got.x.shape == (3, 2, 1000)
    assert got.y.tolist() == [1, 0, 1]
    assert got.subject.tolist() == ["p", "p", "q"]
    fault = refusal(Recordings((), given, {}), classes=["a", "z"])
    assert fault.expected == "no window is labelled 'z'; there are: a, b, c"


@pytest.mark.parametrize(
    ("params", "where", "text"),
    [
        ({"channels": ["Oz"]}, "channels", "S01_a.edf has no OZ; it has C3, C4"),
        ({"channels": ["T3", "T7"]}, "channels", "named twice"),
        ({"window": 60}, "recordings", "lasts 10.0 s; expected one window of 60 s"),
        ({"classes": ["z"]}, "recordings", "none is labelled z; there are: a, b"),
        ({"classes": ["a", "z"]}, "classes", "no window is labelled 'z'; there are: a, b"),
        ({"labels": "annotations"}, "recordings", "none has an annotation"),
        ({"classes": ["a"]}, "labels", "expected two classes"),
        ({"labels": "table"}, "labels", "no table beside"),
        ({"label_pattern": "x(.)"}, "recordings", "no recording's name matches"),
    ],
)
def test_what_cannot_be_cut_is_told_by_name(params, where, text):
    found = upload(recording("S01_a", noise(10)), recording("S02_b", noise(10)))
    fault = refusal(found, **params)
    assert fault.where == where
    assert text in fault.expected


@pytest.mark.realdata
def test_the_windows_of_the_real_set(shared_data):
    """1,515 of 5 s, of which 44 reach 100 µV (the brief's count, give or take quantisation)."""
    from engine.data.eeg import io

    path = shared_data / "eeg/mental_arithmetic/mental_arithmetic_200hz_sub00-31.zip"
    got = windows(io.load(path))
    assert np.bincount(got.y).tolist() == [1131, 384]
    assert got.loud(100).sum() == pytest.approx(44, abs=1)
    assert len(np.unique(got.subject)) == 32


def test_windows_cut_before_take_the_eeg_and_one_channel_of_an_electrode():
    names = ("T3", "ECG", "T7", "C3-REF", "EOG1", "C3-LE")
    x = np.stack([noise(5, seed=place, channels=6) for place in range(8)])
    given = Cut(x, np.array(["a", "b"] * 4), np.array(["all"] * 4 + ["P1"] * 4), 200.0, names)
    got = windows(Recordings((), given, {}))
    assert got.channels == ("T7", "C3")
    np.testing.assert_array_equal(got.x, x[:, [2, 3]])
    assert windows(Recordings((), given, {}), channels=["ECG"]).channels == ("ECG",)
    assert len(folds(got, CBraModParams(folds=2), rng=np.random.default_rng(0), tested=True)) == 2
    none = Cut(x[:, [1]], given.y, given.subject, 200.0, ("ECG",))
    fault = refusal(Recordings((), none, {}))
    assert str(fault).startswith("channels: none of ECG is EEG by its name")
    twice = refusal(Recordings((), given, {}), channels=["T3", "T7"])
    assert str(twice) == "channels: one of them is named twice; expected each once"
