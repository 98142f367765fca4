"""The statistics of a group, against scipy."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from engine.core import group

SUMMARIES = [
    {"accuracy": 0.80, "baseline.gcn.accuracy": 0.75, "seconds": 1.0, "extra": None},
    {"accuracy": 0.84, "baseline.gcn.accuracy": 0.76, "seconds": 2.0, "extra": None},
    {"accuracy": 0.81, "baseline.gcn.accuracy": 0.79, "seconds": None, "baseline.mlp.loss": 3.0},
]


@pytest.mark.parametrize("probability", [0.5, 0.75, 0.95, 0.975, 0.995])
@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30, 101, 999])
def test_the_t_quantile_is_scipys(probability, freedom):
    expected = stats.t.ppf(probability, freedom)
    assert group.t_quantile(probability, freedom) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_the_interval_is_scipys():
    values = [0.80, 0.84, 0.81]
    low, high = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert group.half_interval(values) == pytest.approx((high - low) / 2)
    assert group.spread(SUMMARIES)["accuracy"] == {
        "n": 3,
        "sd": pytest.approx(np.std(values, ddof=1)),
        "ci95": pytest.approx((high - low) / 2),
    }


def test_means_are_over_the_seeds_that_measured():
    assert group.means(SUMMARIES) == {
        "accuracy": pytest.approx(0.8166666667),
        "baseline.gcn.accuracy": pytest.approx(0.7666666667),
        "seconds": 1.5,
        "extra": None,
        "baseline.mlp.loss": 3.0,
    }


def test_one_seed_has_no_interval():
    assert group.spread(SUMMARIES[:1])["accuracy"] == {"n": 1, "sd": None, "ci95": None}


def test_differences_are_paired_by_seed():
    differences = [0.05, 0.08, 0.02]
    found = group.paired(SUMMARIES)
    assert list(found) == ["gcn"]  # the other baseline has no metric of ours beside it
    assert found["gcn"]["accuracy"] == {
        "n": 3,
        "mean": pytest.approx(np.mean(differences)),
        "ci95": pytest.approx(group.half_interval(differences)),
    }


def test_the_statistics_load_no_numerics():
    code = "import sys, engine.core.group; print('numpy' in sys.modules or 'scipy' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.stdout.strip() == "False"


def test_differences_that_are_equal_but_for_rounding_have_no_width():
    pairs = [(0.83, 0.81), (0.85, 0.83), (0.64, 0.62)]
    differences = [one - other for one, other in pairs]
    assert len(set(differences)) > 1
    assert group.half_interval(differences) == 0
    assert group.half_interval([0.02, 0.02 + 1e-9]) > 0
