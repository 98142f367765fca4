"""What a job leaves behind: figures, tables, weights, and who won."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.core.units import counted, duration
from engine.methods.cbramod import intervals, lines, metrics
from engine.methods.cbramod.model import CBraMod
from engine.methods.cbramod.split import units
from engine.methods.cbramod.windows import RATE, SCALE, Windows

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.cbramod.split import Part

Found = dict[str, Any]
SHOWN = 4  # channels of the window whose reconstruction is drawn
TITLES = {
    "pretrained": "CBraMod, pre-trained",
    "scratch": "CBraMod from scratch",
    "majority": "Majority",
    "band_power": "Band power",
    "csp": "CSP + LDA",
    "eegnet": "EEGNet",
    "shallow": "ShallowConvNet",
}


def describe(run: Run, windows: Windows, parts: list[Part]) -> None:
    many = counted(len(windows), "window")
    people = counted(len(np.unique(windows.subject)), "subject")
    run.message(
        f"{many} of {run.params.window} s, {counted(len(windows.channels), 'channel')}, {people}, "
        f"{duration(windows.x.shape[2] * len(windows) / RATE)} in all"
    )
    if windows.y is not None:
        counts = np.bincount(windows.y, minlength=len(windows.classes))
        told = ", ".join(f"{n} {name}" for name, n in zip(windows.classes, counts, strict=True))
        run.message(f"classes: {told}")
    spread = windows.scaled[:200].std()
    if not 0.02 <= spread <= 1:
        run.message(
            f"a typical window deviates by {spread * SCALE:.3g} µV; expected 2 to 100: check the "
            "unit of the recordings",
            level="warning",
        )
    if run.params.split_by == "recording" and len(np.unique(windows.subject)) < len(
        np.unique(windows.recording)
    ):
        run.message(
            "split by recording: windows of a subject train and test, so this says nothing of "
            "unseen subjects",
            level="warning",
        )
    for part in parts:
        sizes = (len(part.train), len(part.val), len(part.test))
        run.message("fold {}: {} train, {} validate, {} test".format(part.name, *sizes), "debug")


@torch.no_grad()
def reconstruction(
    run: Run,
    model: CBraMod,
    windows: Windows,
    x: Tensor,
    val: np.ndarray,
    mask: Tensor,
    spread: Tensor,
) -> None:
    """The first validation window as it is, with its hidden patches, and as it was guessed."""
    model.eval()
    guess = torch.cat(
        [model(some, hid) for some, hid in zip(x[val].split(64), mask.split(64), strict=True)]
    )
    square = (guess - x[val]).square().mean(-1)
    gauss = (lines.conditional(x[val], mask, spread) - x[val]).square().mean(-1)
    nothing = x[val].square().mean(-1)
    rows = []
    for place, channel in enumerate(windows.channels):
        here = mask[:, place]
        errors = (each[:, place][here] for each in (nothing, square, gauss))
        rows.append((channel, *(round(e.mean().item(), 6) if len(e) else None for e in errors)))
    columns = ("channel", "zero", "network", "gaussian")
    run.table("reconstruction", columns, rows, title="Masked error by channel")
    names = [row[0] for row in rows]
    bars = [
        {"type": "bar", "name": name, "x": names, "y": [row[place] for row in rows]}
        for place, name in ((1, "nothing"), (2, "network"), (3, "Gaussian conditional"))
    ]
    axis = {"yaxis": {"title": {"text": "mean squared error, (100 µV)²"}}}
    run.figure(
        "channels", {"data": bars, "layout": {"barmode": "group", **axis}},
        title="Masked error by channel",
    )  # fmt: skip
    figure = drawn(windows, x[val][0], guess[0], mask[0])
    run.figure("probe", figure, title="A window of validation", main=True)


def drawn(windows: Windows, x: Tensor, guess: Tensor, mask: Tensor) -> dict[str, Any]:
    """Stacked traces in µV: the signal, and over its hidden seconds the network's guess."""
    traces: list[dict[str, Any]] = []
    channels = mask.any(1).nonzero().ravel()[:SHOWN].tolist() or [0]
    step = 4 * float(x[channels].std()) * SCALE or 1.0
    seconds = np.arange(x.shape[1] * RATE) / RATE
    thin = slice(None, None, 2)
    for row, place in enumerate(channels):
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
    ticks = {"tickvals": [-row * step for row in range(len(channels))]}
    ticks |= {"ticktext": [windows.channels[place] for place in channels]}
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "seconds"}},
            "yaxis": {**ticks, "title": {"text": f"{step:.0f} µV from line to line"}},
        },
    }


def save_weights(run: Run, weights: dict[str, Tensor]) -> None:
    with run.artifact(
        "export/weights.safetensors",
        title="Weights, by the official keys",
        role="export",
        media="application/octet-stream",
    ) as path:
        save_file({name: value.cpu().contiguous() for name, value in weights.items()}, path)


def conclude(
    run: Run, windows: Windows, parts: list[Part], arms: list[str], finished: dict[str, Found]
) -> dict[str, float | None]:
    """The summary: every test window once, all folds together, for each model."""
    models = [*arms, *run.params.baselines]
    tested = np.concatenate([part.test for part in parts])
    y, subjects = windows.y[tested], windows.subject[tested]
    answers = {
        model: np.concatenate([finished[f"fold.{part.name}.{model}"]["test"] for part in parts])
        for model in models
    }
    unit = units(windows, run.params)
    both = sum(
        len(np.intersect1d(unit[side], unit[part.test]))
        for part in parts
        for side in (part.train, part.val)
    )
    run.verify(f"{run.params.split_by}s on both sides of a split", 0, both, 0)
    run.verify("windows that were tested twice", 0, len(tested) - len(np.unique(tested)), 0)
    summary: dict[str, float | None] = {}
    rows, by_fold = [], {}
    for model in models:
        found = metrics.classification(y, answers[model])
        vals = [finished[f"fold.{part.name}.{model}"]["val"]["balanced_accuracy"] for part in parts]
        found["val_balanced_accuracy"] = float(np.mean(vals))
        prefix = prefix_of(model, arms)
        summary |= {f"{prefix}{key}": value for key, value in found.items()}
        interval = intervals.over_subjects(_balanced, y, answers[model], subjects)
        rows.append((TITLES[model], *found.values(), *(interval or (None, None))))
        by_fold[model] = {
            (part.name, 0): metrics.classification(
                windows.y[part.test], finished[f"fold.{part.name}.{model}"]["test"]
            )["balanced_accuracy"]
            for part in parts
        }
    run.table(
        "models",
        ("model", *found, "balanced_accuracy.low", "balanced_accuracy.high"),
        rows,
        title="Test windows of unseen subjects, with 95 % intervals over subjects",
    )
    for model in models[1:]:
        gain = intervals.paired(by_fold[models[0]], by_fold[model])
        summary[f"{prefix_of(model, arms)}lead"] = gain["mean"]
    _winner(run, models, summary, arms)
    _draw(run, windows, models, y, subjects, answers)
    _predictions(run, windows, tested, models, answers)
    last = finished[f"fold.{parts[-1].name}.{models[0]}"]["model"]
    save_weights(run, last)
    return summary


def prefix_of(model: str, arms: list[str]) -> str:
    if model == arms[0]:
        return ""
    return f"{model}." if model in arms else f"baseline.{model}."


def _balanced(y: np.ndarray, probabilities: np.ndarray) -> float:
    return metrics.balanced_accuracy(y, metrics.answered(probabilities))


def _winner(run: Run, models: list[str], summary: dict[str, float | None], arms: list[str]) -> None:
    value = {model: summary[f"{prefix_of(model, arms)}balanced_accuracy"] for model in models}
    best = max(models, key=lambda model: value[model] or 0)
    if best in run.params.baselines:
        run.message(
            f"{TITLES[best]} wins with a balanced accuracy of {value[best]:.3f}; "
            f"{TITLES[models[0]]} has {value[models[0]]:.3f}",
            level="warning",
        )


def _draw(
    run: Run,
    windows: Windows,
    models: list[str],
    y: np.ndarray,
    subjects: np.ndarray,
    answers: dict[str, np.ndarray],
) -> None:
    names = np.unique(subjects)
    strips = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": TITLES[model],
            "x": names.tolist(),
            "y": [
                round(_balanced(y[subjects == name], answers[model][subjects == name]), 4)
                for name in names
            ],
        }
        for model in models
    ]
    run.figure(
        "subjects",
        {
            "data": strips,
            "layout": {
                "yaxis": {"title": {"text": "balanced accuracy"}, "range": [-0.02, 1.02]},
                "xaxis": {"type": "category"},
            },
        },
        title="Every unseen subject",
        main=True,
    )
    table = metrics.confusion(y, metrics.answered(answers[models[0]]), classes=len(windows.classes))
    run.figure(
        "confusion",
        {
            "data": [
                {
                    "type": "heatmap",
                    "x": list(windows.classes),
                    "y": list(windows.classes),
                    "z": table.tolist(),
                    "text": table.tolist(),
                    "texttemplate": "%{text}",
                }
            ],
            "layout": {
                "xaxis": {"title": {"text": "answered"}, "type": "category"},
                "yaxis": {"title": {"text": "label"}, "type": "category", "autorange": "reversed"},
            },
        },
        title=f"Confusion of {TITLES[models[0]]}",
    )


def _predictions(
    run: Run,
    windows: Windows,
    tested: np.ndarray,
    models: list[str],
    answers: dict[str, np.ndarray],
) -> None:
    columns = ["recording", "subject", "start", "label"]
    columns += [f"{model}.{name}" for model in models for name in windows.classes]
    rows = (
        (
            windows.recording[place],
            windows.subject[place],
            float(windows.start[place]),
            windows.classes[windows.y[place]],
            *(round(float(value), 4) for model in models for value in answers[model][row]),
        )
        for row, place in enumerate(tested)
    )
    run.table("predictions", columns, rows, title="Every tested window")
