"""Kaleidoscope's bars of accuracy on the supplied captures, over the nine fixed folds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verify.kaleidoscope_accuracy import anomaly_row, family_row, forest_row

pytestmark = [pytest.mark.slow, pytest.mark.realdata]


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "traffic"


@pytest.fixture(scope="module")
def baseline(folder):
    return forest_row(folder)


def test_the_forest_is_that_of_the_brief(baseline):
    assert baseline["forest.accuracy"] == pytest.approx(0.955, abs=0.005)
    assert baseline["forest.macro_f1"] == pytest.approx(0.843, abs=0.01)


def test_the_mlp_in_int8(folder):
    found = family_row(folder, "mlp")
    assert found["qat.accuracy"] >= 0.91
    assert found["qat.macro_f1"] >= 0.76
    assert abs(found["qat.accuracy"] - found["float.accuracy"]) <= 0.01
    assert abs(found["qat.macro_f1"] - found["float.macro_f1"]) <= 0.01
    assert found["mismatches"] == 0


def test_the_best_family_reaches_the_forest(folder, baseline):
    found = family_row(folder, "embedding")
    assert found["qat.accuracy"] >= baseline["forest.accuracy"] - 0.015
    assert found["qat.macro_f1"] >= baseline["forest.macro_f1"] - 0.03
    assert found["mismatches"] == 0


def test_a_split_by_flow_flatters(folder, baseline):
    by_flow = forest_row(folder, by="flow")
    assert by_flow["forest.macro_f1"] > baseline["forest.macro_f1"] + 0.05


def test_attacks_are_found_by_what_never_saw_one(folder):
    """The brief saw .70 to .78 on a larger draw and asks for .74, to be measured again on the
    supplied folder: there its own recipe has .72 in the mean, and folds lie between .55 and .81."""
    found = anomaly_row(folder)
    assert found["normal"] == 232
    assert found["attacks"] == 797
    assert found["float.auroc"] >= max(0.70, found["plain.auroc"] - 0.02)
    assert abs(found["qat.auroc"] - found["float.auroc"]) <= 0.03
    assert found["mismatches"] == 0
