"""Flat-LoRA's protocol on four public tasks: paired seeds, each test part read once.

    python -m tests.verify.flat_lora_protocol TEXTS ROWS [--tasks cola,trec] [--arms paired]

TEXTS is the folder of the tables (docs/results/flat_lora.md says which). ROWS is a file of JSON
lines, one for each job that ended; a job whose line is there isn't run again, and one that was
stopped goes on, so that the whole may be cut into as many sittings as it takes.

Of each task LoRA's step size is chosen first, then ρ, both by the validation score of one seed and
without a look at the test rows; then Flat-LoRA and LoRA run on the same seeds, and Flat-LoRA at the
other ρ: .05, the default, .1, .2, and .3, which must be flatter. Prints flat_lora_tables at last.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.verify.flat_lora_tables import OTHERS, SCORE, Row, tables

ROOT = Path(__file__).resolve().parent.parent.parent
RATES = (5e-4, 1e-3, 2e-3)
RHOS = (0.05, 0.1, 0.2)
ARMS = {"paired": 0.0, **OTHERS}  # ρ of each; that of the pairs is chosen
WHOLE = ("paired", "twentieth")  # run on all seeds of a task: what was chosen, and the default


@dataclass(frozen=True)
class Task:
    files: dict[str, str]
    epochs: int
    seeds: int = 5
    more: dict[str, str] = field(default_factory=dict)


TASKS = {
    "sst2": Task({"data": "sst2_train.txt", "dev": "sst2_dev.txt", "test": "sst2_test.txt"}, 1),
    "cola": Task({"data": "cola_train.tsv", "test": "cola_dev.tsv"}, 3, 10, {"dev_rows": "1000"}),
    "mrpc": Task({"data": "mrpc_train.txt", "test": "mrpc_test.txt"}, 3),
    "trec": Task({"data": "trec_train.txt", "test": "trec_test.txt"}, 2),
}  # fmt: skip
QUIET = {"hessian": "false", "landscape": "", "save_model": "false", "look_every": "0"}
JUDGED = {"probe": "512", "draws": "20", "sigmas": "0.3"}
UNJUDGED = {"probe": "8", "draws": "2", "sigmas": "0.3"}


@dataclass(frozen=True)
class Protocol:
    texts: Path
    rows: Path

    def known(self) -> list[Row]:
        if not self.rows.is_file():
            return []
        return [json.loads(line) for line in self.rows.read_text().splitlines()]

    def row(self, name: str, arm: str, seed: int, variants: str, **settings: float) -> Row:
        """One job's line: taken from the file, or measured and added to it."""
        key = {"task": name, "arm": arm, "seed": seed, "variants": variants, **settings}
        for row in self.known():
            if key.items() <= row.items():
                return row
        task = TASKS[name]
        out = self.rows.with_suffix(".jobs") / "-".join(map(str, key.values()))
        command = [sys.executable, "-m", "engine", "run", "flat_lora", "--out", str(out)]
        command += ["--seed", str(seed), "--threads", "1", *(["--resume"] if out.exists() else [])]
        for asked, file in task.files.items():
            command += ["--input", f"{asked}={self.texts / file}"]
        looked_at = UNJUDGED if arm in ("rate", "rho") else JUDGED
        settled = {**QUIET, **looked_at, **task.more, "epochs": task.epochs, "variants": variants}
        for setting, value in {**settled, **settings}.items():
            command += ["--set", f"{setting}={value}"]
        out.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, check=True, cwd=ROOT)
        summary = json.loads((out / "result.json").read_text())["summary"]
        unseen = (".accuracy", ".mcc", ".f1", ".test_loss", "e_sharpness")  # in a choice
        row = key | {"commit": _commit()} | {
            metric: value if value is None else float(f"{value:.6g}")
            for metric, value in summary.items()
            if looked_at is JUDGED or not any(part in metric for part in unseen)
        }  # fmt: skip
        with self.rows.open("a") as file:
            file.write(json.dumps(row) + "\n")
        shutil.rmtree(out)
        return row

    def chosen(self, name: str) -> dict[str, float]:
        """Step size by LoRA, then ρ by Flat-LoRA, of the best validation score of seed 0."""
        score = SCORE[name]

        def rate(lr: float) -> float:
            return self.row(name, "rate", 0, "lora", lr=lr)[f"lora.dev_{score}"]

        lr = max(RATES, key=rate)

        def noise(rho: float) -> float:
            return self.row(name, "rho", 0, "flat", lr=lr, rho=rho)[f"flat.dev_{score}"]

        return {"lr": lr, "rho": max(RHOS, key=noise)}

    def measure(self, name: str, arms: Sequence[str] = tuple(ARMS)) -> dict[str, list[Row]]:
        """The rows of each arm that is asked for, after the choice that all of them need."""
        chosen = self.chosen(name)
        found: dict[str, list[Row]] = {}
        for asked in arms:
            arm = "paired" if ARMS[asked] == chosen["rho"] else asked  # the pairs are that arm too
            pairs = arm == "paired"
            variants = "flat,lora" if pairs else "flat"
            settings = chosen if pairs else chosen | {"rho": ARMS[arm]}
            seeds = TASKS[name].seeds if arm in WHOLE else 5
            rows = (self.row(name, arm, seed, variants, **settings) for seed in range(seeds))
            found[asked] = list(rows)
        return found


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(
        asked, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("texts", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--arms", default=",".join(ARMS), help="empty: the choice alone")
    asked = parser.parse_args()
    protocol = Protocol(asked.texts.resolve(), asked.rows.resolve())
    arms = [arm for arm in ARMS if arm in asked.arms.split(",")]
    for name in asked.tasks.split(","):
        protocol.measure(name, arms)
    sys.stdout.write(tables(protocol.known()) + "\n")


if __name__ == "__main__":
    main()
