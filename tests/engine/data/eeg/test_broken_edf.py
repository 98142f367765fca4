"""What is wrong with an EDF, or with what its samples say, is told with the channel."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.data.eeg import io
from tests.engine.data.eeg.signals import brainvision, cut, edf, noise, table
from tests.engine.data.eeg.told import errors, warnings
from tests.engine.data.making import folder_of, npz, report_on, said

# EDF


def test_line_ends_that_were_translated_are_recognised(write):
    healthy = edf(noise(3, seconds=60))
    damaged = healthy.replace(b"\n", b"\r\n")[: len(healthy)]
    text = errors(write("a.edf", damaged))
    assert "a.edf: its line ends were translated: each of the first" in text
    assert "binary mode" in text
    assert not said(report_on(io, write("b.edf", healthy)), "warning")


def test_a_record_that_is_cut_off_is_left_out(write):
    path = write("a.edf", edf()[:-500])
    text = warnings(path)
    assert "the last record is cut off: 700 of 1,200 bytes; it is left out" in text
    assert "the header says 4 records, and 3 whole ones are there" in text
    np.testing.assert_allclose(io.load(path).recordings[0].read(), noise()[:, :600], atol=0.02)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (-1, "does not say how many records there are (-1); 4 are"),
        (9, "the header says 9 records, and 4 whole ones are there; these are read"),
        (2, "the header says 2 records, and 4 whole ones are there; these are read"),
    ],
)
def test_a_wrong_number_of_records_is_put_right(write, records, expected):
    path = write("a.edf", edf(records=records))
    assert expected in warnings(path)
    assert io.load(path).recordings[0].samples == 800


def test_an_edf_without_a_record_is_refused(write):
    assert "no whole record behind the header" in errors(write("a.edf", edf()[:1500]))


@pytest.mark.parametrize(
    ("at", "field", "expected"),
    [
        (252, b"many", "number of signals is 'many'; expected a number"),
        (252, b"9999", "a header of 1,024 bytes for 9,999 signals"),
        (252, b"0   ", "a header of 1,024 bytes for 0 signals"),
        (184, b"512     ", "a header of 512 bytes for 3 signals"),
        (244, b"0       ", "records of 0 s; expected more than 0 s"),
        (244, b"nan     ", "seconds of a record is 'nan'; expected a number"),
        (0, b"1       ", "other first bytes; expected those of an EDF"),
        (256 + 216 * 3, b"0       ", "signal 'EEG Fp1': no samples in a record"),
        (256 + 216 * 3, b"9999999", "no whole record behind the header"),
        (256 + 216 * 3, b"99999999", "records of 200,000,798 bytes; expected at most"),
        (256 + 104 * 3, b"????????", "signal 'EEG Fp1': low is '????????'; expected a number"),
    ],
)
def test_a_header_that_lies_is_refused_with_its_field(write, at, field, expected):
    raw = edf()
    assert expected in errors(write("a.edf", raw[:at] + field + raw[at + len(field) :]))


@pytest.mark.parametrize("size", [0, 8, 100, 255, 256, 600])
def test_an_edf_that_ends_inside_its_header_is_refused(write, size):
    assert "a.edf" in errors(write("a.edf", edf()[:size]))


def test_channels_of_the_same_name_are_numbered(write):
    path = write("a.edf", edf(labels=("EEG C3", "EEG C3", "EEG C4")))
    assert "channels of the same name are numbered, as C3-0 and C3-1: 'EEG C3'" in warnings(path)
    assert io.load(path).recordings[0].channels == ("EEG C3-0", "EEG C3-1", "EEG C4")


def test_a_channel_without_a_range_is_told(write):
    assert "signal 'EEG Fp1': its range is empty" in warnings(write("a.edf", edf(low="1000")))


def test_a_unit_that_is_missing_is_read_as_microvolt(write):
    path = write("a.edf", edf(units=("", "", "")))
    assert "3 signals without a unit: read as microvolt" in warnings(path)


def test_notes_that_cannot_be_read_are_counted(write):
    notes = (b"+0\x14\x14\0noon\x14lunch\x14\0", *(f"+{n}\x14\x14\0".encode() for n in (1, 2, 3)))
    text = warnings(write("a.edf", edf(notes=notes, reserved="EDF+C")))
    assert "1 annotation unreadable and left out; expected an onset, as in +12.5" in text


def test_notes_in_another_encoding_are_told(write):
    notes = (b"+0\x14\x14\0+1\x14gr\xfcn\x14\0", *(f"+{n}\x14\x14\0".encode() for n in (1, 2, 3)))
    path = write("a.edf", edf(notes=notes, reserved="EDF+C"))
    assert "annotations that are not UTF-8" in warnings(path)
    assert io.load(path).recordings[0].annotations[0].text == "grün"


# What the samples say


@pytest.mark.parametrize(
    ("factor", "unit"), [(1e-6, "volt"), (1e-3, "millivolt"), (1e3, "nanovolt"), (1e6, "picovolt")]
)
def test_units_that_are_wrong_are_told_with_the_likely_factor(tmp_path, factor, unit):
    text = warnings(npz(tmp_path / "cut.npz", cut(x=cut()["x"] * np.float32(factor))))
    assert f"expected 0.5 to 500 µV. Likely {unit} that were written as microvolt" in text


def test_a_slow_drift_is_no_wrong_unit(write):
    drift = noise(3, seconds=60) + np.linspace(0, 20_000, 12_000, dtype=np.float32)
    assert "Likely" not in warnings(write("a.csv", table(drift)))


def test_flat_and_clipped_channels_are_named(write):
    signal = noise(3, seconds=20)
    signal[0] = 7
    signal[2] = np.clip(signal[2], -30, 30)
    text = warnings(write("a.edf", edf(signal)))
    assert "flat, one value throughout: EEG Fp1" in text
    assert "lowest or highest value: EEG C3" in text
    assert "EEG Fp2" not in text


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_channels_that_are_no_numbers_are_named_and_refused(tmp_path, odd):
    x = cut()["x"]
    x[2, 1, 7:9] = odd
    text = errors(npz(tmp_path / "cut.npz", cut(x=x)))
    assert "2 values NaN or infinite, in Fp2; expected numbers" in text


def test_a_read_refuses_what_is_no_number_with_its_second(tmp_path):
    signal = noise()
    signal[1, 300] = np.nan
    path = folder_of(tmp_path / "set", brainvision(signal))
    assert "1 value NaN or infinite, in Fp2" in errors(path)
    with pytest.raises(UserError, match=r"rec\.vhdr: channel Fp2: NaN or infinite at 1\.500 s"):
        io.load(path).recordings[0].read()


def test_a_rate_that_is_too_low_is_refused(write):
    text = errors(write("a.edf", edf(each=(64, 64, 64))))
    assert "a.edf: 64 Hz; expected 100 Hz or more" in text


def test_a_recording_that_is_too_short_is_refused(write):
    assert "160 samples, 0.8 s long; expected 1 s or more" in errors(
        write("a.edf", edf(noise(3, seconds=0.8), each=(160,) * 3, seconds=0.8))
    )


def test_what_is_no_eeg_is_named(write):
    labels = ("EEG Fp1", "EOG left", "ECG II", "EMG Chin", "STI 014", "Resp chest", "SaO2")
    text = warnings(write("a.edf", edf(noise(7), labels=labels)))
    for kind, name in (("eog", "EOG left"), ("ecg", "ECG II"), ("stim", "STI 014")):
        assert f"{kind} and no EEG, in 1 recording: {name}; methods leave them out" in text
    assert io.load(write("b.edf", edf(noise(7), labels=labels))).recordings[0].eeg == ("EEG Fp1",)


def test_a_recording_without_eeg_is_refused(write):
    path = write("a.edf", edf(noise(1), labels=("ECG II",)))
    assert "no channel of EEG; expected one at least" in errors(path)


def test_notes_outside_of_the_recording_are_told(write):
    notes = (b"+0\x14\x14\0+99\x14late\x14\0", *(f"+{n}\x14\x14\0".encode() for n in (1, 2, 3)))
    text = warnings(write("a.edf", edf(notes=notes, reserved="EDF+C")))
    assert "1 annotation outside of the recording, at 99 s the first" in text
