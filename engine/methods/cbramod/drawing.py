"""The figures of a job."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from engine.methods.cbramod import spectra
from engine.methods.cbramod.goal import shown
from engine.methods.cbramod.judgement import Judgement
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
    """By what each model is judged, with its interval, the best at the top."""
    value = {model: value for model, value in found.values.items() if value is not None}
    order = sorted(value, key=lambda model: value[model])
    ends = {model: found.interval[model] or (value[model],) * 2 for model in order}
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [round(value[model], 4) for model in order],
        "y": [found.title(model) for model in order],
        "marker": {"size": 10},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [round(ends[model][1] - value[model], 4) for model in order],
            "arrayminus": [round(value[model] - ends[model][0], 4) for model in order],
        },
        "showlegend": False,
    }
    label = f"{found.goal.words}, 95 % interval over subjects"
    layout = {
        "xaxis": {"title": {"text": label}, **_range(found, 0)},
        "yaxis": {"type": "category", "automargin": True},
    }
    return {"data": [dots], "layout": layout}


def pairs(found: Judgement, ours: str, theirs: str) -> Figure:
    """Two models fold by fold: one line a fold, from theirs to ours."""
    ends, key = [found.title(theirs), found.title(ours)], found.goal.key
    lines = [
        {"type": "scatter", "mode": "lines+markers", "name": f"fold {fold}", "x": ends,
         "y": [found.folds[theirs][fold][key], found.folds[ours][fold][key]]}
        for fold in found.folds[ours]
    ]  # fmt: skip
    layout = {
        "xaxis": {"type": "category"},
        "yaxis": {"title": {"text": f"{found.goal.words} of a fold"}},
    }
    return {"data": lines, "layout": layout}


def subjects(found: Judgement) -> Figure:
    rows = found.of_subjects()
    strips = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": found.title(model),
            "x": [name for name, _, _ in rows],
            "y": [round(values[model], 4) for _, _, values in rows],
        }
        for model in found.models
    ]
    layout = {
        "yaxis": {"title": {"text": found.goal.of_subject[1]}, **_range(found, -0.02)},
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


def answers(found: Judgement) -> Figure:
    """Of the first model, numbers against labels: on the line they are right."""
    given = found.answers[found.models[0]]
    ends = [shown(float(found.y.min())), shown(float(found.y.max()))]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "windows",
        "x": list(map(shown, found.y.tolist())),
        "y": list(map(shown, given.tolist())),
        "marker": {"size": 5, "opacity": 0.6},
    }
    line = {"type": "scatter", "mode": "lines", "name": "right", "x": ends, "y": ends}
    layout = {"xaxis": {"title": {"text": "label"}}, "yaxis": {"title": {"text": "answered"}}}
    return {"data": [dots, line], "layout": layout}


def _range(found: Judgement, low: float) -> Figure:
    """Of an axis of what judges, where it has a lowest value."""
    return {"range": [low, 1.02]} if np.isfinite(found.goal.within).all() else {}
