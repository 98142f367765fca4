"""What a classifier or a detector is judged by, from scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn import metrics


def classification(labels: np.ndarray, answers: np.ndarray) -> dict[str, float]:
    """Of (n,) classes and (n,) answers: accuracy, and the mean F1 of all classes that are there or
    were answered; one that was never answered counts with 0."""
    macro = metrics.f1_score(labels, answers, average="macro", zero_division=0)
    return {"accuracy": float((labels == answers).mean()), "macro_f1": float(macro)}


def per_class(labels: np.ndarray, answers: np.ndarray, *, classes: int) -> np.ndarray:
    """(C,) F1 of each class; nan where it is neither there nor answered."""
    return metrics.f1_score(
        labels, answers, average=None, labels=np.arange(classes), zero_division=np.nan
    )


def confusion(labels: np.ndarray, answers: np.ndarray, *, classes: int) -> np.ndarray:
    """(C, C) samples of a class (row) that were answered as which (column); of no sample, zeros."""
    if not len(labels):
        return np.zeros((classes, classes), np.int64)
    return metrics.confusion_matrix(labels, answers, labels=np.arange(classes))


def auroc(anomalous: np.ndarray, scores: np.ndarray) -> float:
    """Of (n,) bool and (n,) scores: how often an anomaly scores above a normal one; a tie counts
    half. Both kinds have to be there."""
    return float(metrics.roc_auc_score(anomalous, scores))
