"""Who trains, who chooses, who judges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.cbramod.params import CBraModParams
from engine.methods.cbramod.split import divided, folds
from engine.methods.cbramod.windows import Windows
from tests.methods.cbramod.held import noise, people, recording, upload, windows


def diagnoses(count: int, *, every: int = 2) -> Windows:
    """One label per subject: every second, or third, is ill."""
    rows = tuple(
        {"file": f"S{at:02d}.edf", "label": "ill" if at % every == 0 else "well"}
        for at in range(count)
    )
    return windows(
        upload(*(recording(f"S{at:02d}", noise(10)) for at in range(count)), labels=rows)
    )


def refused(found: Windows, *, tested: bool = True, **params: Any) -> str:
    with pytest.raises(UserError) as fault:
        folds(found, CBraModParams(**params), rng=np.random.default_rng(0), tested=tested)
    return str(fault.value)


def test_every_window_is_tested_once_and_nobody_is_on_two_sides():
    found = people(9)
    parts = folds(found, CBraModParams(folds=4), rng=np.random.default_rng(0), tested=True)
    assert sorted(np.concatenate([part.test for part in parts])) == list(range(len(found)))
    for part in parts:
        sides = [set(found.subject[side]) for side in (part.train, part.val, part.test)]
        assert all(sides)
        assert len(set.union(*sides)) == sum(map(len, sides)) == 9


def test_named_subjects_make_one_split():
    found = people(5)
    params = CBraModParams(test_units=["S04"], val_units=["S00", "S01"])
    (part,) = folds(found, params, rng=np.random.default_rng(0), tested=True)
    assert set(found.subject[part.test]) == {"S04"}
    assert set(found.subject[part.val]) == {"S00", "S01"}
    assert set(found.subject[part.train]) == {"S02", "S03"}
    (whole,) = folds(found, CBraModParams(), rng=np.random.default_rng(0), tested=False)
    assert not len(whole.test)


def test_a_fold_that_would_train_on_one_class_is_refused_before_it_trains():
    found = people(3)
    params = CBraModParams(split_by="recording", test_units=["S00_a", "S01_a"], val_units=["S02_a"])
    with pytest.raises(UserError, match="test_units: fold given would train on 'b' alone"):
        folds(found, params, rng=np.random.default_rng(0), tested=True)


def test_too_few_subjects_are_told_a_way_out_that_works():
    one = people(1, labelled=False)
    assert refused(one) == (
        "folds: 1 subject for 4 folds; set split_by=recording and folds=2: there are 2 recordings"
    )
    folds(
        one, CBraModParams(split_by="recording", folds=2), rng=np.random.default_rng(0), tested=True
    )
    assert refused(people(3)) == "folds: 3 subjects for 4 folds; expected 3 folds at most"
    assert refused(people(3), folds=3, val_units=["S00"]).startswith(
        "folds: 2 subjects for 3 folds beside those that validate; expected 2"
    )
    assert refused(people(3), folds=2, val_units=["S00", "S01", "S02"]) == (
        "folds: 0 subjects for 2 folds beside those that validate; expected fewer val_units"
    )
    alone = windows(upload(recording("S01_a", noise(10))), labelled=False)
    assert refused(alone, folds=2, split_by="recording") == (
        "folds: 1 recording for 2 folds; expected two recordings at least, one to train on and one "
        "to test"
    )
    assert refused(one, test_units=["S00"]) == (
        "test_units: of 1 subject nothing is left to train on; expected fewer to be named"
    )
    assert refused(one, val_units=["S00"], tested=False).startswith("val_units: of 1 subject")
    assert refused(one, val_units=["S09"]).startswith("val_units: no window is of S09")
    short = windows(upload(recording("S01_a", noise(5))), labelled=False)
    assert refused(short, tested=False) == (
        "recordings: of 1 subject nothing is left to validate on; expected a recording of two "
        "windows or more"
    )


def test_each_subject_can_be_left_out_once():
    found = people(3)
    parts = folds(found, CBraModParams(folds=3), rng=np.random.default_rng(0), tested=True)
    for part in parts:
        sides = [set(found.subject[side]) for side in (part.train, part.val, part.test)]
        assert list(map(len, sides)) == [1, 1, 1]
        assert len(set.union(*sides)) == 3


@pytest.mark.parametrize("tested", [True, False])
def test_the_last_windows_validate_where_nobody_can_be_spared(tested):
    """Two recordings of ten windows, in two folds: nine train, one validates, ten test."""
    pair = upload(*(recording(f"S01_{eyes}", noise(50)) for eyes in "ab"))
    found = windows(pair, labelled=False)
    params = CBraModParams(folds=2, split_by="recording" if tested else "subject", val_share=0.2)
    parts = folds(found, params, rng=np.random.default_rng(0), tested=tested)
    for part in parts:
        assert divided(found, part, params)
        training, tests = (set(found.recording[side]) for side in (part.train, part.test))
        assert set(found.recording[part.val]) == training
        assert not training & tests
        assert set(found.start[part.train]) == set(range(0, 40, 5))
        assert set(found.start[part.val]) == {40, 45}
        every = np.concatenate([part.train, part.val, part.test])
        assert sorted(every) == list(range(20))
    assert not divided(people(4), *folds(
        people(4), CBraModParams(), rng=np.random.default_rng(0), tested=False
    ), params)  # fmt: skip


@pytest.mark.parametrize("every", [2, 3])
def test_who_validates_has_both_classes_where_each_subject_has_one(every):
    found = diagnoses(20, every=every)
    for seed in range(20):
        parts = folds(found, CBraModParams(), rng=np.random.default_rng(seed), tested=True)
        assert len(parts) == 4
        for part in parts:
            assert len(set(found.y[part.val])) == len(set(found.y[part.train])) == 2
            assert len(set(found.subject[part.val])) <= 3


def test_who_validates_is_drawn_once_where_everybody_has_both_classes():
    """So that a split is what it was before anybody looked at labels in it."""
    found, unlabelled = people(9), replace(people(9), y=None, classes=())
    for seed in range(5):
        with_labels, without = (
            folds(some, CBraModParams(folds=3), rng=np.random.default_rng(seed), tested=True)
            for some in (found, unlabelled)
        )
        for one, other in zip(with_labels, without, strict=True):
            np.testing.assert_array_equal(one.val, other.val)


def test_pre_training_leaves_those_alone_that_are_to_be_tested():
    found = people(5, labelled=False)
    params = CBraModParams(task="pretrain", test_units=["S04"])
    (part,) = folds(found, params, rng=np.random.default_rng(0), tested=False)
    assert set(found.subject[part.test]) == {"S04"}
    assert len(set(found.subject[part.train]) | set(found.subject[part.val])) == 4


def test_windows_that_share_samples_with_those_that_validate_do_not_train():
    notes = tuple((float(second), 1.0, "ab"[second % 2]) for second in range(16))
    pair = upload(*(recording(name, noise(20), notes=notes) for name in ("S01", "S02")))
    found = windows(pair)
    parts = folds(found, CBraModParams(folds=2), rng=np.random.default_rng(0), tested=True)
    for part in parts:
        assert found.start[part.val].tolist() == [14, 15]
        assert found.start[part.train].tolist() == list(range(10))


def test_one_number_alone_is_refused_before_it_trains():
    found = replace(diagnoses(4), classes=(), y=np.array([1.0, 1, 1, 1, 1, 1, 2, 2]))
    said = refused(found, folds=4, target="number")
    assert "would train on 1.0 alone; expected two numbers or more" in said
