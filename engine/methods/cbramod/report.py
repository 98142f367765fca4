"""What a job leaves behind: figures, tables, weights, and who won."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from engine.core.units import counted, duration
from engine.data.model.export import write_weights
from engine.methods.cbramod import drawing, filters, origin
from engine.methods.cbramod.goal import settled
from engine.methods.cbramod.judgement import Judgement
from engine.methods.cbramod.reconstruction import guessed
from engine.methods.cbramod.split import divided, one_class, units
from engine.methods.cbramod.windows import RATE, Windows

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.cbramod.intervals import Difference
    from engine.methods.cbramod.model import CBraMod
    from engine.methods.cbramod.split import Part


FEW = 9  # windows of a recording
LEAST, MOST = 2.0, 100.0  # microvolt, of a window whose unit is right
REST = 50  # a drawing is followed by at least this many times the time that it took


def describe(run: Run, windows: Windows, parts: list[Part]) -> None:
    found = run.inputs["recordings"]
    told = [f"{line.where}: {line.text}" for line in found.remarks]
    for text in (*told, *filters.remarks(found, run.params), *windows.left_out):
        run.message(text, level="warning")
    many = counted(len(windows), "window")
    people = counted(len(np.unique(windows.subject)), "subject")
    run.message(
        f"{many} of {windows.x.shape[2] // RATE} s, {counted(len(windows.channels), 'channel')}, "
        f"{people}, {duration(windows.x.shape[2] * len(windows) / RATE)} in all"
    )
    if windows.y is not None:
        run.message(settled(len(windows.classes)).described(windows.y, windows.classes))
    _tell_units(run, windows)
    if run.params.split_by == "recording" and len(np.unique(windows.subject)) < len(
        np.unique(windows.recording)
    ):
        run.message(
            "split by recording: windows of a subject train and test, so this says nothing of "
            "unseen subjects",
            level="warning",
        )
    if any(divided(windows, part, run.params) for part in parts):
        run.message(
            f"no {run.params.split_by} is left to validate alone: the last windows of each "
            "recording that trains do, so what is said of validation is nearer to training than "
            "to what is tested",
            level="warning",
        )
    tested = np.concatenate([part.test for part in parts])
    if windows.classes and len(tested) and len(np.unique(windows.y[tested])) < 2:
        run.message(
            f"all windows that are tested are labelled {windows.classes[windows.y[tested[0]]]!r}: "
            "what is called balanced accuracy below is the share of them that is found",
            level="warning",
        )
    alone = [part.name for part in parts if one_class(windows, part.val)]
    if alone and len(tested):
        run.message(
            f"all windows that validate in {counted(len(alone), 'fold')} of {len(parts)} are of "
            f"one class, fold {alone[0]} the first: what they choose there, the epoch and the "
            "baselines' settings, is what answers that class most often",
            level="warning",
        )
    for part in parts:
        sizes = (len(part.train), len(part.val), len(part.test))
        run.message("fold {}: {} train, {} validate, {} test".format(part.name, *sizes), "debug")


def _tell_units(run: Run, windows: Windows) -> None:
    """Recordings whose typical window, the median of a few, deviates by far too much or little."""
    names = np.unique(windows.recording)
    some = [np.flatnonzero(windows.recording == name) for name in names]
    few = [windows.levelled(which[:: -(-len(which) // FEW)]) for which in some]
    spread = np.array([np.median(x.std(axis=(1, 2), dtype=np.float64)) for x in few])
    odd = np.flatnonzero((spread < LEAST) | (spread > MOST))
    if len(odd):
        run.message(
            f"a typical window of {names[odd[0]]} deviates by {spread[odd[0]]:.3g} µV; expected "
            f"{LEAST:g} to {MOST:g}, as {len(odd)} of {counted(len(names), 'recording')} have not: "
            "check their unit",
            level="warning",
        )


class Probe:
    """One window of validation and what is guessed for its hidden patches, drawn anew as it gets
    better, and seldom enough to cost next to nothing."""

    def __init__(self, run: Run, channels: tuple[str, ...], x: Tensor, mask: Tensor):
        """Of validation windows (n, C, S, P), the first of which something is hidden (n, C, S)."""
        at = int(mask.flatten(1).any(1).nonzero()[0])
        self.run, self.channels, self.x, self.mask = run, channels, x[at], mask[at]
        self.next = 0.0

    def look(self, model: CBraMod, step: int) -> None:
        started = time.monotonic()
        if started >= self.next:
            self.draw(model, step)
            ended = time.monotonic()
            self.next = ended + REST * (ended - started)

    def draw(self, model: CBraMod, step: int) -> None:
        guess = guessed(model, self.x[None], self.mask[None])[0]
        about = {"step": step, "main": self.run.params.task == "pretrain"}
        traces = drawing.window(self.channels, self.x, guess, self.mask)
        self.run.figure("probe", traces, title="A window of validation", **about)
        spectrum = drawing.spectrum(self.x, guess, self.mask)
        self.run.figure("probe_spectrum", spectrum, title="Its hidden seconds", **about)


def reconstruction(run: Run, windows: Windows, found: dict[str, Any]) -> None:
    """What guessing hidden patches is worth, channel by channel."""
    errors = found["by_channel"]
    columns = ("zero", "network", "gaussian")
    rows = zip(windows.channels, *(errors[name] for name in columns), strict=True)
    run.table("reconstruction", ("channel", *columns), rows, title="Masked error by channel")
    figure = drawing.channels(windows.channels, errors)
    run.figure("channels", figure, title="Masked error by channel")


def conclude(
    run: Run, windows: Windows, parts: list[Part], arms: list[str], found: Judgement
) -> dict[str, float | None]:
    """The summary, and what it says to people."""
    unit = units(windows, run.params)
    both = sum(
        len(np.intersect1d(unit[side], unit[part.test]))
        for part in parts
        for side in (part.train, part.val)
    )
    tested = found.tested
    run.verify(f"{run.params.split_by}s on both sides of a split", 0, both, 0)
    run.verify("windows that were tested twice", 0, len(tested) - len(np.unique(tested)), 0)
    summary: dict[str, float | None] = {}
    for model in found.models:
        prefix = prefix_of(model, arms)
        values = {**found.scores[model], f"val_{found.goal.key}": found.validation[model]}
        summary |= {f"{prefix}{key}": value for key, value in values.items()}
    for model in found.models[1:]:
        summary[f"{prefix_of(model, arms)}lead"] = found.lead(model)["mean"]
    _tables(run, windows, found)
    _figures(run, windows, found)
    return summary


def prefix_of(model: str, arms: list[str]) -> str:
    if model == arms[0]:
        return ""
    return f"{model}." if model in arms else f"baseline.{model}."


def _figures(run: Run, windows: Windows, found: Judgement) -> None:
    first, winner = found.models[0], found.winner
    title, value, words = found.title, found.values, found.goal.words
    whom = f"unseen {run.params.split_by}s"
    if winner in run.params.baselines:
        run.message(
            f"{title(winner)} wins by {words}: {value[winner]:.3f} against {value[first]:.3f} of "
            f"{title(first)}, whose lead fold by fold is {_interval(found.lead(winner))}",
            level="warning",
        )
    run.figure(
        "models", drawing.models(found), title=headline(winner and title(winner), whom), main=True
    )
    if "scratch" in found.models[1:]:
        gain = found.lead("scratch")
        run.figure(
            "pairs",
            drawing.pairs(found, first, "scratch"),
            title=f"Pre-training is worth {_interval(gain)} of {words}",
        )
    subjects = drawing.subjects(found)
    run.figure("subjects", subjects, title="Every unseen subject", main=True)
    if windows.classes:
        confusion = drawing.confusion(found, windows.classes)
        run.figure("confusion", confusion, title=f"Confusion of {title(first)}")
    else:
        run.figure("answers", drawing.answers(found), title=f"Answers of {title(first)}")


def headline(title: str | None, whom: str) -> str:
    if title is None:
        return f"No model is ahead on {whom}"
    return f"{title}{',' if ',' in title else ''} wins on {whom}"


def _interval(gain: Difference) -> str:
    mean, half = gain["mean"], gain["ci95"]
    if mean is None:
        return "an unknown amount"
    shown = f"{mean:+.3f}".replace("-", "−")
    return shown if half is None else f"{shown} ± {half:.3f} (95 %)"


def _tables(run: Run, windows: Windows, found: Judgement) -> None:
    keys, key = list(found.scores[found.models[0]]), found.goal.key
    run.table(
        "models",
        ("model", *keys, f"val_{key}", f"{key}.low", f"{key}.high"),
        [
            (
                found.title(model),
                *found.scores[model].values(),
                found.validation[model],
                *(found.interval[model] or (None, None)),
            )
            for model in found.models
        ],
        title="Test windows of unseen subjects, with 95 % intervals over subjects",
    )
    run.table(
        "folds",
        ("fold", "model", *keys),
        [
            (fold, found.title(model), *scores.values())
            for model in found.models
            for fold, scores in found.folds[model].items()
        ],
        title="Each fold's test windows",
    )
    _predictions(run, windows, found)


def _predictions(run: Run, windows: Windows, found: Judgement) -> None:
    models, answers = found.models, found.answers
    columns = ["fold", "recording", "subject", "start", "label"]
    columns += [name for model in models for name in found.goal.header(model, windows.classes)]
    rows = (
        (
            found.fold[row],
            windows.recording[place],
            windows.subject[place],
            float(windows.start[place]),
            windows.label(place),
            *(value for model in models for value in found.goal.cells(answers[model][row])),
        )
        for row, place in enumerate(found.tested)
    )
    run.table("predictions", columns, rows, title="Every tested window")


def save_weights(run: Run, weights: dict[str, Tensor], windows: Windows, part: Part) -> None:
    """Those of a fold: other jobs take them, and hear whom they have seen."""
    facts: dict[str, Any] = {}
    with run.artifact(
        "export/weights.safetensors",
        title="Weights, by the official keys",
        role="export",
        media="application/octet-stream",
        kind="model",
        facts=facts,
    ) as path:
        facts |= write_weights(path, weights, origin.of(run, windows, part).texts())
