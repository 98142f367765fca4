"""Bands over curves: exact where it can be said, finite everywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.jobs import comparison, overlay, results
from webapp.metrics import store

NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6))
CURVES = st.lists(st.tuples(st.integers(0, 500), NUMBERS), max_size=30)


def line(*points: tuple[int, float | None]) -> dict[str, list]:
    return {"step": [step for step, _ in points], "value": [value for _, value in points]}


def test_mean_and_deviation_are_those_of_the_curves():
    grid, mean, deviation = overlay.band([line((0, 1), (1, 2)), line((0, 3), (1, 6))])
    assert grid.tolist() == [0, 1]
    assert mean.tolist() == [2, 4]
    np.testing.assert_allclose(deviation, [math.sqrt(2), math.sqrt(8)])


def test_a_band_ends_where_only_one_curve_reaches():
    grid, mean, _ = overlay.band([line((0, 1), (9, 1)), line((0, 3), (4, 3))])
    assert grid.tolist() == [0, 4]
    assert mean.tolist() == [2, 2]


def test_one_curve_makes_no_band():
    grid, _, _ = overlay.band([line((0, 1)), line((0, None))])
    assert len(grid) == 0


@given(st.lists(CURVES, min_size=2, max_size=5))
def test_a_band_lies_within_its_curves(curves):
    lines = [line(*points) for points in curves]
    grid, mean, deviation = overlay.band(lines)
    values = [value for points in curves for _, value in points if value is not None]
    assert len(grid) <= overlay.GRID
    assert (np.diff(grid) > 0).all()
    assert np.isfinite(mean).all()
    assert (deviation >= 0).all()
    if len(grid):
        assert min(values) - 1e-6 <= mean.min() <= mean.max() <= max(values) + 1e-6


@pytest.mark.django_db
def test_the_best_value_is_known_only_where_the_card_says_what_is_better(make_job):
    jobs = [make_job(summary={"value": value, "held": value}) for value in (1.0, 3.0, None, 3.0)]
    rows = {row["key"]: row["best"] for row in comparison.summary(jobs)}
    assert rows == {"value": [1, 3], "held": []}


@pytest.mark.django_db
def test_a_baseline_without_the_metric_shows_a_gap(make_job):
    job = make_job(
        summary={"value": 1.0, "baseline.flat.seconds": 3.0, "baseline.steep.value": 0.5}
    )
    method, flat, steep = results.rows(results.card_of(job), job.summary)
    assert (method.values, flat.values, flat.differences) == ([1.0], [None], [None])
    assert (steep.values, steep.differences) == ([0.5], [0.5])


@pytest.mark.django_db
def test_a_metric_that_no_baseline_has_is_not_compared(make_job):
    job = make_job(summary={"value": 1.0, "baseline.flat.seconds": 3.0})
    card = results.card_of(job)
    assert results.rows(card, job.summary) == []
    assert results.bars(card, job.summary) is None
    assert [head.key for head in results.headline(card, job.summary)] == ["value"]
    assert "baseline.flat.seconds" in [number["key"] for number in results.rest(card, job.summary)]


def test_series_of_the_whole_method_are_listed_before_those_of_its_parts(make_job):
    keys = [f"cell.a{number}.value" for number in range(overlay.MOST_LISTED)] + ["value", "loss"]
    job = make_job()
    store.append(job.pk, [(1, 0, 1.0, dict.fromkeys(keys, 1.0))])
    listed = [key for key, _ in overlay.shared_keys([job])]
    assert listed[:4] == ["loss", "value", "cell.a0.value", "cell.a1.value"]
    assert len(listed) == overlay.MOST_LISTED


def test_among_equal_values_none_is_the_best(make_job):
    jobs = [make_job(summary={"value": 1.0}), make_job(summary={"value": 1.0})]
    (row,) = comparison.summary(jobs)
    assert row["best"] == []
    jobs[1].summary = {"value": 2.0}
    assert len(comparison.summary(jobs)[0]["best"]) == 1
