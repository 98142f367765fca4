"""Tables that label recordings: which recording a name means, and what says two things of one."""

from __future__ import annotations

import pytest

from engine.core.errors import UserError
from engine.data.eeg import io
from engine.data.eeg.set_of import labels_beside
from tests.engine.data.eeg.signals import edf, noise
from tests.engine.data.eeg.told import errors, warnings
from tests.engine.data.making import report_on, zip_of

TWO = ("S01.edf", "S02.edf")


def labelled(path, rows: str, files=TWO, **tables: str) -> dict[str, str]:
    members = {name: edf() for name in files} | {"labels.csv": f"file,label\n{rows}"}
    members |= {f"{name}.csv": f"file,label\n{text}" for name, text in tables.items()}
    return labels_beside(io.load(zip_of(path / "set.zip", members)))[1]


@pytest.mark.parametrize("rows", [
    "S01.edf,rest\nS02.edf,task\n",
    "S01,rest\nS02,task\n",
    "s01.EDF,rest\n./S02.edf,task\n",
    "S01.edf,rest\nS02.edf,task\nS02,task\n",
])  # fmt: skip
def test_a_recording_is_called_in_several_ways(tmp_path, rows):
    assert labelled(tmp_path, rows) == {"S01": "rest", "S02": "task"}


def test_folders_are_parted_as_on_any_system(tmp_path):
    files = ("S01/rest.edf", "S02/rest.edf")
    found = labelled(tmp_path, "S01\\rest.edf,a\n.\\S02\\rest,b\n", files)
    assert found == {"S01/rest": "a", "S02/rest": "b"}


def test_several_tables_say_more_than_one(tmp_path):
    found = labelled(tmp_path, "S01.edf,rest\n", more="S02.edf,task\n")
    assert found == {"S01": "rest", "S02": "task"}
    told = report_on(io, tmp_path / "set.zip").facts["label_source"]
    assert told == "labels.csv, more.csv"


@pytest.mark.parametrize(("rows", "more", "expected"), [
    ("S01.edf,rest\nS02.edf,task\nS01.edf,task\n", "",
     "labels.csv, row 4: 'S01.edf' is labelled 'task', and 'rest' in labels.csv, row 2"),
    ("S01.edf,rest\nS01,task\n", "",
     "labels.csv, row 3: 'S01' is labelled 'task', and 'rest' in labels.csv, row 2"),
    ("S01.edf,rest\n", "S01.edf,good\n",
     "more.csv, row 2: 'S01.edf' is labelled 'good', and 'rest' in labels.csv, row 2"),
])  # fmt: skip
def test_two_labels_of_one_recording_are_refused(tmp_path, rows, more, expected):
    with pytest.raises(UserError) as fault:
        labelled(tmp_path, rows, **({"more": more} if more else {}))
    assert str(fault.value) == f"{expected}; expected one label for each recording"
    assert expected in errors(tmp_path / "set.zip")


def test_a_name_of_several_recordings_is_refused_and_a_path_is_that_of_one(tmp_path):
    files = ("S01/rest.edf", "S02/rest.edf")
    with pytest.raises(UserError) as fault:
        labelled(tmp_path, "rest.edf,a\n", files)
    assert str(fault.value) == (
        "labels.csv, row 2: 'rest.edf' is the name of 2 recordings, 'S01/rest' the first; expected "
        "the path of one"
    )
    assert labelled(tmp_path, "rest.edf,a\n", (*files, "rest.edf")) == {"rest": "a"}


def test_events_without_a_readable_onset_are_told_and_their_durations_are_finite(tmp_path):
    rows = "onset\tduration\ttrial_type\n1\tinf\tleft\nsoon\t1\tright\n2\tn/a\tleft\n"
    path = zip_of(tmp_path / "set.zip", {"sub-01_eeg.edf": edf(), "sub-01_events.tsv": rows})
    assert "sub-01_events.tsv: row 3: onset 'soon'; expected seconds: 1 row left out" in warnings(
        path
    )
    (recording,) = io.load(path).recordings
    assert [(note.onset, note.duration) for note in recording.annotations] == [(1, 0), (2, 0)]


def test_what_a_check_warns_of_without_the_samples_goes_with_the_recordings(tmp_path):
    files = {
        "S01.edf": edf(noise(4)),
        "S02.edf": edf(noise(2)),
        "labels.csv": "file,label\nS01.edf,rest\n",
    }
    told = [line.text for line in io.load(zip_of(tmp_path / "set.zip", files)).remarks]
    assert told == [
        "channel lists differ: S02.edf has no C3, C4, which S01.edf has; 2 are common to all",
        "no label for 1 recording",
        "labels of one class alone; expected two or more to tell apart",
    ]


def test_lists_of_the_same_length_differ_by_name(tmp_path):
    labels = ("FP1", "FP2", "C3", "C4"), ("FP1", "FP2", "F3", "C4")
    files = {f"S0{n}.edf": edf(noise(4), labels=names) for n, names in enumerate(labels, 1)}
    told = warnings(zip_of(tmp_path / "set.zip", files))
    assert "S02.edf has no C3, which S01.edf has; 3 are common to all" in told


def test_a_table_that_was_to_label_recordings_and_does_not_is_told(tmp_path):
    files = {name: edf() for name in TWO}
    told = warnings(zip_of(tmp_path / "a.zip", files | {"labels.csv": "file,lbl\nS01.edf,a\n"}))
    assert "labels.csv: columns file, lbl: it labels nothing; expected one of files (file, " in told
    told = warnings(zip_of(tmp_path / "b.zip", files | {"x.csv": "recording,kind\nS01.edf,a\n"}))
    assert "x.csv: columns recording, kind: it labels nothing" in told
    beside = {"sub_scans.tsv": "filename\tacq_time\nS01.edf\tn/a\n", "ages.csv": "who,age\na,1\n"}
    assert "labels nothing" not in warnings(zip_of(tmp_path / "c.zip", files | beside))


def test_rows_that_name_no_recording_are_counted(tmp_path):
    rows = "file,label\nS01.edf,a\nS02.edf,b\nS03.edf,a\nS04.edf,a\n"
    files = {name: edf() for name in TWO} | {"labels.csv": rows}
    told = warnings(zip_of(tmp_path / "set.zip", files))
    assert "labels.csv: 2 rows left out, which name no recording here, 'S03.edf' in row 4" in told


def test_channels_of_one_electrode_are_told_and_the_one_that_is_called_so_is_taken(tmp_path):
    signal = noise(4)
    files = {"S01.edf": edf(signal, labels=("T3", "C3-REF", "T7", "C3-LE"))}
    path = zip_of(tmp_path / "set.zip", files)
    told = warnings(path)
    assert "S01.edf: T3 and T7 stand for one electrode; methods take T7" in told
    assert "S01.edf: C3-REF and C3-LE stand for one electrode; methods take C3-REF" in told
    (recording,) = io.load(path).recordings
    got = recording.read(("T7", "C3"))
    assert abs(got - signal[[2, 1]]).max() < 0.02


@pytest.mark.parametrize(("made", "expected"), [
    ({"each": (64,) * 3}, "S01.edf: 64 Hz; expected 100 Hz or more"),
    ({"signal": noise(3, seconds=0.8), "each": (160,) * 3, "seconds": 0.8},
     "S01.edf: 160 samples, 0.8 s long; expected 1 s or more"),
])  # fmt: skip
def test_what_a_check_refuses_is_not_loaded_either(tmp_path, made, expected):
    path = zip_of(tmp_path / "set.zip", {"S01.edf": edf(**made)})
    assert expected in errors(path)
    with pytest.raises(UserError) as fault:
        io.load(path)
    assert str(fault.value).startswith(expected)
