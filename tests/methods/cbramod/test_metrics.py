"""The metrics against scikit-learn's own functions, and what they say where it says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as peer

from engine.methods.cbramod import metrics

pytestmark = pytest.mark.filterwarnings("error")

EXACT = {"rel": 0, "abs": 1e-9}


def drawn(seed: int, classes: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities that know a little of them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    scores = rng.normal(size=(n, classes)) + np.eye(classes)[labels]
    return labels, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_several_classes_equal_scikit_learn(seed):
    labels, probabilities = drawn(seed, 5)
    answers = probabilities.argmax(axis=1)
    assert metrics.classification(labels, probabilities) == {
        "balanced_accuracy": pytest.approx(peer.balanced_accuracy_score(labels, answers), **EXACT),
        "kappa": pytest.approx(peer.cohen_kappa_score(labels, answers), **EXACT),
        "weighted_f1": pytest.approx(peer.f1_score(labels, answers, average="weighted"), **EXACT),
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("digits", [1, 9])  # one digit: many ties
def test_two_classes_equal_scikit_learn(seed, digits):
    labels, probabilities = drawn(seed, 2)
    scores = probabilities[:, 1].round(digits)
    precision, recall, _ = peer.precision_recall_curve(labels, scores)
    expected = {
        "balanced_accuracy": peer.balanced_accuracy_score(labels, scores > 0.5),
        "auc_pr": peer.auc(recall, precision),
        "auroc": peer.roc_auc_score(labels, scores),
    }
    assert metrics.binary(labels, scores) == pytest.approx(expected, **EXACT)
    both = np.stack([1 - scores, scores], axis=1)
    assert metrics.classification(labels, both) == pytest.approx(expected, **EXACT)


def test_auroc_with_ties_counts_a_tie_as_half():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.5, 0.5, 0.9])
    assert metrics.auroc(labels, scores) == pytest.approx(3.5 / 4)


def test_auc_pr_of_one_score_for_all_is_unknown():
    """The trapezoid from (recall 0, precision 1) to (1, share) would praise it above its share."""
    labels = np.array([1, 0, 0, 0])
    assert metrics.auc_pr(labels, np.full(4, 0.3)) is None
    assert metrics.auc_pr(labels, np.array([0.3, 0.3, 0.3, 0.2])) == pytest.approx(2 / 3)


def test_equals_go_to_the_first_class():
    assert metrics.answered(np.array([0.5, 0.50001])).tolist() == [0, 1]
    assert metrics.answered(np.array([[0.5, 0.5], [0.2, 0.8]])).tolist() == [0, 1]


def test_a_class_that_was_never_answered_has_an_f1_of_nothing():
    labels = np.array([0, 0, 1, 2])
    found = metrics.multiclass(labels, np.eye(3)[[0, 0, 1, 1]])
    assert found["balanced_accuracy"] == pytest.approx(2 / 3)
    assert found["weighted_f1"] == pytest.approx((2 * 1 + 2 / 3 + 0) / 4)
    assert found["kappa"] == pytest.approx(peer.cohen_kappa_score(labels, [0, 0, 1, 1]))


def test_a_class_that_is_not_in_the_part_does_not_count_in_balanced_accuracy():
    found = metrics.multiclass(np.array([0, 0, 1, 1]), np.eye(3)[[0, 2, 1, 1]])
    assert found["balanced_accuracy"] == pytest.approx(0.75)


def test_one_class_only_has_nothing_to_rank():
    labels, scores = np.ones(3, int), np.array([0.2, 0.6, 0.9])
    found = metrics.binary(labels, scores)
    assert found == {"balanced_accuracy": pytest.approx(2 / 3), "auc_pr": None, "auroc": None}


def test_kappa_of_one_class_answered_as_itself_is_undefined():
    found = metrics.multiclass(np.zeros(3, int), np.eye(3)[[0, 0, 0]])
    assert found == {"balanced_accuracy": 1.0, "kappa": None, "weighted_f1": 1.0}


def test_an_empty_part_has_no_metric():
    nothing = np.zeros(0, int)
    assert metrics.multiclass(nothing, np.zeros((0, 3))) == dict.fromkeys(metrics.MULTICLASS)
    assert metrics.binary(nothing, np.zeros(0)) == dict.fromkeys(metrics.BINARY)
    assert metrics.regression(nothing, np.zeros(0)) == dict.fromkeys(metrics.REGRESSION)
    assert metrics.confusion(nothing, nothing, classes=3).tolist() == np.zeros((3, 3)).tolist()


@pytest.mark.parametrize("seed", range(3))
def test_regression_equals_scipy_and_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=50)
    answers = targets + rng.normal(size=50)
    expected = {
        "pearson_r": stats.pearsonr(targets, answers).statistic,
        "r2": 1 - ((targets - answers) ** 2).sum() / ((targets - targets.mean()) ** 2).sum(),
        "rmse": np.sqrt(((targets - answers) ** 2).mean()),
    }
    assert metrics.regression(targets, answers) == pytest.approx(expected, **EXACT)


def test_regression_of_or_by_a_constant():
    ramp, flat = np.arange(4.0), np.full(4, 1.5)
    by_constant = metrics.regression(ramp, flat)
    assert by_constant == {"pearson_r": None, "r2": 0.0, "rmse": pytest.approx(np.sqrt(1.25))}
    assert metrics.regression(flat, ramp) == {
        "pearson_r": None,
        "r2": None,
        "rmse": pytest.approx(np.sqrt(1.25)),
    }


def test_confusion_has_a_row_for_each_class_and_a_column_for_each_answer():
    found = metrics.confusion(np.array([0, 0, 1]), np.array([0, 2, 1]), classes=4)
    assert found.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_outputs_that_are_not_finite_or_too_few_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        metrics.binary(np.array([0, 1]), np.array([0.1, np.nan]))
    with pytest.raises(ValueError, match="2 labels and 3 outputs"):
        metrics.regression(np.zeros(2), np.zeros(3))
