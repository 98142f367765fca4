"""`--seeds`: a group, as one ordinary job per seed in DIR/seed-K, and their means in DIR."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from engine.core import group
from engine.core.door import MAX_SEED, requested
from engine.core.errors import UserError
from engine.core.job import EVENTS, REQUEST, RESULT, read_json
from engine.core.plain import write_json
from engine.core.terminal import err

MAX_SEEDS = 1000


def seeds_of(text: str) -> list[int]:
    """The seeds of "0-4", "0,2,5" or "0-2,7"."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low = int(first)
            high = int(last) if dash else low
        except ValueError:
            raise UserError("seeds", f"expected 0-4 or 0,2,5, got {text!r}") from None
        if not 0 <= low <= high <= MAX_SEED or high - low >= MAX_SEEDS:
            raise UserError("seeds", f"rising seeds from 0, got {part.strip()!r}")
        seeds += range(low, high + 1)
    if len(set(seeds)) != len(seeds) or len(seeds) > MAX_SEEDS:
        raise UserError("seeds", f"different seeds, at most {MAX_SEEDS}, got {text!r}")
    return seeds


def run_group(options: argparse.Namespace, seeds: list[int]) -> int:
    """Run what is not done yet, one seed after the other; the first failure ends the group."""
    folder: Path = options.out
    if any((folder / name).exists() for name in (REQUEST, EVENTS)):
        raise UserError("out", f"{folder} holds a single job; name another folder")
    for seed in seeds:
        job = folder / f"seed-{seed}"
        held = any((job / name).exists() for name in (REQUEST, EVENTS, RESULT))
        if held and not options.resume:
            raise UserError("out", f"{job} already holds a job; --resume goes on with it")
        one = argparse.Namespace(**{**vars(options), "seed": seed, "out": job})
        requested(one)  # refuses now what would fail at the last seed
    (folder / RESULT).unlink(missing_ok=True)
    for seed in seeds:
        job = folder / f"seed-{seed}"
        if not (job / RESULT).exists():
            err(f"seed {seed}")
            code = _run_child(_command(options, seed, job))
            if code != 0:
                err(f"seed {seed} ended with exit code {code}; --resume goes on from here")
                return code
    results = [read_json(folder / f"seed-{seed}" / RESULT) for seed in seeds]
    write_json(folder / RESULT, combined(results))
    return 0


def combined(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The group's result: means, spread, and the paired difference to each baseline."""
    first = results[0]
    summaries = [result["summary"] for result in results]
    return {
        "method": first["method"],
        "params": first["params"],
        "seeds": [result["seed"] for result in results],
        "device": first["device"],
        "threads": first["threads"],
        "summary": group.means(summaries),
        "spread": group.spread(summaries),
        "paired": group.paired(summaries),
        "artifacts": _with_seed(results, "artifacts"),
        "verifications": _with_seed(results, "verifications"),
        "environment": first["environment"],
        "seconds": round(sum(result["seconds"] for result in results), 3),
    }


def _with_seed(results: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    found = []
    for result in results:
        for entry in result[key]:
            moved = {"path": f"seed-{result['seed']}/{entry['path']}"} if "path" in entry else {}
            found.append({"seed": result["seed"], **entry, **moved})
    return found


def _command(options: argparse.Namespace, seed: int, job: Path) -> list[str]:
    command = [sys.executable, "-m", "engine", "run", options.method]
    for name in ("input", "set"):
        for value in getattr(options, name):
            command += [f"--{name}", value]
    for name in ("params", "device", "threads", "checkpoint_every"):
        if getattr(options, name) is not None:
            command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    command += ["--seed", str(seed), "--out", str(job)]
    return [*command, "--resume"] if (job / REQUEST).exists() else command


def _run_child(command: list[str]) -> int:
    """Run one job; what we are told by signal is told to it, and it decides how to end."""
    # A group of its own, or a terminal's Ctrl-C would reach it twice.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)

    def forward(signum: int, frame: object) -> None:
        child.send_signal(signum)

    before = {name: signal.signal(name, forward) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        return child.wait()
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
