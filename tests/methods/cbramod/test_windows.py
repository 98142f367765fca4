"""Windows and their labels, by annotations, tables and names; and who is on which side."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import mne
import numpy as np
import pytest

from engine.core.errors import UserError
from engine.core.params import parse
from engine.data.eeg.recording import Cut, Recordings
from engine.methods.cbramod.card import METHOD
from engine.methods.cbramod.filters import filter_seconds, remarks
from engine.methods.cbramod.params import CBraModParams
from engine.methods.cbramod.split import divided, folds
from engine.methods.cbramod.windows import Windows, cut
from engine.methods.cbramod.work import quiet
from tests.methods.cbramod.held import noise, recording, upload


def windows(found: Recordings, *, labelled: bool = True, **params: Any) -> Windows:
    return cut(found, CBraModParams(**params), labelled=labelled, tick=lambda: None)


def refusal(found: Recordings, *, labelled: bool = True, **params: Any) -> UserError:
    with pytest.raises(UserError) as fault:
        windows(found, labelled=labelled, **params)
    return fault.value


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


def test_a_table_beats_annotations_and_a_name_is_the_last_resort():
    noted = recording("S01_a", noise(10), notes=((0, 5, "x"), (5, 5, "y")))
    plain = recording("S02_b", noise(10))
    rows = ({"file": "S01_a.edf", "label": "sick"}, {"file": "S02_b.edf", "label": "well"})
    assert windows(upload(noted, plain, labels=rows)).classes == ("sick", "well")
    assert windows(upload(noted, plain)).classes == ("x", "y")
    assert windows(upload(noted, plain), labels="name").classes == ("a", "b")
    got = windows(upload(plain, recording("S03_c", noise(10))))
    assert got.classes == ("b", "c")
    assert got.subject.tolist() == ["S02", "S02", "S03", "S03"]


def test_one_text_in_each_recording_is_less_than_their_names():
    """The recorder's own notes, as PhysioNet's "[Total time]+182.000", label no windows."""
    parts = [("S01_1", 182.0), ("S01_2", 62.0), ("S02_1", 182.0), ("S02_2", 62.0)]
    noted = [
        recording(name, noise(10), notes=((0, 0, f"[Total time]+{length}"),))
        for name, length in parts
    ]
    got = windows(upload(*noted))
    assert (got.classes, len(got)) == (("1", "2"), 8)
    assert windows(upload(*noted), labels="annotations").classes == (
        "[Total time]+182.0", "[Total time]+62.0",
    )  # fmt: skip
    nameless = [
        recording(f"S{number}", noise(10), notes=((0, 9, text),))
        for number, text in enumerate(["eyes open", "eyes closed"])
    ]
    assert windows(upload(*nameless)).classes == ("eyes closed", "eyes open")


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


def test_fractions_in_a_table_are_no_classes_unless_they_are_named():
    rows = [{"file": f"S0{n}.edf", "label": f"{n / 2}"} for n in (1, 2, 3)]
    found = upload(*(recording(f"S0{n}", noise(10)) for n in (1, 2, 3)), labels=tuple(rows))
    assert str(refusal(found)) == (
        "target: the labels are fractions, 0.5 the first; expected number, or names of classes"
    )
    assert windows(found, target="number").y.tolist() == [0.5, 0.5, 1, 1, 1.5, 1.5]
    assert windows(found, classes=["0.5", "1.5"]).classes == ("0.5", "1.5")


def test_a_pattern_that_does_not_come_back_is_stopped():
    found = upload(recording("a" * 40 + "1", noise(10)))
    fault = refusal(found, labels="name", label_pattern="(a|aa)+$")
    assert fault.where == "label_pattern"
    assert "for more than 1 s" in str(fault)


def test_a_table_without_a_label_is_named_with_what_it_has():
    rows = ({"file": "S01.edf", "lbl": "a"},)
    fault = refusal(upload(recording("S01", noise(10)), labels=rows), labels="table")
    assert str(fault) == (
        "labels: no table beside the recordings has columns file and label; labels.csv has file, "
        "lbl"
    )


def test_a_table_that_names_others_is_quoted():
    rows = ({"file": "T01.edf", "label": "a"},)
    fault = refusal(upload(recording("S01", noise(10)), labels=rows), labels="table")
    assert str(fault) == (
        "labels: labels.csv names 'T01.edf', which is no recording here; expected names as "
        "'S01.edf'"
    )


def test_a_sine_survives_resampling_and_the_mains_do_not_survive_the_notch():
    times = np.arange(0, 20, 1 / 500)
    wave = 20 * np.sin(2 * np.pi * 10 * times)
    mains = 50 * np.sin(2 * np.pi * 50 * times)
    found = upload(recording("S01", np.stack([wave + mains, wave]), sfreq=500.0))
    got = windows(found, labelled=False, notch=50)
    middle = slice(1, 3)
    at = np.arange(1000, 3000) / 200
    expected = 20 * np.sin(2 * np.pi * 10 * at)
    for channel in (0, 1):
        found_wave = got.x[middle, channel].ravel()
        assert np.abs(found_wave - expected).max() < 0.5
    loud = windows(found, labelled=False)
    assert np.abs(loud.x[middle, 0].ravel() - expected).max() > 40


def test_a_band_pass_takes_the_drift_and_an_average_reference_what_is_common():
    times = np.arange(0, 60, 1 / 200)
    drift, wave = 100 * np.sin(2 * np.pi * 0.05 * times), 10 * np.sin(2 * np.pi * 10 * times)
    found = upload(recording("S01", np.stack([drift + wave, drift])))
    got = windows(found, labelled=False, highpass=1.0)
    assert np.abs(got.x[4:8, 1]).max() < 3
    apart = windows(found, labelled=False, reference="average")
    np.testing.assert_allclose(apart.x[:, 0], -apart.x[:, 1], atol=1e-4)
    assert np.abs(apart.x).max() == pytest.approx(5, rel=0.01)


def test_filters_that_cannot_be_are_refused_before_they_are_made():
    for params, text in (
        ({"highpass": 30, "lowpass": 10}, "lowpass: expected 0 or more than the high-pass, 30 Hz"),
        ({"highpass": 30, "lowpass": 30}, "lowpass: expected 0 or more than the high-pass"),
        ({"notch": 0.1}, "notch: expected 0, or 1 Hz or more"),
    ):
        with pytest.raises(UserError, match=text):
            parse(CBraModParams, params)
    slow = upload(recording("S01", noise(12, sfreq=100), sfreq=100.0))
    fault = refusal(slow, labelled=False, highpass=50)
    assert str(fault) == "highpass: S01.edf is sampled at 100 Hz; expected less than 50 Hz"
    for rate in (100.5, 102, 104, 106):  # no room for the notch, or just enough
        near = upload(recording("S01", noise(12, sfreq=rate), sfreq=rate))
        assert np.isfinite(windows(near, labelled=False, notch=50).x).all()


def test_a_filter_that_leaves_something_undone_says_so():
    short = recording("S01", noise(5, sfreq=100), sfreq=100.0)
    found = upload(short, recording("S02", noise(20)))

    def told(**params: float) -> list[str]:
        return list(remarks(found, CBraModParams(**params)))

    assert told(lowpass=30, highpass=10) == []
    (low,) = told(lowpass=75)
    assert low.startswith("the low-pass of 75 Hz has nothing to take out of 1 recording, first S01")
    (notch,) = told(notch=60, highpass=4)[:1]
    assert "left out of 1 recording, first S01.edf (100 Hz, 5.0 s)" in notch
    (long,) = told(highpass=0.5)
    assert long.startswith("a filter of 6.6 s, which is what this high-pass or notch takes,")
    for low_end in (0.1, 0.3, 0.5, 1, 2, 5, 20):  # what MNE really makes
        taps = mne.filter.create_filter(None, 200, low_end, None, verbose="error")
        assert filter_seconds(CBraModParams(highpass=low_end)) == pytest.approx(
            len(taps) / 200, abs=0.011
        )


def test_windows_that_were_cut_are_referred_but_not_filtered():
    given = Cut(noise(6, channels=3).reshape(2, 3, 600), None, None, 200.0, ("C3", "C4", "CZ"))
    found = Recordings((), given, {})
    got = windows(found, labelled=False, reference="average", channels=["C4", "C3"])
    np.testing.assert_allclose(got.x, (given.x - given.x[:, :2].mean(1, keepdims=True))[:, [1, 0]],
                               atol=1e-5)  # fmt: skip
    for name in ("highpass", "lowpass", "notch"):
        fault = refusal(found, labelled=False, **{name: 30.0})
        assert (fault.where, fault.expected[:43]) == (
            name, "the windows were cut before the upload, and"
        )  # fmt: skip
        told = METHOD.conflict(CBraModParams(**{name: 30.0}), {"recordings": {"windows": 2}})
        assert told[0] == name
    assert METHOD.conflict(CBraModParams(), {"recordings": {"windows": 2}}) is None
    assert refusal(found, labelled=False, reference="average", channels=["C3"]).where == "reference"


def test_a_rejection_that_leaves_nothing_says_what_would_leave_something():
    found = people(3)
    (part,) = folds(found, CBraModParams(), rng=np.random.default_rng(0), tested=False)
    least = np.abs(found.x[part.train]).max(axis=(1, 2)).min()
    run = SimpleNamespace(params=CBraModParams(reject=least / 2))
    whose = r"fold all: no window of S0\d, S0\d is left to train on"
    with pytest.raises(UserError, match=rf"reject: {whose} .* reaches {least:.3g} µV"):
        quiet(run, found, part)


def test_an_average_of_one_channel_is_no_reference():
    fault = refusal(
        upload(recording("S01", noise(12))), labelled=False, reference="average", channels=["C3"]
    )
    assert (fault.where, fault.expected[:28]) == ("reference", "there is one channel, C3; ex")


def test_channels_come_in_the_order_asked_for_whatever_files_call_them():
    values = noise(5, channels=3)
    one = recording("S01", values, channels=("EEG Fp1-REF", "T3", "ECG"))
    two = recording("S02", values[[1, 0, 2]], channels=("T7", "Fp1.", "ECG"))
    got = windows(upload(one, two), labelled=False)
    assert got.channels == ("FP1", "T7")
    np.testing.assert_array_equal(got.x[0], got.x[1])
    turned = windows(upload(one, two), labelled=False, channels=["T3", "fp1"])
    np.testing.assert_array_equal(turned.x, got.x[:, ::-1])


def test_a_scale_by_subject_takes_out_what_differs_between_heads():
    values = noise(20)
    loud = np.array([[3.0], [0.2]], np.float32) * values
    flat = values * np.array([[1], [0]], np.float32)
    found = upload(
        recording("S01_a", values), recording("S01_b", 5 * values), recording("S02_a", loud),
        recording("S03_a", flat),
    )  # fmt: skip
    assert windows(found, labelled=False).gain is None
    got = windows(found, labelled=False, scale="subject")
    np.testing.assert_array_equal(got.x, windows(found, labelled=False).x)
    levels = got.levelled(slice(None)).std(axis=2)
    for name in ("S01", "S02"):
        np.testing.assert_allclose(np.median(levels[got.subject == name], axis=0), 10, rtol=1e-5)
    one, five = (levels[got.recording == name] for name in ("S01_a", "S01_b"))
    np.testing.assert_allclose(five, 5 * one, rtol=1e-4)  # within a subject nothing is taken out
    assert (levels[got.subject == "S03"][:, 1] == 0).all()
    apart = windows(found, labelled=False, scale="recording").levelled(slice(None))
    np.testing.assert_allclose(apart[:4], apart[4:8], rtol=1e-4)
    np.testing.assert_allclose(got.scaled.reshape(got.x.shape) * 100, got.levelled(slice(None)))


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


def test_fractions_of_windows_are_numbers_and_no_classes():
    y = np.array([0.5, 2, 2, 1e-3], np.float32)
    given = Cut(noise(4).reshape(4, 1, 400), y, None, 200.0, ("C3",))
    got = windows(Recordings((), given, {}), target="number")
    np.testing.assert_allclose(got.y, y)
    assert got.classes == ()
    assert [got.label(at) for at in (0, 1)] == [0.5, 2]
    assert refusal(Recordings((), given, {})).where == "target"
    named = replace(given, y=np.array(["1", "2", "x", "3"]))
    fault = refusal(Recordings((), named, {}), target="number")
    assert (fault.where, "'x' is no number" in str(fault)) == ("recordings, window 2", True)


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


def people(count: int, *, labelled: bool = True) -> Windows:
    return windows(
        upload(*(recording(f"S{n:02d}_{eyes}", noise(10)) for n in range(count) for eyes in "ab")),
        labelled=labelled,
    )


def test_every_window_is_tested_once_and_nobody_is_on_two_sides():
    found = people(9)
    parts = folds(found, CBraModParams(folds=4), rng=np.random.default_rng(0), tested=True)
    assert sorted(np.concatenate([part.test for part in parts])) == list(range(len(found)))
    for part in parts:
        sides = [set(found.subject[side]) for side in (part.train, part.val, part.test)]
        assert all(sides)
        assert len(set.union(*sides)) == sum(map(len, sides)) == 9


def test_named_subjects_make_one_split():
    found = people(5)
    params = CBraModParams(test_units=["S04"], val_units=["S00", "S01"])
    (part,) = folds(found, params, rng=np.random.default_rng(0), tested=True)
    assert set(found.subject[part.test]) == {"S04"}
    assert set(found.subject[part.val]) == {"S00", "S01"}
    assert set(found.subject[part.train]) == {"S02", "S03"}
    (whole,) = folds(found, CBraModParams(), rng=np.random.default_rng(0), tested=False)
    assert not len(whole.test)


def test_a_fold_that_would_train_on_one_class_is_refused_before_it_trains():
    found = people(3)
    params = CBraModParams(split_by="recording", test_units=["S00_a", "S01_a"], val_units=["S02_a"])
    with pytest.raises(UserError, match="test_units: fold given would train on 'b' alone"):
        folds(found, params, rng=np.random.default_rng(0), tested=True)


def refused(found: Windows, *, tested: bool = True, **params: Any) -> str:
    with pytest.raises(UserError) as fault:
        folds(found, CBraModParams(**params), rng=np.random.default_rng(0), tested=tested)
    return str(fault.value)


def test_too_few_subjects_are_told_a_way_out_that_works():
    one = people(1, labelled=False)
    assert refused(one) == (
        "folds: 1 subject for 4 folds; set split_by=recording and folds=2: there are 2 recordings"
    )
    folds(
        one, CBraModParams(split_by="recording", folds=2), rng=np.random.default_rng(0), tested=True
    )
    assert refused(people(3)) == "folds: 3 subjects for 4 folds; expected 3 folds at most"
    assert refused(people(3), folds=3, val_units=["S00"]).startswith(
        "folds: 2 subjects for 3 folds beside those that validate; expected 2"
    )
    assert refused(people(3), folds=2, val_units=["S00", "S01", "S02"]) == (
        "folds: 0 subjects for 2 folds beside those that validate; expected fewer val_units"
    )
    alone = windows(upload(recording("S01_a", noise(10))), labelled=False)
    assert refused(alone, folds=2, split_by="recording") == (
        "folds: 1 recording for 2 folds; expected two recordings at least, one to train on and one "
        "to test"
    )
    assert refused(one, test_units=["S00"]) == (
        "test_units: of 1 subject nothing is left to train on; expected fewer to be named"
    )
    assert refused(one, val_units=["S00"], tested=False).startswith("val_units: of 1 subject")
    assert refused(one, val_units=["S09"]).startswith("val_units: no window is of S09")
    short = windows(upload(recording("S01_a", noise(5))), labelled=False)
    assert refused(short, tested=False) == (
        "recordings: of 1 subject nothing is left to validate on; expected a recording of two "
        "windows or more"
    )


def test_each_subject_can_be_left_out_once():
    found = people(3)
    parts = folds(found, CBraModParams(folds=3), rng=np.random.default_rng(0), tested=True)
    for part in parts:
        sides = [set(found.subject[side]) for side in (part.train, part.val, part.test)]
        assert list(map(len, sides)) == [1, 1, 1]
        assert len(set.union(*sides)) == 3


@pytest.mark.parametrize("tested", [True, False])
def test_the_last_windows_validate_where_nobody_can_be_spared(tested):
    """Two recordings of ten windows, in two folds: nine train, one validates, ten test."""
    pair = upload(*(recording(f"S01_{eyes}", noise(50)) for eyes in "ab"))
    found = windows(pair, labelled=False)
    params = CBraModParams(folds=2, split_by="recording" if tested else "subject", val_share=0.2)
    parts = folds(found, params, rng=np.random.default_rng(0), tested=tested)
    for part in parts:
        assert divided(found, part, params)
        training, tests = (set(found.recording[side]) for side in (part.train, part.test))
        assert set(found.recording[part.val]) == training
        assert not training & tests
        assert set(found.start[part.train]) == set(range(0, 40, 5))
        assert set(found.start[part.val]) == {40, 45}
        every = np.concatenate([part.train, part.val, part.test])
        assert sorted(every) == list(range(20))
    assert not divided(people(4), *folds(
        people(4), CBraModParams(), rng=np.random.default_rng(0), tested=False
    ), params)  # fmt: skip


@pytest.mark.realdata
def test_the_windows_of_the_real_set(shared_data):
    """1,515 of 5 s, of which 44 reach 100 µV (the brief's count, give or take quantisation)."""
    from engine.data.eeg import io

    path = shared_data / "eeg/mental_arithmetic/mental_arithmetic_200hz_sub00-31.zip"
    got = windows(io.load(path))
    assert np.bincount(got.y).tolist() == [1131, 384]
    assert got.loud(100).sum() == pytest.approx(44, abs=1)
    assert len(np.unique(got.subject)) == 32


def diagnoses(count: int, *, every: int = 2) -> Windows:
    """One label per subject: every second, or third, is ill."""
    rows = tuple(
        {"file": f"S{at:02d}.edf", "label": "ill" if at % every == 0 else "well"}
        for at in range(count)
    )
    return windows(
        upload(*(recording(f"S{at:02d}", noise(10)) for at in range(count)), labels=rows)
    )


@pytest.mark.parametrize("every", [2, 3])
def test_who_validates_has_both_classes_where_each_subject_has_one(every):
    found = diagnoses(20, every=every)
    for seed in range(20):
        parts = folds(found, CBraModParams(), rng=np.random.default_rng(seed), tested=True)
        assert len(parts) == 4
        for part in parts:
            assert len(set(found.y[part.val])) == len(set(found.y[part.train])) == 2
            assert len(set(found.subject[part.val])) <= 3


def test_who_validates_is_drawn_once_where_everybody_has_both_classes():
    """So that a split is what it was before anybody looked at labels in it."""
    found, unlabelled = people(9), replace(people(9), y=None, classes=())
    for seed in range(5):
        with_labels, without = (
            folds(some, CBraModParams(folds=3), rng=np.random.default_rng(seed), tested=True)
            for some in (found, unlabelled)
        )
        for one, other in zip(with_labels, without, strict=True):
            np.testing.assert_array_equal(one.val, other.val)


def test_pre_training_leaves_those_alone_that_are_to_be_tested():
    found = people(5, labelled=False)
    params = CBraModParams(task="pretrain", test_units=["S04"])
    (part,) = folds(found, params, rng=np.random.default_rng(0), tested=False)
    assert set(found.subject[part.test]) == {"S04"}
    assert len(set(found.subject[part.train]) | set(found.subject[part.val])) == 4


def test_windows_that_share_samples_with_those_that_validate_do_not_train():
    notes = tuple((float(second), 1.0, "ab"[second % 2]) for second in range(16))
    pair = upload(*(recording(name, noise(20), notes=notes) for name in ("S01", "S02")))
    found = windows(pair)
    parts = folds(found, CBraModParams(folds=2), rng=np.random.default_rng(0), tested=True)
    for part in parts:
        assert found.start[part.val].tolist() == [14, 15]
        assert found.start[part.train].tolist() == list(range(10))


def test_one_number_alone_is_refused_before_it_trains():
    found = replace(diagnoses(4), classes=(), y=np.array([1.0, 1, 1, 1, 1, 1, 2, 2]))
    said = refused(found, folds=4, target="number")
    assert "would train on 1.0 alone; expected two numbers or more" in said


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
