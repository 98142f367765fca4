"""A reduced curve has the same extremes in every bucket as the whole one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from webapp.metrics.reduce import choose

VALUES = arrays.arrays(np.float64, st.integers(1, 300), elements=st.floats(width=64))


@given(VALUES, st.integers(4, 120))
@settings(max_examples=300, deadline=None)
def test_every_bucket_keeps_its_ends_and_its_extremes(values, at_most):
    kept = choose(values, at_most)
    assert len(kept) <= max(at_most, len(values) if len(values) <= at_most else 0)
    assert (np.diff(kept) > 0).all()
    assert {0, len(values) - 1} <= set(kept)
    if len(values) <= at_most:
        assert len(kept) == len(values)
        return
    width = -(-len(values) // (at_most // 4))
    for start in range(0, len(values), width):
        bucket = values[start : start + width]
        left = values[kept[(kept >= start) & (kept < start + width)]]
        assert start in kept
        assert min(start + width, len(values)) - 1 in kept
        finite = bucket[np.isfinite(bucket)]
        if len(finite):
            assert finite.min() in left
            assert finite.max() in left


def test_a_single_spike_in_a_million_points_stays():
    values = np.zeros(1_000_000)
    values[123_456] = 7
    kept = choose(values, 1000)
    assert 123_456 in kept
    assert len(kept) <= 1000


def test_a_curve_of_nan_alone_keeps_its_ends():
    assert {0, 9999} <= set(choose(np.full(10_000, np.nan), 100))


@pytest.mark.parametrize("at_most", [2, 3])
def test_too_few_points_for_a_bucket_leave_the_two_ends(at_most):
    assert choose(np.arange(10.0), at_most).tolist() == [0, 9]


def test_a_curve_has_two_ends():
    with pytest.raises(ValueError, match="two ends"):
        choose(np.zeros(10), 1)
