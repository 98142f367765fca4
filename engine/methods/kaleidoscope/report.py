"""What a job tells people: summary, tables, figures, and files to take away."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.artifacts import write_csv
from engine.methods.kaleidoscope import drawing
from engine.methods.kaleidoscope.arrivals import OVERHEAD
from engine.methods.kaleidoscope.case import Case, Part
from engine.methods.kaleidoscope.deployed import Coprocessor
from engine.methods.kaleidoscope.frames import beats_of
from engine.methods.kaleidoscope.judgement import FOREST, TITLES, Judgement
from engine.methods.kaleidoscope.occupancy import spans
from engine.methods.kaleidoscope.simulator.tools import Backend
from engine.methods.kaleidoscope.work import FLOAT, PTQ

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.core.run import Run

KEYS = ("accuracy", "macro_f1", "auroc")


@dataclass(frozen=True, eq=False)
class Work:
    """All that a job found out: what its reports and its inspector are written from."""

    run: Run
    case: Case
    part: Part  # whose network is deployed
    judged: Judgement
    leaks: dict[str, Any] | None
    backend: Backend
    rtl: str
    coprocessor: Coprocessor
    trials: dict[str, Any]
    data: dict[str, np.ndarray]
    finished: dict[str, Any]

    @property
    def throughput(self) -> float:
        """Gbps of packets of the chosen length that all ask for a verdict: what the cores keep up
        with, and no more than the bus brings, a beat a cycle."""
        params = self.run.params
        bits = 8 * (params.packet_length + OVERHEAD)
        cycles = max(self.trials["saturated"]["cycles_per_job"], beats_of(params.packet_length))
        return bits * params.clock_mhz / cycles / 1e3

    @property
    def latency(self) -> int:
        """Cycles of the slowest verdict of an idle core, over all kinds of header that occur."""
        return int(self.trials["idle"]["latency"].max())

    @property
    def cycles_per_second(self) -> float | None:
        """Of the RTL in the replay, by the clock on the wall; the model steps through none."""
        if self.backend.badge:
            return None
        return self.trials["replay"]["cycles"] / self.trials["replay"]["seconds"]


def conclude(work: Work) -> dict[str, float | None]:
    """The summary, and the files that people read and take away."""
    judged = work.judged
    summary: dict[str, float | None] = {}
    for model, prefix, suffix in (
        (FLOAT, "", ""),
        (judged.int8, "", "_int8"),
        (PTQ, "", "_ptq"),
        (FOREST, f"baseline.{FOREST}.", ""),
    ):
        if model in judged.models:
            mean = judged.mean(model)
            summary |= {f"{prefix}{key}{suffix}": mean[key] for key in KEYS if key in mean}
    if work.leaks:
        both = work.leaks["payload"]
        summary |= {
            f"leakage.{key}": both["flow"][key] - both["capture"][key]
            for key in ("accuracy", "macro_f1")
        }
    summary |= _hardware(work)
    _tables(work)
    _figures(work, summary)
    _files(work)
    return summary


def _hardware(work: Work) -> dict[str, float | None]:
    trials, params = work.trials, work.run.params
    replay, idle, real = trials["replay"], trials["idle"], not work.backend.badge
    mismatches = trials["parity"]["mismatches"] + trials["steps"]["mismatches"]
    found: dict[str, float | None] = {
        "rtl_mismatches": mismatches if real else None,
        "latency_cycles": work.latency,
        "latency_ns": work.latency * 1e3 / params.clock_mhz,
        "latency_median_cycles": float(np.median(idle["of_flows"])),
        "latency_least_cycles": int(idle["of_flows"].min()),
        "first_bit_cycles": int(idle["first_bit"].max()),
        "throughput_gbps": work.throughput,
        "served_gbps": replay["served_gbps"],
        "drops": sum(replay["drops"].values()),
        "cycles_per_second": work.cycles_per_second,
    }
    if not real:
        found["model_mismatches"] = mismatches
    if "elephant.idle" in trials:
        found["elephant.latency_cycles"] = int(trials["elephant.idle"]["latency"].max())
        labels = work.case.samples.labels[work.part.test]
        made = work.finished[f"fold.{work.part.name}.{params.elephant}"]["answers"]
        found["elephant.accuracy_int8"] = float((made[params.quantisation] == labels).mean())
    return found


def _tables(work: Work) -> None:
    run, judged = work.run, work.judged
    keys = list(judged.folds[FLOAT][0])
    run.table(
        "models",
        ("model", *keys, *(f"{key}.{end}" for key in keys for end in ("lowest", "highest"))),
        [
            (
                TITLES[model],
                *(judged.mean(model)[key] for key in keys),
                *(value for key in keys for value in judged.reach(model, key)),
            )
            for model in judged.models
        ],
        title="Unseen captures: means of the folds, and the lowest and highest of them",
    )
    run.table(
        "folds",
        ("fold", "model", *keys),
        [
            (part.name, TITLES[model], *(judged.folds[model][number][key] for key in keys))
            for number, part in enumerate(work.case.parts)
            for model in judged.models
        ],
        title="Each fold's unseen captures",
    )
    if work.leaks:
        run.table(
            "leakage",
            ("bytes", "accuracy.capture", "macro_f1.capture", "accuracy.flow", "macro_f1.flow"),
            [
                (name, *(found[by][key] for by in ("capture", "flow")
                         for key in ("accuracy", "macro_f1")))
                for name, found in work.leaks.items()
            ],
            title="The forest by captures and by flows: the difference is leakage",
        )  # fmt: skip
    main = work.coprocessor.main
    run.table(
        "layers",
        ("layer", "tiles", "skipped", "issues", "first", "last"),
        [
            (one.name, one.tiles, one.skipped, one.issues, one.first, one.last)
            for one in main.compiled.layers
        ],
        title="The program, layer by layer: tiles, and cycles of issue after acceptance",
    )


def _figures(work: Work, summary: dict[str, float | None]) -> None:
    run, badge = work.run, work.backend.badge
    mark = f" ({badge})" if badge else ""
    params = run.params
    cycles = work.trials["replay"]["verdicts"]
    latency = cycles["done"] - cycles["last"]
    if len(latency):
        run.figure(
            "latency",
            drawing.latency(latency, clock_mhz=params.clock_mhz),
            title=f"From the last needed byte to the verdict{mark}",
            main=True,
        )
    run.figure(
        "models", drawing.models(work.judged), title="Networks on unseen captures", main=True
    )
    depths = work.trials["replay"]["depths"]
    run.figure("load", drawing.load(depths), title=f"Jobs that wait for a core{mark}")
    confusion = work.judged.confusion(work.judged.int8)
    run.figure(
        "confusion",
        drawing.confusion(confusion, work.case.samples.classes),
        title="Confusion of the int8 network",
    )


def _files(work: Work) -> None:
    run, main = work.run, work.coprocessor.main
    image = main.compiled.image
    about = {"role": "export", "media": "application/octet-stream"}
    with run.artifact("image.npz", title="Program image of the core", **about) as path:
        image.save(path)
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        for made in image.export(Path(name)):
            title = f"{made.stem.capitalize()} of the core, for $readmemh"
            with run.artifact(made.name, title=title, role="export", media="text/plain") as path:
                shutil.copyfile(made, path)
    with run.artifact(
        "listing.txt", title="Listing of the program", role="export", media="text/plain"
    ) as path:
        path.write_text(image.listing() + "\n", encoding="utf-8")
    _csv(work, "predictions.csv", "Every tested flow", *_predictions(work))
    _csv(work, "verdicts.csv", "Every verdict of the replay", *_verdicts(work))
    saturated = work.trials["saturated"]
    rows = [
        (core["name"], *span)
        for core in spans(work.coprocessor, saturated)
        for span in core["spans"]
    ]
    _csv(
        work,
        "occupancy.csv",
        "What the cores do in a window of cycles",
        ("core", "cycle", "cycles", "kind", "pc", "job"),
        rows,
    )


def _csv(
    work: Work, path: str, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    about = {"title": title, "role": "export", "media": "text/csv"}
    with (
        work.run.artifact(path, **about) as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        write_csv(file, columns, rows)


def _predictions(work: Work) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    case, judged = work.case, work.judged
    names, flows = case.traffic.capture_names, case.traffic.flows
    folds = [part.name for part in case.parts for _ in part.test]
    tested = np.concatenate([part.test for part in case.parts])
    classes = case.samples.classes
    rows = (
        (
            fold,
            names[case.samples.captures[place]],
            flows.name(int(case.samples.flows[place])),
            classes[case.samples.labels[place]],
            *(classes[judged.answers[model][row]] for model in judged.models),
        )
        for row, (fold, place) in enumerate(zip(folds, tested, strict=True))
    )
    return ("fold", "capture", "flow", "label", *judged.models), rows


def _verdicts(work: Work) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
    case, replay = work.case, work.trials["replay"]
    verdicts, flows = replay["verdicts"], case.traffic.flows
    names = ("packet", "elephant", "first", "last", "enqueue", "start", "done", "core", "row")
    classes = work.coprocessor.main.network.classes
    rows = (
        (
            case.traffic.capture_names[flows.capture[flow]],
            flows.name(int(flow)),
            *(int(verdicts[name][row]) for name in names),
            classes[int(verdicts["class"][row])] if classes else None,
            int(verdicts["score"][row]),
        )
        for row, flow in enumerate(replay["flows"])
    )
    return ("capture", "flow", *names, "class", "score"), rows
