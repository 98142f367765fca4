"""What a dataset's page shows of EEG, and that it is small."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.data.eeg import io, picture
from engine.data.kind import check, kind
from tests.engine.data.eeg import signals
from tests.engine.data.making import npz, zip_of

TITLES = [
    "The first seconds of S01",
    "Power spectrum of S01",
    "Channels from above",
    "Largest value in each 5 s",
]


@pytest.fixture
def hum():
    """20 s of noise with a mains line of 50 Hz, and one sample of 255 µV."""
    signal = signals.noise(3, seconds=20, std=10)
    signal += 20 * np.sin(2 * np.pi * 50 * np.arange(4000) / 200)
    signal[1, 1300] = 255
    return signal


@pytest.fixture
def shown(tmp_path, hum):
    labels = ("EEG Fp1", "T3", "EEG A2-A1")
    files = {
        "S01.edf": signals.edf(hum, labels=labels),
        "S02.edf": signals.edf(hum, labels=labels),
        "labels.csv": "file,label\nS01,rest\nS02,task\n",
    }
    answer = check(kind("eeg"), zip_of(tmp_path / "set.zip", files))
    assert answer["ok"]
    json.dumps(answer, allow_nan=False)
    return answer["preview"]


def figure(shown, at: int) -> dict:
    return shown["figures"][at]["figure"]


def test_every_figure_is_there(shown):
    assert [entry["title"] for entry in shown["figures"]] == TITLES


def test_traces_stand_above_each_other_with_a_bar_of_microvolt(shown):
    traces, bar = figure(shown, 0)["data"]
    assert figure(shown, 0)["layout"]["yaxis"]["ticktext"] == ["EEG Fp1", "T3", "EEG A2-A1"]
    assert bar["y"][1] - bar["y"][0] == pytest.approx(bar["meta"]["microvolt"])
    assert bar["text"][0] == f"{bar['meta']['microvolt']:g} µV"
    assert traces["x"].count(None) == 3
    assert max(x for x in traces["x"] if x is not None) <= picture.SECONDS


def test_a_reduced_trace_keeps_what_stands_out():
    signal = np.zeros(10_000)
    signal[[17, 7777]] = 5, -5
    places, values = picture.reduced(signal, 50)
    assert places.size <= 100
    assert {17, 7777} <= set(places.tolist())
    assert (values.min(), values.max()) == (-5, 5)


def test_the_mains_stand_out_of_the_spectrum(shown):
    median = next(t for t in figure(shown, 1)["data"] if t["name"] == "median channel")
    peak = median["x"][int(np.argmax(median["y"]))]
    assert peak == 50
    assert {t["name"] for t in figure(shown, 1)["data"]} >= {"mains, 50 Hz", "mains, 60 Hz"}


def test_the_spectrum_of_white_noise_has_its_known_height():
    """One-sided density of white noise: 2 σ² / rate."""
    signal = np.random.default_rng(0).normal(scale=10, size=(4, 60_000))
    median = picture._spectrum(signal, 200.0)["data"][1]
    assert np.mean(median["y"][5:-5]) == pytest.approx(10 * np.log10(2 * 100 / 200), abs=0.3)


def test_channels_are_drawn_from_above_and_the_others_listed(shown):
    head = figure(shown, 2)["data"][1]
    assert head["text"] == ["EEG Fp1", "T3"]
    (left, front), (far_left, middle) = zip(head["x"], head["y"], strict=True)
    assert left < 0 < front
    assert far_left < -0.9
    assert abs(middle) < 0.25
    unplaced = next(table for table in shown["tables"] if "without a place" in table["title"])
    assert unplaced["rows"] == [["EEG A2-A1", "A2-A1"]]


def test_window_maxima_are_counted_with_the_line_at_100(shown):
    bars, line = figure(shown, 3)["data"]
    assert sum(bars["y"]) == 8
    assert bars["name"] == "windows; 25.0% reach 100 µV"
    assert bars["y"][25] == 2
    assert line["x"] == [100, 100]


def test_tables_have_recordings_and_who_has_which_class(shown):
    recordings, classes, _ = shown["tables"]
    assert recordings["rows"][0] == ["S01", "S01", 0.0056, 200.0, 3, 0, ""]
    assert classes["title"] == "Classes of each subject, in recordings"
    assert classes["columns"] == ["subject", "rest", "task"]
    assert classes["rows"] == [["S01", 1, 0], ["S02", 0, 1]]


def test_windows_have_a_picture_too(tmp_path):
    shown = io.preview(npz(tmp_path / "cut.npz", signals.cut()))
    json.dumps(shown, allow_nan=False)
    assert shown["tables"][0]["rows"] == [["s0", 1, 1], ["s1", 1, 1], ["s2", 1, 1]]
    assert sum(figure(shown, 3)["data"][0]["y"]) == 6


def test_a_flat_recording_has_a_picture(tmp_path):
    path = zip_of(tmp_path / "set.zip", {"a.edf": signals.edf(np.zeros((3, 400)))})
    json.dumps(io.preview(path), allow_nan=False)


def test_a_picture_stays_small_with_many_channels(tmp_path):
    names = tuple(f"E{at}" for at in range(128))
    raw = signals.edf(signals.noise(128, seconds=12), labels=names)
    shown = io.preview(zip_of(tmp_path / "set.zip", {"a.edf": raw}))
    assert len(json.dumps(shown)) < 300_000


def test_a_signal_in_the_wrong_unit_is_drawn_too():
    signal = 1e-5 * np.random.default_rng(0).normal(size=(2, 300))  # volt
    traces, bar = picture._traces(signal, ("C3", "C4"), 200.0)["data"]
    assert 0 < bar["meta"]["microvolt"] <= 6e-5
    first = traces["y"][: traces["y"].index(None)]
    np.testing.assert_allclose(first, signal[0] - signal[0].mean(), atol=1e-7)
