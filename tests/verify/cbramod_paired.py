"""Pre-trained against from scratch, paired by fold and seed, out of a group of finished jobs.

    python -m tests.verify.cbramod_paired OUT [METRIC]

OUT is what `python -m engine run cbramod --seeds … --set scratch_beside=true --out OUT` left.
Prints one line of JSON: each model's mean, and of pre-trained minus each other model the mean
difference with half of its 95 % interval, which allows for what folds share
(engine/methods/cbramod/intervals.py).
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from statistics import fmean

from engine.methods.cbramod.intervals import paired
from engine.methods.cbramod.judgement import TITLES


def main(out: Path, metric: str = "balanced_accuracy") -> None:
    found: dict[str, dict[tuple[str, int], float | None]] = {}
    for number, result in enumerate(sorted(out.glob("seed-*/result.json"))):
        with (result.parent / "tables/folds.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["model"], {})[row["fold"], number] = float(row[metric])
    ours = found.pop(TITLES["pretrained"])
    told = {model: paired(ours, values) for model, values in found.items()}
    means = {model: round(fmean(values.values()), 4) for model, values in found.items()}
    means[TITLES["pretrained"]] = round(fmean(ours.values()), 4)
    line = {"metric": metric, "pairs": len(ours), "means": means, "lead_over": told}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
