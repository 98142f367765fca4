"""Who is ahead, over folds that each have a network of their own."""

from __future__ import annotations

import numpy as np
import pytest

from engine.methods.cbramod.judgement import judge
from engine.methods.cbramod.split import Part
from engine.methods.cbramod.windows import Windows

EMPTY = np.empty(0, int)


def judged(labels: list[list[int]], classes: int = 2, **answers: list[list[list[float]]]):
    """Folds of windows with these labels, and what each model answers to them."""
    y = np.concatenate(labels)
    places = np.split(np.arange(len(y)), np.cumsum(list(map(len, labels)))[:-1])
    parts = [Part(str(at), EMPTY, EMPTY, test) for at, test in enumerate(places)]
    who = np.array([f"S{at}" for at in range(len(y))])
    names = tuple("abc"[:classes])
    windows = Windows(np.zeros((len(y), 1, 200)), y, names, who, who, np.zeros(len(y)), ("C3",))
    finished = {
        f"fold.{part.name}.{model}": {
            "test": np.array(given[int(part.name)], float),
            "val": {"balanced_accuracy": 0.5},
        }
        for model, given in answers.items()
        for part in parts
    }
    return judge(windows, parts, list(answers), finished)


def both(*of_one: float) -> list[list[float]]:
    return [[1 - share, share] for share in of_one]


def test_an_answer_that_is_one_for_a_whole_fold_ranks_nothing():
    """The majority of training is high where few of those tested are of its class."""
    found = judged(
        [[0, 0, 0, 1], [0, 1, 1, 1]],
        majority=[both(0.7, 0.7, 0.7, 0.7), both(0.3, 0.3, 0.3, 0.3)],
        pretrained=[both(0.1, 0.2, 0.3, 0.9), both(0.1, 0.2, 0.3, 0.05)],
    )
    assert found.scores["majority"]["auroc"] == 0.5
    assert found.scores["pretrained"]["auroc"] == pytest.approx((1 + 2 / 3) / 2)
    each = [fold["auc_pr"] for fold in found.folds["pretrained"].values()]
    assert found.scores["pretrained"]["auc_pr"] == pytest.approx(np.mean(each))
    # What needs no rank is of all windows together.
    assert found.scores["pretrained"]["balanced_accuracy"] == pytest.approx((1 + 1 / 4) / 2)


def test_a_fold_of_one_class_has_no_rank_and_leaves_that_of_others():
    found = judged([[0, 1], [1, 1]], pretrained=[both(0.2, 0.6), both(0.1, 0.2)])
    assert found.folds["pretrained"]["1"]["auroc"] is None
    assert found.scores["pretrained"]["auroc"] == 1.0
    alone = judged([[0, 0], [1, 1]], pretrained=[both(0.2, 0.6), both(0.7, 0.8)])
    assert alone.scores["pretrained"]["auroc"] is None


def test_equal_values_have_no_winner_however_they_were_added_up():
    """Recalls of .1, .2 and .3 in two orders, whose means differ in the last bit."""
    labels = [[0] * 10 + [1] * 10 + [2] * 10]

    def right(*counts: int) -> list[list[list[float]]]:
        rows = []
        for place, count in enumerate(counts):
            other = (place + 1) % 3
            rows += [np.eye(3)[place].tolist()] * count + [np.eye(3)[other].tolist()] * (10 - count)
        return [rows]

    found = judged(labels, classes=3, pretrained=right(1, 2, 3), band_power=right(3, 2, 1))
    first, second = found.values.values()
    assert first != second
    assert found.winner is None
    ahead = judged(labels, classes=3, pretrained=right(1, 2, 4), band_power=right(3, 2, 1))
    assert ahead.winner == "pretrained"
