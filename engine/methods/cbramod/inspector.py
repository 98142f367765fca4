"""The files that CBraMod leaves for its inspector.

They are described one by one in this method's README.md, "Artifacts".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core import checkpoint
from engine.methods.cbramod import spectra, start
from engine.methods.cbramod.embedding import plane
from engine.methods.cbramod.judgement import Judgement
from engine.methods.cbramod.model import HEADS
from engine.methods.cbramod.topography import topography
from engine.methods.cbramod.windows import RATE, Windows, lengths

if TYPE_CHECKING:
    from torch import Tensor

    from engine.core.run import Run
    from engine.methods.cbramod.split import Part

OVERVIEW = "inspector/overview.json"
MODEL = "inspector/model.safetensors"
WINDOWS = "inspector/windows.json"
PARTS = ("train", "validation", "test")
DIGITS = 4


def write(
    run: Run,
    windows: Windows,
    part: Part,
    embedding: np.ndarray,
    *,
    network: dict[str, Tensor] | None,
    classifier: dict[str, Tensor] | None,
    reconstruction: dict[str, Any] | None,
    judgement: Judgement | None,
) -> None:
    """`part` is the last fold. Of it are `network`, pre-trained, with its reconstruction layer and
    what that is worth, and `classifier`; the embedding is by the one that the job kept."""
    names = list(dict.fromkeys(windows.recording.tolist()))
    overview = {
        "task": run.params.task,
        "goal": judgement and judgement.goal.name,
        "rate": RATE,
        "seconds": windows.x.shape[2] // RATE,
        "reject": run.params.reject,
        "layers": start.shape(run).layers,
        "heads": HEADS // 2,
        "channels": list(windows.channels),
        "topography": topography(run.inputs["recordings"], windows.channels),
        "recordings": _recordings(run, windows, names),
        "classes": list(windows.classes),
        **_spectra(windows),
        "reconstruction": reconstruction,
        **_judgement(judgement),
        "part_names": list(PARTS),
    }
    _json(run, OVERVIEW, "Overview", overview)
    _json(run, WINDOWS, "Windows", _windows(run, windows, part, names, embedding, judgement))
    about = {"role": "inspector", "media": "application/octet-stream"}
    with run.artifact(MODEL, title="The networks themselves", **about) as path:
        state = {"channels": windows.channels, "classes": windows.classes, "gain": windows.gain}
        checkpoint.save(path, {**state, "network": network, "classifier": classifier})


def _json(run: Run, path: str, title: str, value: Any) -> None:
    with run.artifact(path, title=title, role="inspector", media="application/json") as file:
        file.write_text(json.dumps(value, separators=(",", ":"), allow_nan=False), "utf-8")


def _recordings(run: Run, windows: Windows, names: list[str]) -> list[dict[str, Any]]:
    seconds = lengths(run.inputs["recordings"])
    rows = []
    for name in names:
        here = windows.recording == name
        about = {"name": name, "subject": str(windows.subject[here][0])}
        rows.append({**about, "seconds": round(seconds[name], 3), "windows": int(here.sum())})
    return rows


def _spectra(windows: Windows) -> dict[str, Any]:
    groups = list(windows.classes) or ["all"]
    hz, power = spectra.mean_density(windows.x, RATE, windows.group, len(groups))
    bands = spectra.band_powers(hz, power).swapaxes(1, 2)
    return {
        "psd": {
            "hz": hz.tolist(),
            "groups": groups,
            "db": np.round(spectra.decibel(power), 2).tolist(),
        },
        "bands": {
            "names": list(spectra.BANDS),
            "edges": [list(edges) for edges in spectra.BANDS.values()],
            "values": np.round(np.log10(np.maximum(bands, spectra.LEAST)), DIGITS).tolist(),
        },
    }


def _judgement(found: Judgement | None) -> dict[str, Any]:
    if found is None:
        nothing = dict.fromkeys(("measure", "subject_measure", "winner", "rival", "lead"))
        return {**nothing, "models": [], "confusion": {}, "subjects": [], "folds": []}
    key, models = found.goal.key, []
    for model in found.models:
        low, high = found.interval[model] or (None, None)
        about = {"key": model, "title": found.title(model), "low": low, "high": high}
        models.append({**about, **found.scores[model]})
    first = found.models[0]
    tables = {model: found.confusion(model) for model in found.models}
    return {
        "measure": key,
        "subject_measure": found.goal.of_subject[0],
        "models": models,
        "winner": found.winner,
        "rival": found.rival,
        "lead": None if found.rival is None else found.lead(found.rival),
        "confusion": {model: table.tolist() for model, table in tables.items()
                      if table is not None},
        "subjects": [
            {"subject": name, "windows": windows, "values": values}
            for name, windows, values in found.of_subjects()
        ],
        "folds": [
            {"fold": fold, "values": {model: found.folds[model][fold][key]
                                      for model in found.models}}
            for fold in found.folds[first]
        ],
    }  # fmt: skip


def _windows(
    run: Run,
    windows: Windows,
    part: Part,
    names: list[str],
    embedding: np.ndarray,
    judgement: Judgement | None,
) -> dict[str, Any]:
    n = len(windows)
    place = {name: number for number, name in enumerate(names)}
    answer: list[float | None] = [None] * n
    probability: list[float | None] = [None] * n
    if judgement is not None:
        named = judgement.goal.named(judgement.answers[judgement.models[0]])
        for window, one, likely in zip(judgement.tested, *named, strict=True):
            answer[window] = one
            probability[window] = None if likely is None else round(likely, DIGITS)
    at, explained = plane(embedding)
    loud = windows.loud(run.params.reject) if run.params.reject else np.zeros(n, bool)
    return {
        "recording": [place[name] for name in windows.recording.tolist()],
        "start": windows.start.tolist(),
        "label": [None] * n if windows.y is None else windows.y.tolist(),
        "answer": answer,
        "probability": probability,
        "loud": loud.tolist(),
        "part": parts(n, part),
        "x": np.round(at[:, 0], DIGITS).tolist(),
        "y": np.round(at[:, 1], DIGITS).tolist(),
        "explained": np.round(explained, DIGITS).tolist(),
    }


def parts(windows: int, part: Part) -> list[int | None]:
    """Of each window its place in PARTS in this fold; None where it is in none."""
    found: list[int | None] = [None] * windows
    for number, places in enumerate((part.train, part.val, part.test)):
        for place in places.tolist():
            found[place] = number
    return found
