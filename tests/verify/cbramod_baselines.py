"""Baselines on the mental arithmetic set, four folds by subject, as their table has them.

    python -m tests.verify.cbramod_baselines FOLDER NAME SHUFFLE …

FOLDER is the EEG data's. A shuffle deals the 32 subjects anew into four folds; of the 24 that train
five are set aside for validation, which alone chooses settings and epochs. One line of JSON per
shuffle: the metrics of each fold, of all windows together with its interval over subjects, what
validation chose, and the seconds.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.core.seed import numpy_stream, torch_stream
from engine.methods.cbramod import metrics
from engine.methods.cbramod.baselines import Labelled, fit
from engine.methods.cbramod.intervals import over_subjects
from tests.methods.cbramod.recordings import RATE, mental_arithmetic

FOLDS, VALIDATION = 4, 5
Windows = tuple[np.ndarray, np.ndarray, np.ndarray]


def folds(subjects: np.ndarray, shuffle: int) -> list[dict[str, np.ndarray]]:
    """Per fold, which windows (n,) are of which part."""
    people = numpy_stream(shuffle, "folds").permutation(np.unique(subjects))
    found = []
    for tested in np.array_split(people, FOLDS):
        others = people[~np.isin(people, tested)]
        parts = {"test": tested, "val": others[:VALIDATION], "train": others[VALIDATION:]}
        found.append({part: np.isin(subjects, some) for part, some in parts.items()})
    return found


def row(windows: Windows, name: str, shuffle: int) -> dict[str, Any]:
    torch.set_num_threads(1)
    x, y, subjects = windows
    whole, found, chosen, began = np.zeros((len(y), 2)), [], [], time.monotonic()
    for number, part in enumerate(folds(subjects, shuffle)):
        given = [Labelled(x[part[p]], y[part[p]], RATE, 2) for p in ("train", "val")]
        trained = fit(name, *given, generator=torch_stream(shuffle, f"{name}/{number}"))
        whole[part["test"]] = trained.answers(x[part["test"]])
        found.append(metrics.binary(y[part["test"]], whole[part["test"]]))
        chosen.append(dict(trained.settings))
    return {
        "baseline": name,
        "shuffle": shuffle,
        "mean": {key: round(float(np.mean([one[key] for one in found])), 4) for key in found[0]},
        "folds": found,
        "together": metrics.binary(y, whole),
        "interval": {
            "balanced_accuracy": over_subjects(
                lambda labels, scores: metrics.binary(labels, scores)["balanced_accuracy"],
                y,
                whole,
                subjects,
            ),
            "auroc": over_subjects(metrics.auroc, y, whole[:, 1], subjects),
        },
        "chosen": chosen,
        "seconds": round(time.monotonic() - began, 1),
    }


def main(folder: str, name: str, *shuffles: str) -> None:
    windows = mental_arithmetic(Path(folder))
    for shuffle in shuffles:
        sys.stdout.write(json.dumps(row(windows, name, int(shuffle))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
