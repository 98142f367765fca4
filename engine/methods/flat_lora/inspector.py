"""The files that Flat-LoRA leaves for its inspector, described in this method's README.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.plain import plain
from engine.methods.flat_lora import report
from engine.methods.flat_lora.tasks import Classes
from engine.methods.flat_lora.variants import Variant

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.flat_lora.case import Case

OVERVIEW = "inspector/overview.json"
FLATNESS = "inspector/flatness.json"
ANSWERS = "inspector/answers.json"
DIGITS = 6
ROWS = 200  # of test answers that the page lists, those of largest loss first


def write(run: Run, case: Case, variants: list[Variant], found: dict[str, dict[str, Any]]) -> None:
    params = run.params
    overview = {
        "kind": case.kind,
        "classes": list(case.task.names),
        "pairs": case.pairs,
        "rows": {part: len(examples) for part, examples in case.parts.items()},
        "variants": [
            {
                "name": one.name,
                "title": one.title,
                "flat": one.flat,
                "scores": found[one.name]["answers"]["test"],
                **found[one.name]["training"]["summary"],
                "export": found[one.name]["export"],
            }
            for one in variants
        ],
        "rho": params.rho,
        "sigmas": params.sigmas,
        "draws": params.draws,
        "probe": params.probe,
        "overhead": report.overhead(found),
    }
    _json(run, OVERVIEW, "Overview", overview)
    keys = ("sharpness", "hessian", "landscapes", "spectra", "budget")
    flatness = {name: {key: one[key] for key in keys} for name, one in found.items()}
    _json(run, FLATNESS, "Flatness", flatness)
    _json(run, ANSWERS, "Answers", _answers(case, found))
    _table(run, case, variants, found)


def _answers(case: Case, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Of each variant confusion and calibration, and the test rows that the first finds hardest."""
    test = case.parts["test"]
    first = next(iter(found.values()))["answers"]
    hardest = np.argsort(-first["losses"], kind="stable")[:ROWS]
    rows = [
        {
            "row": case.place("test", int(place)),
            "text": case.told("test", int(place)),
            **({"image": case.drawn("test", int(place))} if case.drawn else {}),
            "label": None if test.labels is None else int(test.labels[place]),
            "loss": {name: float(one["answers"]["losses"][place]) for name, one in found.items()},
            "answer": {
                name: int(one["answers"]["probabilities"][place].argmax())
                for name, one in found.items()
                if "probabilities" in one["answers"]
            },
        }
        for place in hardest
    ]
    if not isinstance(case.task, Classes):
        return {"models": {}, "rows": rows}
    judged = {}
    for name, one in found.items():
        probabilities = np.asarray(one["answers"]["probabilities"])
        judged[name] = {
            "confusion": report.confusion(test.labels, probabilities),
            "calibration": report.calibration(test.labels, probabilities),
        }
    return {"models": judged, "rows": rows}


def _table(run: Run, case: Case, variants: list[Variant], found: dict[str, dict[str, Any]]) -> None:
    """Every answer to the test rows, for use elsewhere."""
    test, names = case.parts["test"], [one.name for one in variants]
    if isinstance(case.task, Classes):
        said = {
            name: [case.task.names[code]
                   for code in np.asarray(found[name]["answers"]["probabilities"]).argmax(1)]
            for name in names
        }  # fmt: skip
        wanted: list[Any] = [case.task.names[code] for code in test.labels]
    else:
        said = {name: found[name]["answers"]["losses"].tolist() for name in names}
        wanted = [""] * len(test)
    rows = [
        [case.place("test", place), wanted[place], *(said[name][place] for name in names)]
        for place in range(len(test))
    ]
    what = "answer" if isinstance(case.task, Classes) else "loss"
    columns = ["row", "label", *(f"{name}.{what}" for name in names)]
    run.table("answers", columns, rows, title="Answers to the test rows")


def _json(run: Run, path: str, title: str, value: Any) -> None:
    with run.artifact(path, title=title, role="inspector", media="application/json") as file:
        text = json.dumps(rounded(plain(value)), separators=(",", ":"), allow_nan=False)
        file.write_text(text, "utf-8")


def rounded(value: Any) -> Any:
    """To significant digits, for the page; the exact numbers are in result.json and the tables."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return value
