"""What methods ask of a set, before they run and when they have loaded it."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.eeg import io
from engine.data.kind import check, kind
from tests.engine.data.eeg import signals
from tests.engine.data.making import npz, report_on, said, zip_of


@pytest.fixture(params=["recordings", "windows"])
def upload(request, tmp_path):
    if request.param == "windows":
        return npz(tmp_path / "cut.npz", signals.cut())
    files = {"S01.edf": signals.edf(), "S02.edf": signals.edf()}
    return zip_of(tmp_path / "set.zip", files)


def test_a_check_answers_with_every_fact_of_the_card(upload):
    answer = check(kind("eeg"), upload)
    assert answer["ok"]
    assert set(answer["facts"]) == {fact.key for fact in kind("eeg").facts}


def test_what_was_loaded_has_the_facts_of_the_check(upload):
    assert io.facts(io.load(upload)) == check(kind("eeg"), upload)["facts"]


def test_a_set_has_its_facts(tmp_path):
    notes = (b"+0\x14\x14\0+1\x14T1\x14\0", b"+1\x14\x14\0+1.5\x14T2\x14\0")
    raw = signals.edf(signals.noise(3, seconds=2), notes=notes, reserved="EDF+C")
    path = zip_of(tmp_path / "set.zip", {"S01.edf": raw, "S02.edf": raw})
    assert io.facts(io.load(path)) == {
        "recordings": 2,
        "windows": 0,
        "subjects": 2,
        "hours": 0.0011,
        "channels": 3,
        "channel_names": ["FP1", "FP2", "C3"],
        "sfreq": [200],
        "annotations": 4,
        "annotation_kinds": ["T1", "T2"],
        "labels": True,
        "classes": 2,
        "label_source": "annotations",
        "tables": [],
    }


def test_windows_have_their_facts(tmp_path):
    channels = signals.cut()["ch_names"].copy()
    channels[2] = "EOG"
    facts = io.facts(io.load(npz(tmp_path / "cut.npz", signals.cut(ch_names=channels))))
    assert (facts["recordings"], facts["windows"], facts["subjects"]) == (0, 6, 3)
    assert (facts["channels"], facts["channel_names"]) == (2, ["FP1", "FP2"])
    assert (facts["labels"], facts["classes"], facts["label_source"]) == (True, 2, "y")


def test_fractions_are_labels_and_no_classes(tmp_path):
    y = np.array([0.5, 1, 1, 2, 3, 4.25], np.float32)
    path = npz(tmp_path / "cut.npz", signals.cut(y=y))
    found = io.load(path)
    assert found.cut.y.tolist() == y.tolist()
    facts = io.facts(found)
    assert (facts["labels"], facts["classes"], facts["label_source"]) == (True, 0, "y")
    assert "y: numbers, 0.5 to 4.25" in said(report_on(io, path), "ok")
    titles = [table["title"] for table in io.preview(path)["tables"]]
    assert not any(title.startswith("Classes") for title in titles)
