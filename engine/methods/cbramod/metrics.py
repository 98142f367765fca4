"""What the official evaluation measures, by its keys; undefined is None, never nan.

Several classes: balanced accuracy, Cohen's kappa, weighted F1. Two classes: balanced accuracy at
0.5, area under precision over recall (trapezoid), AUROC. Regression: Pearson's r, R², RMSE. All
from scikit-learn, called so that it has nothing to warn about. An empty part has no metric, and an
output that is not finite is an error of whoever made it (ValueError).
"""

from __future__ import annotations

import numpy as np
from sklearn import metrics
from sklearn.feature_selection import r_regression

Found = dict[str, float | None]

MULTICLASS = ("balanced_accuracy", "kappa", "weighted_f1")
BINARY = ("balanced_accuracy", "auc_pr", "auroc")
REGRESSION = ("r2", "pearson_r", "rmse")


def classification(labels: np.ndarray, probabilities: np.ndarray) -> Found:
    """Of (n,) classes and (n, K) probabilities; the keys are those of `BINARY` if K is 2."""
    return (binary if probabilities.shape[1] == 2 else multiclass)(labels, probabilities)


def multiclass(labels: np.ndarray, probabilities: np.ndarray) -> Found:
    """Of (n,) classes and (n, K) probabilities; the likeliest class is the answer, the first of
    equals. A class that was never answered counts with an F1 of 0."""
    _refuse(labels, probabilities)
    if not len(labels):
        return dict.fromkeys(MULTICLASS)
    answers = answered(probabilities)
    f1 = metrics.f1_score(labels, answers, average="weighted", zero_division=0)
    found = (balanced_accuracy(labels, answers), kappa(labels, answers), float(f1))
    return dict(zip(MULTICLASS, found, strict=True))


def binary(labels: np.ndarray, scores: np.ndarray) -> Found:
    """Of (n,) classes 0 and 1, and (n,) probabilities of class 1 or (n, 2) of both."""
    _refuse(labels, scores)
    if not len(labels):
        return dict.fromkeys(BINARY)
    answers = answered(scores)
    of_one = scores[:, 1] if scores.ndim == 2 else scores
    found = (balanced_accuracy(labels, answers), auc_pr(labels, of_one), auroc(labels, of_one))
    return dict(zip(BINARY, found, strict=True))


def regression(targets: np.ndarray, answers: np.ndarray) -> Found:
    """Of two (n,) arrays; R² and r are None where a side has one value only."""
    _refuse(targets, answers)
    if not len(targets):
        return dict.fromkeys(REGRESSION)
    r, r2 = None, None
    if np.ptp(targets) > 0:  # so n is at least 2
        r2 = float(metrics.r2_score(targets, answers))
        if np.ptp(answers) > 0:
            r = float(r_regression(answers[:, None], targets)[0])
    return dict(zip(REGRESSION, (r2, r, rmse(targets, answers)), strict=True))


def rmse(targets: np.ndarray, answers: np.ndarray) -> float:
    """In the unit of the targets."""
    return float(metrics.root_mean_squared_error(targets, answers))


def answered(outputs: np.ndarray) -> np.ndarray:
    """(n,) the class that (n, K) probabilities or (n,) of class 1 name; equals go to the first,
    so that exactly 0.5 is class 0, as in the official evaluation."""
    return outputs.argmax(axis=1) if outputs.ndim == 2 else (outputs > 0.5).astype(np.int64)


def confusion(labels: np.ndarray, answers: np.ndarray, *, classes: int) -> np.ndarray:
    """(K, K) how many windows of a class (row) were answered as which (column)."""
    if not len(labels):
        return np.zeros((classes, classes), dtype=np.int64)
    return metrics.confusion_matrix(labels, answers, labels=np.arange(classes))


def balanced_accuracy(labels: np.ndarray, answers: np.ndarray) -> float:
    """The mean recall of the classes that are there, which is scikit-learn's of that name: that
    function warns where a class was answered that is not there, this call need not."""
    there = np.unique(labels)
    return float(metrics.recall_score(labels, answers, labels=there, average="macro"))


def kappa(labels: np.ndarray, answers: np.ndarray) -> float | None:
    """None where every label and every answer is one and the same class: 0 / 0."""
    if len(np.union1d(labels, answers)) < 2:
        return None
    return float(metrics.cohen_kappa_score(labels, answers))


def auroc(labels: np.ndarray, scores: np.ndarray) -> float | None:
    """None where only one class is there: nothing to rank."""
    return float(metrics.roc_auc_score(labels, scores)) if len(np.unique(labels)) > 1 else None


def auc_pr(labels: np.ndarray, scores: np.ndarray) -> float | None:
    """The trapezoid over the curve, which is what the literature of these sets reports; it lies
    above the average precision. None where only one class is there, or one score, from which
    the trapezoid would draw a line as if halves of equals could be told apart."""
    if len(np.unique(labels)) < 2 or np.ptp(scores) == 0:
        return None
    precision, recall, _ = metrics.precision_recall_curve(labels, scores)
    return float(metrics.auc(recall, precision))


def _refuse(labels: np.ndarray, outputs: np.ndarray) -> None:
    if len(labels) != len(outputs):
        raise ValueError(f"{len(labels)} labels and {len(outputs)} outputs")
    if not np.isfinite(outputs).all():
        raise ValueError("an output is not finite")
