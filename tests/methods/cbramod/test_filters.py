"""What is done to a signal before and after it is cut: filters, reference, rejection, scale."""

from __future__ import annotations

from types import SimpleNamespace

import mne
import numpy as np
import pytest

from engine.core.errors import UserError
from engine.core.params import parse
from engine.data.eeg.recording import Cut, Recordings
from engine.methods.cbramod.card import METHOD
from engine.methods.cbramod.filters import filter_seconds, remarks
from engine.methods.cbramod.params import CBraModParams
from engine.methods.cbramod.split import folds
from engine.methods.cbramod.work import quiet
from tests.methods.cbramod.held import noise, people, recording, refusal, upload, windows


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
