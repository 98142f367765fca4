"""The figures of a job."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from engine.methods.cbramod import spectra
from engine.methods.cbramod.judgement import KEY, TITLES, Judgement
from engine.methods.cbramod.windows import RATE, SCALE

Figure = dict[str, Any]
SHOWN = 4  # channels of the window whose reconstruction is drawn


def window(channels: tuple[str, ...], x: Tensor, guess: Tensor, mask: Tensor) -> Figure:
    """Stacked traces in µV: the signal, and over its hidden seconds the network's guess."""
    traces: list[Figure] = []
    shown = mask.any(1).nonzero().ravel()[:SHOWN].tolist() or [0]
    step = 4 * float(x[shown].std()) * SCALE or 1.0
    seconds = np.arange(x.shape[1] * RATE) / RATE
    thin = slice(None, None, 2)
    for row, place in enumerate(shown):
        base = -row * step
        signal = x[place].flatten().cpu().numpy() * SCALE
        told = np.where(
            mask[place].repeat_interleave(RATE).cpu().numpy(),
            guess[place].flatten().cpu().numpy() * SCALE, np.nan,
        )  # fmt: skip
        for name, values in (("signal", signal), ("guess where hidden", told)):
            y = [None if np.isnan(v) else round(float(v + base), 2) for v in values[thin]]
            traces.append(
                {"type": "scatter", "mode": "lines", "name": name, "legendgroup": name,
                 "showlegend": row == 0, "x": seconds[thin].round(3).tolist(), "y": y}
            )  # fmt: skip
    ticks = {"tickvals": [-row * step for row in range(len(shown))]}
    ticks |= {"ticktext": [channels[place] for place in shown]}
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {**ticks, "title": {"text": f"{step:.0f} µV from line to line"}},
        },
    }


def spectrum(x: Tensor, guess: Tensor, mask: Tensor) -> Figure:
    """Of the hidden patches of (…, C, S, P): the signal's and the guess's, mean over patches."""
    lines = []
    for name, patches in (("signal", x[mask]), ("guess where hidden", guess[mask])):
        hz, power = spectra.density(patches.cpu().numpy() * SCALE, RATE)
        decibel = spectra.decibel(power.mean(axis=0))
        shown = hz <= RATE / 4
        lines.append(
            {"type": "scatter", "mode": "lines", "name": name, "x": hz[shown].tolist(),
             "y": np.round(decibel[shown], 2).tolist()}
        )  # fmt: skip
    axes = {"xaxis": {"title": {"text": "Hz"}}, "yaxis": {"title": {"text": "dB of µV²/Hz"}}}
    return {"data": lines, "layout": axes}


def channels(names: tuple[str, ...], errors: dict[str, list[float | None]]) -> Figure:
    called = {"zero": "nothing", "network": "network", "gaussian": "Gaussian conditional"}
    bars = [
        {"type": "bar", "name": title, "x": list(names), "y": errors[name]}
        for name, title in called.items()
    ]
    axis = {"yaxis": {"title": {"text": "mean squared error, (100 µV)²"}}}
    return {"data": bars, "layout": {"barmode": "group", **axis}}


def models(found: Judgement) -> Figure:
    """Balanced accuracy of each model with its interval, the best at the top."""
    value = {model: found.scores[model][KEY] or 0.0 for model in found.models}
    order = sorted(found.models, key=lambda model: value[model])
    ends = {model: found.interval[model] or (value[model],) * 2 for model in order}
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [round(value[model], 4) for model in order],
        "y": [TITLES[model] for model in order],
        "marker": {"size": 10},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [round(ends[model][1] - value[model], 4) for model in order],
            "arrayminus": [round(value[model] - ends[model][0], 4) for model in order],
        },
        "showlegend": False,
    }
    label = "balanced accuracy, 95 % interval over subjects"
    layout = {
        "xaxis": {"title": {"text": label}, "range": [0, 1.02]},
        "yaxis": {"type": "category", "automargin": True},
    }
    return {"data": [dots], "layout": layout}


def pairs(found: Judgement, ours: str, theirs: str) -> Figure:
    """Two models fold by fold: one line a fold, from theirs to ours."""
    ends = [TITLES[theirs], TITLES[ours]]
    lines = [
        {"type": "scatter", "mode": "lines+markers", "name": f"fold {fold}", "x": ends,
         "y": [found.folds[theirs][fold][KEY], found.folds[ours][fold][KEY]]}
        for fold in found.folds[ours]
    ]  # fmt: skip
    layout = {
        "xaxis": {"type": "category"},
        "yaxis": {"title": {"text": "balanced accuracy of a fold"}},
    }
    return {"data": lines, "layout": layout}


def subjects(found: Judgement) -> Figure:
    rows = found.of_subjects()
    strips = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": TITLES[model],
            "x": [name for name, _, _ in rows],
            "y": [round(values[model], 4) for _, _, values in rows],
        }
        for model in found.models
    ]
    layout = {
        "yaxis": {"title": {"text": "balanced accuracy"}, "range": [-0.02, 1.02]},
        "xaxis": {"type": "category"},
    }
    return {"data": strips, "layout": layout}


def confusion(found: Judgement, classes: tuple[str, ...]) -> Figure:
    """Of the first model."""
    table = found.confusion(found.models[0]).tolist()
    cells = {
        "type": "heatmap",
        "x": list(classes),
        "y": list(classes),
        "z": table,
        "text": table,
        "texttemplate": "%{text}",
    }
    layout = {
        "xaxis": {"title": {"text": "answered"}, "type": "category"},
        "yaxis": {"title": {"text": "label"}, "type": "category", "autorange": "reversed"},
    }
    return {"data": [cells], "layout": layout}
