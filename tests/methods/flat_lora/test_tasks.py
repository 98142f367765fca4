"""How answers are judged, by hand and against scikit-learn on classes that are all there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from engine.methods.flat_lora.tasks import Answers, Classes, NextToken


def scores(names: str, labels: list[int], answers: list[int]) -> dict[str, float | None]:
    n = len(labels)
    found = Answers(np.ones(n), np.ones(n), np.eye(len(names))[answers])
    return Classes(tuple(names)).scores(np.array(labels), found)


def test_of_two_classes_f1_is_the_seconds():
    """Two right of three answered and of four there: precision 2/3, recall 1/2."""
    found = scores("ab", [1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 1, 0])
    assert found["f1"] == pytest.approx(4 / 7)
    assert found["accuracy"] == 0.5


def test_of_more_classes_f1_is_the_mean_over_those_that_are_there():
    labels, answers = [0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 2, 0]
    expected = f1_score(labels, answers, average="macro")
    assert scores("abc", labels, answers)["f1"] == pytest.approx(expected)


def test_one_mistake_is_one_mistake_whatever_class_it_names():
    """Class c is not among the rows: to answer it isn't worse than to answer b."""
    labels = [0] * 10 + [1] * 10
    named_b, named_c = [1] + [0] * 9 + [1] * 10, [2] + [0] * 9 + [1] * 10
    b, c = (scores("abc", labels, answers) for answers in (named_b, named_c))
    assert b["accuracy"] == c["accuracy"] == 0.95
    assert b["f1"] == pytest.approx((18 / 19 + 20 / 21) / 2)
    assert c["f1"] == pytest.approx((18 / 19 + 1) / 2)


@pytest.mark.parametrize(
    ("loss", "expected"), [(2.0, math.e**2), (900, math.inf), (math.nan, math.nan)]
)
def test_a_perplexity_beyond_all_numbers_is_infinite(loss, expected):
    found = NextToken().scores(None, Answers(np.array([loss]), np.ones(1), None))
    assert found["perplexity"] == pytest.approx(expected, nan_ok=True)
