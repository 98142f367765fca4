"""Flat-LoRA's protocol on four public tasks: paired seeds, each test part read once.

    python -m tests.verify.flat_lora_protocol TEXTS OUT [--tasks cola,trec] [--choose]

TEXTS is the folder of the tables (docs/results/flat_lora.md says which), OUT where the jobs go. A
job that is there already is gone on with or taken as it is, so that the whole may be stopped and
started again. With `--choose` only validation is looked at: one step size out of a grid, by LoRA,
then one ρ; without it these are read from OUT/chosen.json. Prints one line of JSON per task.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core.group import half_interval

RATES = (5e-4, 1e-3, 2e-3)
RHOS = (0.05, 0.1, 0.2)
CONTROL = 0.3  # an arm that no fake passes: E-sharpness at σ = .3 must fall


@dataclass(frozen=True)
class Task:
    files: dict[str, str]
    epochs: int
    score: str
    seeds: str = "0-4"
    more: dict[str, str] = field(default_factory=dict)


TASKS = {
    "sst2": Task({"data": "sst2_train.txt", "dev": "sst2_dev.txt", "test": "sst2_test.txt"}, 1,
                 "accuracy"),
    "cola": Task({"data": "cola_train.tsv", "test": "cola_dev.tsv"}, 3, "mcc", "0-9",
                 {"dev_rows": "1000"}),
    "mrpc": Task({"data": "mrpc_train.txt", "test": "mrpc_test.txt"}, 3, "f1"),
    "trec": Task({"data": "trec_train.txt", "test": "trec_test.txt"}, 2, "accuracy"),
}  # fmt: skip
QUIET = {"hessian": "false", "landscape": "", "save_model": "false", "look_every": "0"}
JUDGED = {"probe": "512", "draws": "20", "sigmas": "0.1,0.3"}
UNJUDGED = {"probe": "8", "draws": "2", "sigmas": "0.3"}


def job(texts: Path, out: Path, task: Task, seeds: str, settings: dict[str, Any]) -> list[dict]:
    """The summaries of a group's seeds."""
    if not (out / "result.json").is_file():
        command = [sys.executable, "-m", "engine", "run", "flat_lora", "--out", str(out)]
        command += ["--seeds", seeds, "--threads", "1"]
        command += ["--resume"] if out.exists() else []
        for name, file in task.files.items():
            command += ["--input", f"{name}={texts / file}"]
        for name, value in {**QUIET, **task.more, "epochs": task.epochs, **settings}.items():
            command += ["--set", f"{name}={value}"]
        out.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, check=True)
    return [
        json.loads(path.read_text())["summary"] for path in sorted(out.glob("seed-*/result.json"))
    ]


def choose(texts: Path, out: Path, name: str) -> dict[str, float]:
    """Step size by LoRA, then ρ, both by the mean validation score of two seeds."""
    task = TASKS[name]

    def score(where: str, variant: str, **settings: Any) -> float:
        found = job(texts, out / name / where, task, "0-1", {**UNJUDGED, "variants": variant,
                                                            **settings})  # fmt: skip
        return sum(one[f"{variant}.dev_{task.score}"] for one in found) / len(found)

    rate = max(RATES, key=lambda lr: score(f"choose/lr-{lr:g}", "lora", lr=lr))
    rho = max(RHOS, key=lambda rho: score(f"choose/rho-{rho:g}", "flat", lr=rate, rho=rho))
    return {"lr": rate, "rho": rho}


def judge(texts: Path, out: Path, name: str, lr: float, rho: float) -> dict[str, Any]:
    task = TASKS[name]
    both = job(texts, out / name / "paired", task, task.seeds,
               {**JUDGED, "variants": "flat,lora", "lr": lr, "rho": rho})  # fmt: skip
    control = job(texts, out / name / "control", task, "0-4",
                  {**JUDGED, "variants": "flat", "lr": lr, "rho": CONTROL})  # fmt: skip
    told: dict[str, Any] = {"task": name, "seeds": len(both), "lr": lr, "rho": rho}
    for key in ("accuracy", task.score, "e_sharpness"):
        pairs = [one[f"flat.{key}"] - one[f"lora.{key}"] for one in both]
        told[key] = {
            variant: round(sum(one[f"{variant}.{key}"] for one in both) / len(both), 4)
            for variant in ("flat", "lora")
        }
        told[key] |= {"difference": round(sum(pairs) / len(pairs), 4),
                      "ci95": round(half_interval(pairs) or float("nan"), 4)}  # fmt: skip
    last = "e_sharpness.test.at30"
    told["control"] = [
        round(one[f"flat.{last}"] / pair[f"lora.{last}"] - 1, 3)
        for one, pair in zip(control, both, strict=False)
    ]
    return told


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("texts", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--choose", action="store_true")
    asked = parser.parse_args()
    place = asked.out / "chosen.json"
    chosen = json.loads(place.read_text()) if place.is_file() else {}
    for name in asked.tasks.split(","):
        if asked.choose:
            chosen[name] = choose(asked.texts, asked.out, name)
            place.write_text(json.dumps(chosen, indent=1) + "\n")
            told: dict[str, Any] = {"task": name, **chosen[name]}
        else:
            values = chosen.get(name, {"lr": 1e-3, "rho": 0.05})  # the method's defaults
            told = judge(asked.texts, asked.out, name, **values)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
