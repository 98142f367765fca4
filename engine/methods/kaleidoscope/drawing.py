"""Figures of a job; colours and fonts are the page's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.methods.kaleidoscope.judgement import TITLES, Judgement

Figure = dict[str, Any]
PAPER = {64: "256 ns", 88: "352 ns"}  # cycles at 250 MHz


def models(judged: Judgement) -> Figure:
    """Each model's means, with the lowest and the highest fold."""
    names = [TITLES[model] for model in judged.models]
    traces = []
    for key in judged.folds[judged.models[0]][0]:
        means = [judged.mean(model)[key] for model in judged.models]
        ends = [judged.reach(model, key) for model in judged.models]
        traces.append(
            {
                "type": "bar",
                "name": key.replace("_", "-"),
                "x": names,
                "y": means,
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [high - mean for (_, high), mean in zip(ends, means, strict=True)],
                    "arrayminus": [mean - low for (low, _), mean in zip(ends, means, strict=True)],
                },
            }
        )
    layout = {"barmode": "group", "yaxis": {"range": [0, 1], "title": {"text": "share"}}}
    return {"data": traces, "layout": layout}


def latency(cycles: np.ndarray, *, clock_mhz: float) -> Figure:
    """A histogram over cycles; the paper's figures stand at 64 and 88 cycles."""
    found, counts = np.unique(cycles, return_counts=True)
    return {
        "data": [{"type": "bar", "name": "verdicts", "x": found, "y": counts}],
        "layout": {
            "xaxis": {"title": {"text": f"cycles of {1e3 / clock_mhz:g} ns"}},
            "yaxis": {"title": {"text": "verdicts"}},
            "shapes": [
                {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1}
                for at in PAPER
            ],
            "annotations": [
                {"x": at, "y": 1, "yref": "paper", "text": text, "showarrow": False}
                for at, text in PAPER.items()
            ],
        },
    }


def load(depths: dict[str, np.ndarray]) -> Figure:
    """Jobs in the FIFOs, and those dropped so far, over cycles."""
    traces = [
        {"type": "scatter", "mode": "lines", "name": name, "x": depths["cycle"], "y": depths[key]}
        for key, name in (
            ("mouse", "waiting, small cores"),
            ("elephant", "waiting, large cores"),
            ("mouse_drops", "dropped, small cores"),
            ("elephant_drops", "dropped, large cores"),
        )
        if depths[key].any() or key == "mouse"
    ]
    axes = {"xaxis": {"title": {"text": "cycle"}}, "yaxis": {"title": {"text": "jobs"}}}
    return {"data": traces, "layout": axes}


def confusion(table: np.ndarray, classes: Sequence[str]) -> Figure:
    """Rows are labels, columns answers."""
    return {
        "data": [{"type": "heatmap", "z": table, "x": list(classes), "y": list(classes)}],
        "layout": {
            "xaxis": {"title": {"text": "answer"}},
            "yaxis": {"title": {"text": "label"}, "autorange": "reversed"},
        },
    }
