"""CSP and LDA: spatial patterns whose power in a band differs most between classes.

The filters are MNE's, which for two classes are the generalised eigenvectors of their covariances
and for more an approximate joint diagonalisation, ordered by mutual information (Grosse-Wentrup and
Buss 2008). The log powers of six of them go to linear discriminant analysis, to which
the classes are alike however many windows they have. Made for imagery, where a rhythm of 8-30 Hz
weakens over one hand's cortex.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mne
import numpy as np
from mne.decoding import CSP
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import Pipeline, make_pipeline

from engine.methods.cbramod.baselines.labelled import Labelled, require_two_labels, spread_out

COMPONENTS = 6
BAND = (8.0, 30.0)  # Hz
EDGE = 0.5  # s; what the filter does not know at the ends, and after a cue the time to react
# 64 covariances from a dozen trials, which an average reference leaves without full rank: not
# shrunk, rounding decides what the last patterns are (float32 gave .68 where float64 gave .61).
SHRINKAGE = "ledoit_wolf"
BATCH = 256  # windows at a time


class Csp:
    def __init__(self, model: Pipeline, settings: Mapping[str, Any], *, sfreq: float, classes: int):
        self.model, self.settings = model, settings
        self.sfreq, self.classes = sfreq, classes

    def answers(self, x: np.ndarray) -> np.ndarray:
        seen = filtered(x, sfreq=self.sfreq, **self.settings)
        return spread_out(
            self.model.predict_proba(seen), there=self.model.classes_, classes=self.classes
        )


def fit(
    train: Labelled,
    val: Labelled | None,
    *,
    band: tuple[float, float] = BAND,
    span: tuple[float, float] | None = None,
) -> Csp:
    """`band` in Hz; `span` in seconds from the window's beginning, or all but half a second (at
    most a quarter of the window) at either end. Validation has nothing to choose."""
    require_two_labels(train)
    length = train.x.shape[-1] / train.sfreq
    edge = min(EDGE, length / 4)
    span = span or (edge, length - edge)
    settings = {"band": band, "span": span}
    seen = filtered(train.x, sfreq=train.sfreq, **settings)
    csp = CSP(n_components=min(COMPONENTS, train.x.shape[1]), reg=SHRINKAGE, log=True)
    there = len(np.unique(train.y))
    lda = LinearDiscriminantAnalysis(priors=np.full(there, 1 / there))
    with mne.use_log_level("error"):  # it tells of every covariance
        model = make_pipeline(csp, lda).fit(seen, train.y)
    return Csp(model, settings, sfreq=train.sfreq, classes=train.classes)


def filtered(
    x: np.ndarray, *, sfreq: float, band: tuple[float, float], span: tuple[float, float]
) -> np.ndarray:
    """(n, C, T) µV -> (n, C, T') float64: band-passed without delay, then cut to the span."""
    first, last = (round(second * sfreq) for second in span)
    passed = np.empty((*x.shape[:2], len(range(x.shape[-1])[first:last])))
    with mne.use_log_level("error"):  # it tells of every filter, and of windows shorter than it
        for at in range(0, len(x), BATCH):
            some = x[at : at + BATCH].astype(np.float64)
            passed[at : at + BATCH] = mne.filter.filter_data(some, sfreq, *band)[..., first:last]
    return passed
