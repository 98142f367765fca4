"""The leakage meter: what a split by flows, and each unmasked field of a header, would pretend.

Measured with the forest, which trains in a fraction of a second: the question is about the data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.data.traffic.headers import FIELDS
from engine.data.traffic.traffic import Traffic
from engine.methods.kaleidoscope.baselines import forest
from engine.methods.kaleidoscope.folds import By, folds
from engine.methods.kaleidoscope.metrics import classification
from engine.methods.kaleidoscope.samples import HEADER, Samples, with_header

PAYLOAD = 32  # bytes behind the header


def leakage(
    traffic: Traffic, samples: Samples, *, state: int = 0, tick: Callable[[], None] | None = None
) -> dict[str, dict[By, dict[str, float]]]:
    """{"payload": …, "header": …, and each field of FIELDS}: by capture and by flow, accuracy and
    macro-F1, the mean of three folds. `tick` is called before each training and may raise."""
    data = {"payload": samples.data}
    for name in ("header", *FIELDS):
        shown = () if name == "header" else (name,)
        data[name] = with_header(traffic, samples.flows, inputs=HEADER + PAYLOAD, unmasked=shown)
    return {
        name: {by: _judged(rows, samples, by, state, tick) for by in ("capture", "flow")}
        for name, rows in data.items()
    }


def _judged(
    data: np.ndarray, samples: Samples, by: By, state: int, tick: Callable[[], None] | None
) -> dict[str, float]:
    found = []
    for train, test in folds(samples.labels, samples.captures, state=state, by=by):
        if tick is not None:
            tick()
        model = forest.fit(data[train], samples.labels[train], seed=state)
        found.append(classification(samples.labels[test], forest.answers(model, data[test])))
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}
