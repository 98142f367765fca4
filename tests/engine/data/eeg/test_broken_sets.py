"""What is wrong with a set of files, its tables, its windows or its archive is told by name."""

from __future__ import annotations

import io as bytes_io
import pickle
import zipfile

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.data.eeg import io
from tests.engine.data.eeg.signals import cut, edf, noise, table
from tests.engine.data.eeg.told import errors, warnings
from tests.engine.data.making import folder_of, npz, report_on, said, zip_of

# Sets


def test_sets_with_other_channels_are_told_and_their_common_ones_counted(tmp_path):
    files = {"S01.edf": edf(noise(4)), "S02.edf": edf(noise(2))}
    path = zip_of(tmp_path / "set.zip", files)
    text = warnings(path)
    assert (
        "channel lists differ: S02.edf has no C3, C4, which S01.edf has; 2 are common to all"
        in text
    )
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
            "c.edf,rest\nd.edf,task\n",
            "2 labels, none of a recording that is here, 'c.edf'",
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


def test_what_may_be_one_person_on_both_sides_is_told(tmp_path):
    files = {f"P0{who}/stay{when}.edf": edf() for who in (1, 2) for when in (1, 2)}
    text = warnings(zip_of(tmp_path / "folders.zip", files))
    assert "stay1 begins names in 2 folders, P01 the first, and is taken for one person" in text
    files = {"S01_a.edf": edf(), "s01_b.edf": edf(), "S02_a.edf": edf()}
    text = warnings(zip_of(tmp_path / "case.zip", files))
    assert "S01 and s01 differ in case alone and are taken for several subjects" in text
    files = {f"S0{who}/S0{who}R0{run}.edf": edf() for who in (1, 2) for run in (1, 2)}
    text = warnings(zip_of(tmp_path / "plain.zip", files))
    assert "person" not in text
    assert "case" not in text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_windows_that_are_no_numbers_are_not_loaded(tmp_path, value):
    x = cut()["x"].copy()
    x[3, 1, 7] = value
    path = npz(tmp_path / "cut.npz", cut(x=x))
    assert "1 value NaN or infinite" in errors(path)
    with pytest.raises(UserError, match=r"x: NaN, .* in window 3, channel Fp2, sample 7;"):
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
        ({"y": np.array(["a", "b", "", "a", "b", " "])}, "y: an empty text at window 2; expected"),
        ({"subject": np.array(["P1"] * 5 + [""])}, "subject: an empty text at window 5; expected"),
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
