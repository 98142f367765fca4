"""Intervals: by hand where there is a closed form, and how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.core.group import half_interval
from engine.methods.cbramod import metrics
from engine.methods.cbramod.intervals import over_subjects, paired


def share(labels: np.ndarray, outputs: np.ndarray) -> float:
    return float(outputs.mean())


def test_of_a_mean_with_equal_subjects_it_is_students_t_over_their_means():
    """Pseudo-values of a mean are the subjects' means."""
    values = np.random.default_rng(0).uniform(0.4, 0.6, size=(6, 10))
    subjects = np.repeat(np.arange(6), 10)
    low, high = over_subjects(share, subjects, values.ravel(), subjects)
    half = half_interval(values.mean(axis=1).tolist())
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_the_order_of_the_windows_and_the_names_of_the_subjects_do_not_matter():
    labels, scores, subjects = sample(np.random.default_rng(1), count=5, windows=12)
    order = np.random.default_rng(2).permutation(len(labels))
    names = np.array(["e", "b", "d", "a", "c"])[subjects]
    plain = over_subjects(metrics.auroc, labels, scores, subjects)
    assert over_subjects(
        metrics.auroc, labels[order], scores[order], names[order]
    ) == pytest.approx(plain)


def test_it_ends_where_the_metric_does():
    labels, subjects = np.tile([0, 1], 6), np.repeat([0, 1, 2], 4)
    scores = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0])
    _, high = over_subjects(metrics.auroc, labels, scores, subjects)
    assert high == 1
    low, _ = over_subjects(metrics.kappa, labels, scores, subjects, within=(-1, 1))
    assert low >= -1


def test_one_subject_has_no_interval_nor_has_a_class_of_one_subject():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9])
    assert over_subjects(metrics.auroc, labels, scores, np.zeros(4)) is None
    assert over_subjects(metrics.auroc, labels, scores, np.array([0, 1, 2, 2])) is None
    assert over_subjects(metrics.auroc, labels, scores, np.array([0, 1, 0, 1])) is not None
    assert over_subjects(metrics.auroc, np.zeros(0), np.zeros(0), np.zeros(0)) is None


def sample(
    rng: np.random.Generator, *, count: int, windows: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, of which a quarter is 1, scores by each subject's offset and strength, subjects."""
    labels = np.tile(np.arange(windows) % 4 == 0, (count, 1)).astype(int)
    offset, strength = rng.normal(scale=0.5, size=(2, count, 1))
    scores = offset + (1 + strength) * 1.2 * labels + rng.normal(size=(count, windows))
    return labels.ravel(), scores.ravel(), np.repeat(np.arange(count), windows)


def test_an_interval_of_the_auroc_holds_the_truth_about_as_often_as_it_says():
    """Over 200 draws of 8 subjects; one standard error is 1.5 %."""
    rng = np.random.default_rng(3)
    labels, scores, _ = sample(rng, count=20_000, windows=40)
    truth = metrics.auroc(labels, scores)
    held = [
        low <= truth <= high
        for low, high in (
            over_subjects(metrics.auroc, *sample(rng, count=8, windows=40)) for _ in range(200)
        )
    ]
    assert 0.9 <= np.mean(held) <= 0.99


def table(values: np.ndarray) -> dict[tuple[int, int], float]:
    """(folds, seeds) as the pairs that `paired` takes."""
    return {(f, s): float(values[f, s]) for f, s in np.ndindex(values.shape)}


def test_differences_are_taken_pair_by_pair_where_both_measured():
    ours = {(0, 0): 0.8, (1, 0): 0.7, (2, 0): 0.9, (3, 0): None, (4, 0): 0.5}
    theirs = {(0, 0): 0.7, (1, 0): 0.65, (2, 0): 0.75, (3, 0): 0.6}
    half = half_interval([0.1, 0.05, 0.15]) * math.sqrt(1 + 3 / 2)
    expected = {"n": 3, "mean": pytest.approx(0.1), "ci95": pytest.approx(half)}
    assert paired(ours, theirs) == expected


def test_one_fold_gives_the_plain_interval_of_its_seeds():
    ours, theirs = {(0, s): 0.7 + s / 100 for s in range(4)}, {(0, s): 0.7 for s in range(4)}
    assert paired(ours, theirs)["ci95"] == pytest.approx(half_interval([0, 0.01, 0.02, 0.03]))


def test_no_pair_has_no_difference_and_one_has_no_interval():
    assert paired({(0, 0): 1.0}, {(1, 0): 1.0}) == {"n": 0, "mean": None, "ci95": None}
    assert paired({(0, 0): 1.0}, {(0, 0): 0.5}) == {"n": 1, "mean": 0.5, "ci95": None}


def test_a_difference_holds_the_truth_at_least_as_often_as_it_says():
    """32 subjects in 4 folds, each seed another shuffle: a plain t over the 12 pairs counts every
    subject three times, and holds the truth much too seldom."""
    rng = np.random.default_rng(4)
    held, plain = [], []
    for _ in range(400):
        subjects = rng.normal(scale=0.1, size=32)  # by how much ours is better on each
        folds = np.stack([rng.permutation(subjects).reshape(4, 8).mean(axis=1) for _ in range(3)])
        values = folds.T + rng.normal(scale=0.02, size=(4, 3))
        found = paired(table(values), table(np.zeros((4, 3))))
        held.append(abs(found["mean"]) <= found["ci95"])
        plain.append(abs(found["mean"]) <= half_interval(values.ravel().tolist()))
    assert np.mean(plain) < 0.9
    assert np.mean(held) >= 0.94
