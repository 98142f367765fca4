"""What is wrong with an upload is told, with the file, the channel and what was expected there."""

from __future__ import annotations

import io as bytes_io
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from engine.core.errors import UserError
from engine.data.eeg import io
from tests.engine.data.eeg import signals
from tests.engine.data.eeg.signals import brainvision, cut, edf, eeglab, gdf, noise, table
from tests.engine.data.making import folder_of, npz, report_on, said, zip_of


def errors(path) -> str:
    return said(report_on(io, path), "error")


def warnings(path) -> str:
    report = report_on(io, path)
    assert not said(report, "error")
    return said(report, "warning")


@pytest.fixture
def write(tmp_path):
    def make(name: str, content: bytes | str):
        return folder_of(tmp_path, {name: content}) / name

    return make


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


# Sets


def test_sets_with_other_channels_are_told_and_their_common_ones_counted(tmp_path):
    files = {"S01.edf": edf(noise(4)), "S02.edf": edf(noise(2))}
    path = zip_of(tmp_path / "set.zip", files)
    text = warnings(path)
    assert "channel lists differ: S01.edf has 4 of EEG, S02.edf 2; 2 are common to all" in text
    facts = report_on(io, path).facts
    assert (facts["channels"], facts["channel_names"]) == (2, ["FP1", "FP2"])


def test_old_and_new_names_of_an_electrode_are_common(tmp_path):
    files = {
        "S01.edf": edf(noise(2), labels=("EEG T3", "EEG C3-REF")),
        "S02.edf": edf(noise(2), labels=("T7", "C3..")),
    }
    path = zip_of(tmp_path / "set.zip", files)
    assert not warnings(path)
    assert report_on(io, path).facts["channel_names"] == ["T7", "C3"]


def test_sets_without_a_common_channel_are_refused(tmp_path):
    files = {"a.edf": edf(noise(1), labels=("C3",)), "b.edf": edf(noise(1), labels=("C4",))}
    assert "no channel of EEG is in all of them" in errors(zip_of(tmp_path / "set.zip", files))


def test_rates_that_differ_between_files_are_told(tmp_path):
    files = {"a.edf": edf(), "b.edf": edf(each=(100,) * 3)}
    assert "sampling rates differ: " in warnings(zip_of(tmp_path / "set.zip", files))


def test_each_broken_file_of_a_set_is_told_by_its_name(tmp_path):
    files = {"a.edf": edf(), "b.edf": b"no", "c.gdf": b"no"}
    text = errors(folder_of(tmp_path / "set", files))
    assert "b.edf: 2 bytes; expected a header of 256 at least" in text
    assert "c.gdf: other first bytes; expected those of a GDF file" in text


def test_two_formats_of_one_recording_are_refused(tmp_path):
    files = {"a.edf": edf(), "a.csv": table()}
    assert "'a' is there in several formats" in errors(zip_of(tmp_path / "set.zip", files))


def test_labels_of_a_table_are_counted(tmp_path):
    files = {"a.edf": edf(), "b.edf": edf(), "labels.csv": "file,label\na.edf,rest\nb.edf,task\n"}
    path = zip_of(tmp_path / "set.zip", files)
    report = report_on(io, path)
    assert "labels of 2 of 2 recordings: rest (1), task (1)" in said(report, "ok")
    facts = report.facts
    assert (facts["labels"], facts["classes"], facts["label_source"]) == (True, 2, "labels.csv")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("a.edf,rest\nb.edf,rest\n", "labels of one class alone"),
        ("a,rest\n", "no label for 1 recording"),
        (
            "A.edf,rest\nB.edf,task\n",
            "2 labels, none of a recording that is here, 'A.edf'",
        ),
    ],
)
def test_labels_that_do_not_do_are_told(tmp_path, rows, expected):
    files = {"a.edf": edf(), "b.edf": edf(), "labels.csv": f"file,label\n{rows}"}
    path = zip_of(tmp_path / "set.zip", files)
    assert expected in warnings(path)
    assert report_on(io, path).facts["labels"] is False


def test_names_that_do_not_say_whose_a_recording_is_are_told(tmp_path):
    files = {"01_rest.edf": edf(), "S02_rest.edf": edf(), "run1.edf": edf()}
    text = warnings(zip_of(tmp_path / "set.zip", files))
    assert "not in the name of 2 recordings, '01_rest' the first: each is taken for" in text
    files = {"S01_rest.edf": edf(), "sub-02/eeg/rest.edf": edf()}
    assert "whose" not in warnings(zip_of(tmp_path / "told.zip", files))
    assert "whose" not in warnings(zip_of(tmp_path / "one.zip", {"rest.edf": edf()}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_windows_that_are_no_numbers_are_not_loaded(tmp_path, value):
    x = cut()["x"].copy()
    x[3, 1, 7] = value
    path = npz(tmp_path / "cut.npz", cut(x=x))
    assert "1 value NaN or infinite" in errors(path)
    with pytest.raises(UserError, match=r"cut.npz: x has values NaN or infinite"):
        io.load(path)


def test_windows_of_one_class_are_told(tmp_path):
    path = npz(tmp_path / "cut.npz", cut(y=np.ones(6, int)))
    assert "y: labels of one class alone; expected two or more" in warnings(path)
    assert report_on(io, path).facts["labels"] is False
    assert "windows of one person could be on both sides" in warnings(
        npz(tmp_path / "b.npz", cut(subject=None))
    )


def test_an_upload_without_a_recording_names_what_is_there(tmp_path):
    text = errors(zip_of(tmp_path / "set.zip", {"notes.md": "hello"}))
    assert "no recording among 'notes.md'; expected EDF, BDF" in text
    assert "expected a recording" not in text
    assert not io.sniff(tmp_path / "set.zip")


# Windows


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sfreq": None}, "no sfreq among 'ch_names', 'subject', 'x', 'y'; expected x (windows"),
        ({"ch_names": None}, "no ch_names among"),
        ({"x": noise()}, "x of shape (3, 800); expected (windows, channels, samples)"),
        ({"x": np.zeros((6, 3, 200), bool)}, "x of type bool; expected numbers, in microvolt"),
        ({"sfreq": np.array([200.0, 1])}, "sfreq of shape (2,); expected one rate in Hz"),
        ({"sfreq": np.array(-1.0)}, "expected one rate in Hz"),
        ({"ch_names": np.array(["C3"])}, "1 texts in ch_names; expected a name for each of 3"),
        ({"ch_names": np.arange(3)}, "0 texts in ch_names; expected a name for each of 3"),
        ({"y": np.arange(5)}, "y: shape (5,); expected one for each of 6 windows"),
        ({"y": np.array([0.5, 1, np.nan, 2, 3, 4])}, "y: nan at window 2; expected numbers"),
        ({"subject": np.linspace(0, 1, 6)}, "subject: type float64; expected whole numbers or"),
        ({"subject": np.arange(2)}, "subject: shape (2,); expected one for each of 6 windows"),
        ({"x": cut(samples=100)["x"]}, "windows of 100 samples, 0.5 s; expected 1 s or more"),
    ],
)
def test_windows_that_do_not_fit_are_refused(tmp_path, changes, expected):
    assert expected in errors(npz(tmp_path / "cut.npz", cut(**changes)))


def test_pickled_windows_are_never_opened(tmp_path):
    buffer = bytes_io.BytesIO()
    np.lib.format.write_array(buffer, np.array([{}], dtype=object), allow_pickle=True)
    text = errors(npz(tmp_path / "cut.npz", cut(x=buffer.getvalue())))
    assert "an array of Python objects (a pickle), which is never opened" in text


def test_a_pickle_is_refused_whatever_it_is_called(write):
    for name in ("a.edf", "a.fif", "a.set", "a.mat", "a.csv"):
        assert "a Python pickle" in errors(write(name, pickle.dumps({"x": 1})))


# MATLAB and EEGLAB


def matlab(**variables) -> bytes:
    buffer = bytes_io.BytesIO()
    savemat(buffer, variables, do_compression=True)
    return buffer.getvalue()


def test_matlab_7_3_is_refused_with_what_to_do(write):
    raw = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n"
    for name in ("a.mat", "a.set"):
        assert "MATLAB 7.3, which is HDF5; expected MATLAB 5 to 7.2: save it with" in errors(
            write(name, raw)
        )


def test_a_matlab_file_that_unpacks_to_far_more_is_refused(write):
    element = struct.pack("<II", 15, 0)
    body = zlib.compress(bytes(1 << 28), 9)
    raw = matlab(a=1)[:128] + element[:4] + struct.pack("<I", len(body)) + body
    assert "unpacks to over" in errors(write("a.mat", raw))


@pytest.mark.parametrize("size", [50, 128, 136, 200, 1000, 3000])
def test_a_matlab_file_that_is_cut_off_is_refused(write, size):
    assert "a.mat" in errors(write("a.mat", matlab(**cut())[:size]))
    assert "a.set" in errors(write("a.set", eeglab()[:size]))


def test_a_matlab_file_of_something_else_is_refused(write):
    assert "no x and no sfreq and no ch_names among 'a'" in errors(write("a.mat", matlab(a=1)))
    assert "no struct EEG; expected a data set saved by EEGLAB" in errors(
        write("a.set", matlab(a=1))
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"trials": 5.0}, "5 epochs; expected a continuous recording"),
        ({"srate": "fast"}, "EEG.srate is no number; expected one"),
        ({"pnts": 900.0}, "EEG.data of shape (3, 800); expected (3, 900), channels x samples"),
        ({"pnts": 1e15}, "expected at most 1,073,741,824 values"),
        ({"chanlocs": np.zeros(0)}, ""),
        ({"data": "rec.fdt"}, "EEG.data is 'rec.fdt', which is not in the upload"),
        ({"data": "../../etc/passwd"}, "expected the plain name of a file beside it"),
        ({"data": "/etc/passwd"}, "expected the plain name of a file beside it"),
        ({"data": "C:\\rec.fdt"}, "expected the plain name of a file beside it"),
    ],
)
def test_an_eeglab_struct_that_does_not_fit_is_refused(write, changes, expected):
    report = report_on(io, write("rec.set", eeglab(**changes)))
    if expected:
        assert expected in said(report, "error")
    else:
        assert "no names of channels: they are called EEG 001 to EEG 003" in said(report, "warning")


def test_an_fdt_of_another_size_is_refused(tmp_path):
    files = {"rec.set": eeglab(data="rec.fdt"), "rec.fdt": bytes(100)}
    text = errors(zip_of(tmp_path / "set.zip", files))
    assert "rec.fdt: 100 bytes; expected 9,600: 3 channels x 800 samples" in text


# BrainVision


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "..", ".", "", "C:\\a.eeg", "a\\b.eeg", "sub/rec.eeg"],
)
def test_a_brainvision_header_names_no_file_outside_of_the_upload(tmp_path, name):
    text = errors(folder_of(tmp_path / "a", brainvision(data=name)))
    assert "rec.vhdr: DataFile is" in text
    assert "expected the plain name of a file beside it" in text
    if name:
        text = errors(folder_of(tmp_path / "b", brainvision(marks=name)))
        assert "rec.vhdr: MarkerFile is" in text


def test_a_brainvision_header_alone_says_what_is_missing(write):
    text = errors(write("rec.vhdr", brainvision()["rec.vhdr"]))
    assert "DataFile is 'rec.eeg', which is not in the upload" in text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"DataFormat=BINARY", b"DataFormat=ASCII", "DataFormat=ASCII; expected BINARY"),
        (b"IEEE_FLOAT_32", b"UINT_8", "BinaryFormat='UINT_8'; expected one of INT_16"),
        (b"Channels=3", b"Channels=x", "numberofchannels='x'; expected a number"),
        (b"Channels=3", b"Channels=4", "no Ch4 under [Channel Infos]; expected 4 channels"),
        (b"Channels=3", b"Channels=-1", "-1 channels"),
        (b"Interval=5000", b"Interval=0", "one sample in 0"),
        (b"MULTIPLEXED", b"MIXED", "DataOrientation='MIXED'; expected MULTIPLEXED or"),
        (b"[Channel Infos]", b"[Infos]", "no section [Channel Infos]; expected one"),
        (b"Ch1=Fp1,,1,", b"Ch1=Fp1,,one,", "Ch1: step 'one'; expected a number"),
        (b"Brain Vision Data", b"Brian Vision Data", "other first bytes"),
    ],
)
def test_a_brainvision_header_that_does_not_fit_is_refused(tmp_path, old, new, expected):
    files = brainvision()
    files["rec.vhdr"] = files["rec.vhdr"].replace(old, new)
    assert expected in errors(folder_of(tmp_path / "set", files))


def test_brainvision_samples_that_are_cut_off_and_odd_markers_are_told(tmp_path):
    files = brainvision(markers=("Mk1=Stimulus,S  1,here,1,0",))
    files["rec.eeg"] = files["rec.eeg"][:-5]
    text = warnings(folder_of(tmp_path / "set", files))
    assert "rec.eeg: 7 bytes behind the last whole sample of 3 channels; left out" in text
    assert "1 markers without a position; left out" in text


# FIF and GDF


def renamed_next(raw: bytes, name: bytes) -> bytes:
    """The first part of a split FIF, which goes on in a file of another name of equal length."""
    assert raw.count(b"rec_raw-1.fif") == 1
    return raw.replace(b"rec_raw-1.fif", name)


@pytest.mark.parametrize("name", [b"../../raw.fif", b"/etc/raw0.fif", b"sub/raw_1.fif"])
def test_a_split_fif_goes_on_in_no_file_outside_of_the_upload(tmp_path, name):
    signals.fif(tmp_path / "set", noise(6, seconds=800), split_size="2MB")
    first = tmp_path / "set/rec_raw.fif"
    first.write_bytes(renamed_next(first.read_bytes(), name))
    text = errors(tmp_path / "set")
    assert f"rec_raw.fif: goes on in '{name.decode()}'; expected the plain name of a file" in text


def test_a_split_fif_whose_next_part_is_missing_says_so(tmp_path):
    path = signals.fif(tmp_path / "set", noise(6, seconds=800), split_size="2MB")
    assert "goes on in 'rec_raw-1.fif', which is not in the upload" in errors(path)


def test_a_fif_that_goes_on_in_itself_is_refused(tmp_path):
    path = signals.fif(tmp_path / "set", noise(6, seconds=800), split_size="2MB")
    second = tmp_path / "set/rec_raw-1.fif"
    second.write_bytes(path.read_bytes())
    assert "'rec_raw-1.fif' over and over" in errors(tmp_path / "set")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_fif_and_gdf_that_are_cut_off_are_refused_or_read_in_part(write, tmp_path, share):
    whole = signals.fif(tmp_path / "set", noise()).read_bytes()
    for name, raw in (("a_raw.fif", whole), ("a.gdf", gdf())):
        path = write(name, raw[: int(len(raw) * share)])
        report = report_on(io, path)
        assert report.failed or io.load(path).recordings[0].read().size
        if report.failed:
            assert path.name in said(report, "error")


@pytest.mark.parametrize("records", [-1, 0, 10**9])
def test_a_gdf_that_says_more_records_than_there_are_is_refused(write, records):
    text = errors(write("a.gdf", gdf(records=records)))
    assert f"a.gdf: its header says {records:,} records; they are not all there" in text


def test_a_gdf_that_says_more_channels_than_there_are_is_refused(write):
    raw = bytearray(gdf())
    for channels in (100, 10**9):
        raw[252:256] = struct.pack("<I", channels)
        text = errors(write("a.gdf", bytes(raw)))
        assert (
            f"its header says {channels:,} channels; {len(raw):,} bytes hold no such header" in text
        )


# Text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Fp1,Fp2\n1,2\n", "a first column 'Fp1'; expected a first column of time in seconds"),
        ("time,Fp1\n0,1\n0.005,x\n", "row 3: 'x'; expected a number"),
        ("time,Fp1\n0,1\n0.005\n", "row 3: 1 cells; expected 2, as the header"),
        ("time,Fp1\n0,1\n0.005,2\n0.05,3\n", "steps of time from 0.005 to 0.045; expected"),
        ("time,Fp1\n1,1\n0,2\n", "times that do not rise"),
        ("sample,Fp1\n0,1\n1,2\n", "a first column 'sample' counts samples; expected"),
        ("time\n0\n1\n", "a first column 'time'; expected"),
        ("time,Fp1\n", "a header and no rows; expected a row for each sample"),
        ("time,Fp1\n0,1\n\n0.01,2\n", "expected"),
    ],
)
def test_a_csv_that_does_not_fit_is_refused(write, content, expected):
    assert expected in errors(write("a.csv", content))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2,3\n", "t.csv: row 2: 3 cells; expected 2 as the header"),
        ('a,b\n"1,2\n', "expected a table of text"),
        ("a,b\n\0,2\n", "NUL bytes; expected a table of text"),
        (b"a,b\n\xff,2\n", "not UTF-8 at byte 4; save the file as UTF-8"),
    ],
)
def test_a_table_beside_recordings_that_is_none_is_refused(tmp_path, content, expected):
    assert expected in errors(zip_of(tmp_path / "set.zip", {"a.edf": edf(), "t.csv": content}))


# Archives


def test_archives_that_could_harm_are_refused(tmp_path):
    assert "leaves its folder" in errors(zip_of(tmp_path / "a.zip", {"../a.edf": edf()}))
    inner = zip_of(tmp_path / "inner.zip", {"a.edf": edf()}).read_bytes()
    text = errors(zip_of(tmp_path / "b.zip", {"a.edf": edf(), "more.zip": inner}))
    assert "more.zip: a zip inside an archive or folder" in text
    text = errors(zip_of(tmp_path / "c.zip", {"a.edf": bytes(1 << 28)}))
    assert "over 200 to 1, a zip bomb" in text
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        info = zipfile.ZipInfo("a.edf")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    assert "is a link or a device" in errors(tmp_path / "d.zip")
