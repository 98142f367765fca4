"""The real recordings, in place. Expected numbers are those that come with the files."""

from __future__ import annotations

import time
from pathlib import Path

import mne
import numpy as np
import pytest

from engine.data.eeg import io
from engine.data.eeg.recording import Recordings
from engine.data.graph import io as graph_io
from engine.data.split import io as split_io
from tests.engine.data.making import report_on, said

pytestmark = pytest.mark.realdata

ZIP = "eeg/mental_arithmetic/mental_arithmetic_200hz_sub00-31.zip"
MOTOR = ("S001R04.edf", "S001R06.edf", "S001R08.edf", "S001R10.edf")


@pytest.fixture(scope="module")
def arithmetic(shared_data) -> Recordings:
    return io.load(shared_data / ZIP)


@pytest.mark.parametrize("name", ["mental_arithmetic/Subject00_1.edf", "eegmmi_s001/S001R04.edf"])
def test_real_recordings_are_read_as_mne_reads_them(shared_data, name):
    path = shared_data / "eeg" / name
    one = io.load(path).recordings[0]
    peer = mne.io.read_raw_edf(path, verbose="ERROR")
    assert (one.sfreq, one.samples) == (peer.info["sfreq"], peer.n_times)
    assert one.channels == tuple(peer.ch_names)
    microvolt = peer.get_data() * 1e6
    np.testing.assert_allclose(one.read(), microvolt, rtol=1e-5, atol=2e-3)
    told = [(round(note.onset, 3), note.text) for note in one.annotations]
    notes = zip(peer.annotations.onset, peer.annotations.description, strict=True)
    assert told == [(round(onset, 3), text) for onset, text in notes]


def test_the_motor_runs_have_their_known_facts(shared_data):
    report = report_on(io, shared_data / "eeg/eegmmi_s001")
    assert report.passed
    assert not said(report, "warning")
    facts = report.facts
    assert (facts["recordings"], facts["subjects"], facts["channels"]) == (4, 1, 64)
    assert facts["sfreq"] == [160]
    assert facts["annotation_kinds"] == ["T0", "T2", "T1"] or facts["annotations"] == 120
    assert facts["labels"] is True
    assert {"FC5", "T7", "T10", "IZ"} <= set(facts["channel_names"])


def test_the_arithmetic_zip_passes_with_its_known_facts(shared_data):
    report = report_on(io, shared_data / ZIP)
    assert report.passed
    assert not said(report, "warning")
    facts = report.facts
    assert (facts["recordings"], facts["subjects"], facts["channels"]) == (64, 32, 20)
    assert facts["sfreq"] == [200]
    assert round(facts["hours"], 2) == 2.14


def test_the_arithmetic_zip_cuts_into_the_known_windows(arithmetic):
    """1,131 of rest and 384 of the task; 44 (and one, by rounding) reach 100 µV."""
    counts, large = {"1": 0, "2": 0}, 0
    for one in arithmetic.recordings:
        signal = one.read()
        windows = one.samples // 1000
        counts[one.name[-1]] += windows
        cut = signal[:, : windows * 1000].reshape(20, windows, 1000)
        large += int((np.abs(cut).max(axis=(0, 2)) >= 100).sum())
    assert counts == {"1": 1131, "2": 384}
    assert abs(large - 44) <= 1


def test_the_zip_is_the_raw_recording_as_mne_resamples_it(shared_data, arithmetic):
    """To 0.05 µV, half of the step to which the zip was rounded."""
    one = next(one for one in arithmetic.recordings if one.name == "Subject00_1")
    raw = shared_data / "eeg/mental_arithmetic/Subject00_1.edf"
    peer = mne.io.read_raw_edf(raw, preload=True, verbose="ERROR").pick(list(one.channels))
    slow = peer.resample(200, verbose="ERROR").get_data() * 1e6
    assert np.abs(one.read() - slow).max() < 0.051


def test_reading_all_of_the_zip_is_quick(shared_data):
    """Well under ten seconds and 500 MB; measured at 1.3 s and 40 MB."""
    began = time.process_time()
    found = io.load(shared_data / ZIP)
    values = sum(one.read().size for one in found.recordings)
    assert time.process_time() - began < 10
    assert values == 20 * sum(one.samples for one in found.recordings) == 30_800_000


def test_the_translated_file_is_refused(shared_data):
    path = shared_data / "eeg/malformed/S001R01_crlf_translated.edf"
    text = said(report_on(io, path), "error")
    assert "each of the first" in text
    assert "LF bytes follows a CR" in text


def test_real_recordings_are_known_by_their_own_kind_only(shared_data):
    paths: list[Path] = [*(shared_data / "eeg").rglob("*.edf"), shared_data / ZIP]
    for path in paths:
        assert io.sniff(path), path.name
        assert not graph_io.sniff(path), path.name
        assert not split_io.sniff(path), path.name
    for path in (shared_data / "graph").rglob("*.*"):
        if path.suffix in (".npz", ".zip"):
            assert not io.sniff(path), path.name
