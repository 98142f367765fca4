"""What is wrong with a file of another format than EDF is told, with what was expected there."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from engine.data.eeg import io
from tests.engine.data.eeg import signals
from tests.engine.data.eeg.signals import brainvision, cut, edf, eeglab, gdf, matlab, noise
from tests.engine.data.eeg.told import errors, warnings
from tests.engine.data.making import folder_of, report_on, said, zip_of

# MATLAB and EEGLAB


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
