"""Where the labels of windows come from, and what they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.data.eeg.recording import Cut, Recordings
from tests.methods.cbramod.held import noise, recording, refusal, upload, windows


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


@pytest.mark.parametrize(("row", "expected"), [
    ({"file": "S01.edf", "lbl": "a"},
     "no table beside the recordings has columns file and label; labels.csv has file, lbl"),
    ({"file": "T01.edf", "label": "a"},
     "labels.csv names 'T01.edf', which is no recording here; expected names as 'S01.edf'"),
])  # fmt: skip
def test_a_table_that_labels_nothing_here_is_quoted(row, expected):
    fault = refusal(upload(recording("S01", noise(10)), labels=(row,)), labels="table")
    assert str(fault) == f"labels: {expected}"


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
