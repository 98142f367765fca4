"""Rows of neighbours: where they lie, that each window is answered once, what they are for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.errors import UserError
from engine.methods.cbramod.finetune import Classifier, Tuning, answers
from engine.methods.cbramod.goal import settled
from engine.methods.cbramod.metrics import answered, balanced_accuracy
from engine.methods.cbramod.model import CBraMod, Shape
from engine.methods.cbramod.params import CBraModParams
from engine.methods.cbramod.sequences import of, once, rows
from engine.methods.cbramod.split import folds
from engine.methods.cbramod.windows import Windows


def test_a_row_is_without_gap_in_one_recording_and_the_last_ends_with_it():
    recording = np.array(["b"] * 5 + ["a"] * 6)
    start = np.array([0, 5, 10, 15, 20, 30, 0, 5, 10, 35, 40], float)  # a: 0 5 10, 30 35 40
    got = rows(recording, start, seconds=5, length=3)
    assert got.tolist() == [[6, 7, 8], [5, 9, 10], [0, 1, 2], [2, 3, 4]]
    assert got.ravel()[once(got)].tolist() == list(range(11))
    assert once(got)[2] == 8  # window 2 is answered by the row that comes first


def test_no_row_lies_in_two_parts_of_a_fold():
    n = 18
    found = Windows(
        np.zeros((n, 1, 5 * 200), np.float32), np.arange(n) % 2, ("a", "b"),
        subject=np.array(["S"] * n), recording=np.array(["r1"] * 9 + ["r2"] * 9),
        start=np.tile(np.arange(0, 45, 5.0), 2), channels=("C3",),
    )  # fmt: skip
    params = CBraModParams(head="sleep", sequence=3, split_by="recording", folds=2, val_share=0.4)
    for part in folds(found, params, rng=np.random.default_rng(0), tested=True):
        for rows_of, places in zip(
            of(found, part, params), (part.train, part.val, part.test), strict=True
        ):
            assert np.unique(rows_of).tolist() == places.tolist()
            assert (np.diff(found.start[rows_of], axis=1) == 5).all()


def test_rows_of_one_are_the_windows_themselves():
    got = rows(np.array(["a", "b", "a"]), np.array([3.0, 1.0, 3.0]), seconds=5, length=1)
    assert got.tolist() == [[0], [1], [2]]


def test_a_stretch_that_is_too_short_is_refused_by_name():
    recording, start = np.array(["S01"] * 3 + ["S02"] * 3), np.array([0, 5, 10, 0, 5, 20.0])
    with pytest.raises(UserError, match="S02 has 2 windows in a row from 0 s on; expected 3"):
        rows(recording, start, seconds=5, length=3)


@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_each_window_is_answered_once_whatever_the_length(length):
    start = np.concatenate([np.arange(7.0), np.arange(10.0)])
    recording = np.repeat(["a", "b"], [7, 10])
    got = rows(recording, start, seconds=1, length=length)
    torch.manual_seed(0)
    backbone = CBraMod(Shape(layers=1))
    head = "sleep" if length > 1 else "avg_pool"
    model = Classifier(
        backbone, head, channels=1, patches=1, outputs=3, dropout=0.0, sequence=length
    )
    x, goal = torch.randn(17, 1, 1, 200), settled(3)
    expected: dict[int, np.ndarray] = {}
    with torch.no_grad():
        for row in got.tolist():
            for place, answer in zip(row, goal.answers(model.eval()(x[row])), strict=True):
                expected.setdefault(place, answer)
    found = answers(model, goal, x, got)
    np.testing.assert_allclose(found, [expected[place] for place in range(17)], atol=1e-6)


def neighbours(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of windows, each loud or not by chance; a label says whether the other one is."""
    draws = torch.Generator().manual_seed(seed)
    loud = torch.randint(2, (count, 2), generator=draws)
    noise = torch.randn(2 * count, 2, 1, 200, generator=draws)
    return 0.1 * noise * (1 + 4 * loud.view(-1, 1, 1, 1)), loud.flip(1).flatten()


@pytest.mark.parametrize(("head", "sequence"), [("sleep", 2), ("avg_pool", 1)])
def test_what_only_a_neighbour_tells_is_learnt_in_sequences_alone(head, sequence):
    torch.manual_seed(0)
    backbone, goal = CBraMod(Shape(layers=1)), settled(2)
    model = Classifier(
        backbone, head, channels=2, patches=1, outputs=1, dropout=0.0, frozen=True,
        sequence=sequence,
    )  # fmt: skip
    work = Tuning(model, goal, lr=1e-3, lr_head=1e-3, weight_decay=0.0, steps=40)
    x, y = neighbours(64, seed=1)
    taken = model.taken(x)
    order = torch.arange(128).view(-1, 32)
    for step in range(40):
        some = order[step % len(order)]
        work.step(taken[some], y[some])
    x, y = neighbours(100, seed=2)
    found = answers(model, goal, model.taken(x), np.arange(200).reshape(-1, sequence))
    right = balanced_accuracy(y.numpy(), answered(found))
    assert right > 0.9 if head == "sleep" else right < 0.65
