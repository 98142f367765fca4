"""Kaleidoscope's families and the forest on the supplied captures, over the nine fixed folds.

    python -m tests.verify.kaleidoscope_accuracy FOLDER NAME … [--inner] [--by flow] [--set K=V …]

FOLDER is the traffic data's. NAME is a family, `forest` or `forest:READS:BYTES`, or `anomaly`. One
line of JSON each: the means over the folds and each fold's. With `--inner` the tested captures of
three of the folds are never looked at: their training parts are split by capture once more, which
is how settings are chosen.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from engine.data.traffic.io import load
from engine.data.traffic.traffic import Traffic
from engine.methods.kaleidoscope import metrics
from engine.methods.kaleidoscope.baselines import forest
from engine.methods.kaleidoscope.families import FAMILIES
from engine.methods.kaleidoscope.families.base import Family
from engine.methods.kaleidoscope.folds import STATES, Fold, folds, nine, normal_folds
from engine.methods.kaleidoscope.integer import golden
from engine.methods.kaleidoscope.samples import Samples, read, samples
from engine.methods.kaleidoscope.train import SETTINGS, Settings, fit

SCHEME, ATTACK, NORMAL = "class11", "WebattackRCE.pcap", "HTTP"
INNER = 7  # the state of the split inside a training part


@cache
def traffic(folder: Path) -> Traffic:
    return load(folder / "ndpi", folder / "labels.csv")


def chosen(folder: Path, reads: str, inputs: int) -> Samples:
    found = traffic(folder)
    return samples(found, found.labels[SCHEME], reads=reads, inputs=inputs)


def parts(known: Samples, *, by: str = "capture", inner: bool = False) -> Iterator[Fold]:
    """The nine folds; or those inside the training parts of the first three."""
    if not inner:
        yield from nine(known.labels, known.captures, by=by)
        return
    for train, _ in folds(known.labels, known.captures, state=STATES[0], by=by):
        some = known.part(train)
        for one, other in folds(some.labels, some.captures, state=INNER, by=by):
            yield train[one], train[other]


def answered(family: Family, data: np.ndarray) -> np.ndarray:
    return family(torch.from_numpy(data.copy())).argmax(dim=1).numpy()


def family_row(folder: Path, name: str, *, settings: Settings | None = None, **how: Any) -> dict:
    """float, ptq and qat: accuracy and macro-F1; and how many int8 logits of the golden model
    differ from those of the network in integers."""
    torch.set_num_threads(1)
    kind = FAMILIES[name]
    known = chosen(folder, kind.reads, kind.inputs)
    found: list[dict[str, Any]] = []
    for number, (train, test) in enumerate(parts(known, **how)):
        began = time.monotonic()
        trained = fit(
            name,
            known.data[train],
            known.labels[train],
            known.classes,
            seed=number,
            settings=settings,
        )
        seconds = time.monotonic() - began
        data, labels = known.data[test], known.labels[test]
        one = {"seconds": round(seconds, 1)}
        for kind_of, family in (
            ("float", trained.floating),
            ("ptq", trained.rounded),
            ("qat", trained.aware),
        ):
            one[kind_of] = metrics.classification(labels, answered(family, data))
        trace = golden(trained.aware.network(name), data)
        same = trained.aware.signal(torch.from_numpy(data.copy())).values.numpy()
        one["mismatches"] = int((trace.outcome != same).sum())
        found.append(one)
    return {"name": name, **how, **_means(found, ("float", "ptq", "qat"))}


def forest_row(folder: Path, reads: str = "first", inputs: int = 32, **how: Any) -> dict:
    known = chosen(folder, reads, inputs)
    found = []
    for train, test in parts(known, **how):
        model = forest.fit(known.data[train], known.labels[train], seed=0)
        answers = forest.answers(model, known.data[test])
        found.append({"forest": metrics.classification(known.labels[test], answers)})
    return {"name": f"forest:{reads}:{inputs}", **how, **_means(found, ("forest",))}


def plain_scores(train: np.ndarray, tested: np.ndarray, *, seed: int) -> np.ndarray:
    """The brief's autoencoder and nothing of ours: 64 -> 32 -> 8 -> 32 -> 64 in float32, bytes over
    128, 300 epochs of Adam on the L1 distance. Bytes (n, 64); returns (n,) distances."""
    torch.manual_seed(seed)
    sizes = (train.shape[1], 32, 8, 32, train.shape[1])
    layers = [torch.nn.Linear(before, after) for before, after in pairwise(sizes)]
    model = torch.nn.Sequential(*(part for one in layers for part in (one, torch.nn.ReLU())))[:-1]
    known, asked = (torch.from_numpy(part >> 1).float() / 128 for part in (train, tested))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(300):
        for rows in torch.randperm(len(known)).split(32):
            optimizer.zero_grad()
            F.l1_loss(model(known[rows]), known[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        return (model(asked) - asked).abs().sum(dim=1).numpy()


def anomaly_row(folder: Path, *, settings: Settings | None = None, inner: bool = False) -> dict:
    """AUROC of attacks against normal flows of captures that were not trained on: the autoencoder
    as floats, rounded and trained with rounding, and `plain` that of the brief, which says what
    these captures admit. `bound` is a forest that has seen attacks; it is split by flow, since all
    attacks lie in one capture, and so is no fair rival."""
    torch.set_num_threads(1)
    found = traffic(folder)
    labels = found.labels[SCHEME]
    http = labels.codes == labels.classes.index(NORMAL)
    attack = found.flows.capture == found.capture_names.index(ATTACK)
    data = read(found.flows, "first", FAMILIES["autoencoder"].inputs)
    usable = http & found.flows.with_payload
    normal, attacks = data[usable & ~attack], data[usable & attack]
    captures = found.flows.capture[usable & ~attack]
    rows = []
    for state in STATES:
        for number, (train, test) in enumerate(normal_folds(captures, state=state)):
            tested = normal[test]
            if inner:  # a part of what trains stands for what is tested
                one, other = normal_folds(captures[train], state=INNER)[0]
                train, tested = train[one], normal[train[other]]
            trained = fit(
                "autoencoder",
                normal[train],
                None,
                (),
                seed=state * 3 + number,
                settings=settings,
            )
            both = torch.from_numpy(np.concatenate([tested, attacks]))
            anomalous = np.arange(len(both)) >= len(tested)
            row: dict[str, Any] = {}
            for kind_of, family in (
                ("float", trained.floating),
                ("ptq", trained.rounded),
                ("qat", trained.aware),
            ):
                scores = family.scores(both).numpy()
                caught = scores > family.threshold
                row[kind_of] = {
                    "auroc": metrics.auroc(anomalous, scores),
                    "false_alarms": float(caught[~anomalous].mean()),
                    "caught": float(caught[anomalous].mean()),
                }
            plain = plain_scores(normal[train], both.numpy(), seed=state * 3 + number)
            row["plain"] = {"auroc": metrics.auroc(anomalous, plain)}
            trace = golden(trained.aware.network("autoencoder"), both.numpy())
            row["mismatches"] = int((trace.outcome != trained.aware.scores(both).numpy()).sum())
            rows.append(row)
    whole = np.concatenate([normal, attacks])
    anomalous = np.arange(len(whole)) >= len(normal)
    bound = []
    for train, test in folds(anomalous.astype(int), np.zeros(len(whole)), state=0, by="flow"):
        model = forest.fit(whole[train], anomalous[train], seed=0)
        bound.append(metrics.auroc(anomalous[test], model.predict_proba(whole[test])[:, 1]))
    sizes = {"normal": len(normal), "attacks": len(attacks)}
    means = _means(rows, ("float", "ptq", "qat", "plain"))
    return {"name": "anomaly", **sizes, **means, "bound": round(float(np.mean(bound)), 4)}


def _means(found: list[dict[str, Any]], kinds: tuple[str, ...]) -> dict[str, Any]:
    means: dict[str, Any] = {}
    for kind_of in kinds:
        for key in found[0][kind_of]:
            values = [one[kind_of][key] for one in found]
            means[f"{kind_of}.{key}"] = round(float(np.mean(values)), 4)
            means[f"{kind_of}.{key}.folds"] = [round(value, 3) for value in values]
    if "mismatches" in found[0]:
        means["mismatches"] = sum(one["mismatches"] for one in found)
    if "seconds" in found[0]:
        means["seconds"] = max(one["seconds"] for one in found)
    return means


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("folder", type=Path)
    given.add_argument("names", nargs="+")
    given.add_argument("--inner", action="store_true")
    given.add_argument("--by", default="capture")
    given.add_argument("--set", nargs="*", default=[])
    asked = given.parse_args()
    for name in asked.names:
        key = "autoencoder" if name == "anomaly" else name
        changes = {k: json.loads(v) for k, v in (one.split("=") for one in asked.set)}
        settings = replace(SETTINGS.get(key, Settings()), **changes)
        how = {"by": asked.by, "inner": asked.inner}
        if name.startswith("forest"):
            _, reads, inputs = name.split(":") if ":" in name else ("", "first", "32")
            row = forest_row(asked.folder, reads, int(inputs), **how)
        elif name == "anomaly":
            row = anomaly_row(asked.folder, settings=settings, inner=asked.inner)
        else:
            row = family_row(asked.folder, name, settings=settings, **how)
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
