"""Two pictures of an attacked graph whose clean form is known: how far the confidence is to be
believed, and what the attack did to the graph's spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import eigsh

from engine.core.units import counted

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.gagn.case import Case

BINS = 10
VALUES = 40  # singular values that are drawn


def draw(run: Run, case: Case, confidence: np.ndarray, adversarial: np.ndarray) -> None:
    """`confidence` and `adversarial` are per scored edge, (E,)."""
    believed = reliability(confidence, adversarial)
    run.figure("reliability", believed, title="Is the confidence to be believed")
    if case.nodes > VALUES + 1 and case.clean is not None:
        spectra = {
            name: spectrum(graph, run.rng("spectrum"))
            for name, graph in (("clean", case.clean), ("attacked", case.adjacency))
        }
        run.figure("spectrum", lines(spectra), title="Spectrum of the graph")


def reliability(confidence: np.ndarray, adversarial: np.ndarray) -> dict[str, Any]:
    """In each tenth of the confidence its mean, and the share of clean edges there."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    some = count > 0
    told = np.bincount(place, confidence, minlength=BINS)[some] / count[some]
    clean = np.bincount(place, ~adversarial, minlength=BINS)[some] / count[some]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "edges",
                "x": told.round(4).tolist(),
                "y": clean.round(4).tolist(),
                "text": [counted(number, "edge") for number in count[some].tolist()],
            },
            {"type": "scatter", "mode": "lines", "name": "just", "x": [0, 1], "y": [0, 1]},
        ],
        "layout": {
            "xaxis": {"title": {"text": "confidence of the jury"}, "range": [0, 1]},
            "yaxis": {"title": {"text": "share of clean edges"}, "range": [0, 1.02]},
        },
    }


def spectrum(adjacency: sp.csr_array, draws: np.random.Generator) -> np.ndarray:
    """The largest singular values of a symmetric matrix, the largest first."""
    start = draws.random(adjacency.shape[0])
    values = eigsh(
        adjacency.astype(np.float64), VALUES, which="LM", v0=start, return_eigenvectors=False
    )
    return np.sort(np.abs(values))[::-1]


def lines(spectra: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": list(range(1, len(values) + 1)),
                "y": values.round(4).tolist(),
            }
            for name, values in spectra.items()
        ],
        "layout": {
            "xaxis": {"title": {"text": "number"}},
            "yaxis": {"title": {"text": "singular value of the adjacency"}},
        },
    }
