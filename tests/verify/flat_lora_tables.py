"""The tables of docs/results/flat_lora.md, from the rows that flat_lora_protocol measured.

    python -m tests.verify.flat_lora_tables docs/results/flat_lora.runs.jsonl

An arm is compared with LoRA on the seeds that it has.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from engine.core.group import half_interval

Row = dict[str, Any]
SHARPNESS = "e_sharpness.test.at30"
ON_TRAIN = "e_sharpness.train.at30"
SCORE = {"sst2": "accuracy", "cola": "mcc", "mrpc": "f1", "trec": "accuracy"}  # what chooses
WORDS = {"accuracy": "accuracy", "mcc": "MCC", "f1": "F1"}
FLATNESS = {SHARPNESS: "test", ON_TRAIN: "training"}
TITLES = {"sst2": "SST-2", "cola": "CoLA", "mrpc": "MRPC", "trec": "TREC"}
# ρ of the arms beside the pairs
OTHERS = {"twentieth": 0.05, "tenth": 0.1, "fifth": 0.2, "control": 0.3}
AT = " | ".join(f"at ρ = {f'{noise:g}'[1:]}" for noise in OTHERS.values())
HEAD = f"""\
| task | {{}} | LoRA | Flat-LoRA | {{}} | {AT} |
|---|---|---|---|---|{"---|" * len(OTHERS)}"""
CHOICE = f"""\
| task | validation, mean of five seeds | LoRA | {AT} |
|---|---|---|{"---|" * len(OTHERS)}"""


def difference(flat: Sequence[Row], paired: Sequence[Row], key: str) -> dict[str, float]:
    """An arm of Flat-LoRA minus LoRA, seed by seed: the mean, and half of its 95 % interval."""
    lora = {row["seed"]: row[f"lora.{key}"] for row in paired}
    apart = [row[f"flat.{key}"] - lora[row["seed"]] for row in flat]
    return {"mean": mean(apart), "half": half_interval(apart) or float("nan")}


def fall(flatter: Sequence[Row], paired: Sequence[Row], key: str = SHARPNESS) -> list[float]:
    """By which share E-sharpness at σ = .3 is lower than LoRA's, seed by seed."""
    lora = {row["seed"]: row[f"lora.{key}"] for row in paired}
    return [1 - row[f"flat.{key}"] / lora[row["seed"]] for row in flatter]


def tables(rows: Sequence[Row]) -> str:
    """Scores, E-sharpness with the share by which it is lower in each seed, validation by ρ."""
    tasks = [task for task in TITLES if _arm(rows, task, "paired")]
    scores = [line for task in tasks for line in _lines(rows, task, _scores(task))]
    flatness = [line for task in tasks for line in _lines(rows, task, FLATNESS)]
    return "\n".join([
        HEAD.format("score", "difference, 95 %"), *scores, "",
        HEAD.format("E-sharpness on", "difference, 95 % (lower in each seed by)"), *flatness, "",
        CHOICE, *_by_noise(rows, tasks),
    ])  # fmt: skip


def _scores(task: str) -> dict[str, str]:
    shown = {key: WORDS[key] for key in ("accuracy", SCORE[task])}
    return shown | {f"dev_{SCORE[task]}": "the same, validation"}


def _lines(rows: Sequence[Row], task: str, keys: dict[str, str]) -> Iterator[str]:
    pairs = _arm(rows, task, "paired")
    lr, rho = pairs[0]["lr"], pairs[0]["rho"]
    title = f"{TITLES[task]}: {len(pairs)} pairs, lr {lr:g}, ρ = {_short(f'{rho:g}')}"
    for key, words in keys.items():
        digits = 3 if key in FLATNESS else 4
        means = [mean(row[f"{one}.{key}"] for row in pairs) for one in ("lora", "flat")]
        cells = [title, words, *(_short(f"{value:.{digits}f}") for value in means)]
        cells.append(_compared(pairs, pairs, key, digits))
        for arm, noise in OTHERS.items():
            if noise == rho:
                cells.append("the pairs")
            else:
                cells.append(_compared(_arm(rows, task, arm), pairs, key, digits))
        yield f"| {' | '.join(cells)} |".replace("|  |", "| |")
        title = ""


def _by_noise(rows: Sequence[Row], tasks: Sequence[str]) -> Iterator[str]:
    """Five seeds' validation of LoRA and at each ρ: no row of the test has a part in it."""
    columns: list[list[float | None]] = []
    for task in tasks:
        pairs = _arm(rows, task, "paired")
        scores = [_validated(pairs, "lora", task)]
        for arm, noise in OTHERS.items():
            found = pairs if noise == pairs[0]["rho"] else _arm(rows, task, arm)
            scores.append(_validated(found, "flat", task))
        columns.append(scores)
        yield _line(TITLES[task], WORDS[SCORE[task]], scores)
    means = [None if None in scores else mean(scores) for scores in zip(*columns, strict=True)]
    yield _line(f"mean of {len(tasks)}", "", means)


def _validated(rows: Sequence[Row], variant: str, task: str) -> float | None:
    return mean(row[f"{variant}.dev_{SCORE[task]}"] for row in rows[:5]) if rows else None


def _line(title: str, word: str, scores: Sequence[float | None]) -> str:
    cells = ["not run" if score is None else _short(f"{score:.4f}") for score in scores]
    return f"| {' | '.join([title, word, *cells])} |".replace("|  |", "| |")


def _compared(flat: Sequence[Row], pairs: Sequence[Row], key: str, digits: int) -> str:
    if not flat:
        return "not run"
    found = difference(flat, pairs, key)
    told = _short(f"{found['mean']:+.{digits}f} ± {found['half']:.{digits}f}")
    if key not in FLATNESS:
        return told
    shares = ", ".join(f"{round(share * 100)}" for share in fall(flat, pairs, key))
    return f"{told} ({_short(shares)} %)"


def _arm(rows: Sequence[Row], task: str, arm: str) -> list[Row]:
    found = [row for row in rows if (row["task"], row["arm"]) == (task, arm)]
    return sorted(found, key=lambda row: row["seed"])


def _short(text: str) -> str:
    """Without the nought before a point."""
    return re.sub(r"\b0\.", ".", text).replace("-", "−")


def main() -> None:
    lines = Path(sys.argv[1]).read_text().splitlines()
    sys.stdout.write(tables([json.loads(line) for line in lines]) + "\n")


if __name__ == "__main__":
    main()
