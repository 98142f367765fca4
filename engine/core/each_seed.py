"""`--seeds`: a group, as one ordinary job per seed in DIR/seed-K, and their means in DIR."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.core import group, seeds
from engine.core.claim import claimed, remove_empty
from engine.core.errors import BAD_INPUT, UserError
from engine.core.job import EVENTS, REQUEST, RESULT, Request, read_json
from engine.core.options import agreed, asked
from engine.core.plain import write_json
from engine.core.terminal import err

GROUP = "group.json"


@dataclass(frozen=True)
class Group:
    """What was asked of a group. `request` is that of its first seed."""

    request: Request
    seeds: list[int]

    def write(self, folder: Path) -> None:
        write_json(folder / GROUP, {**self.request.record(), "seeds": self.seeds})

    @classmethod
    def read(cls, folder: Path) -> Group:
        path = folder / GROUP
        request = Request.read(path)
        try:
            return cls(request, seeds.checked(read_json(path).get("seeds")))
        except UserError as fault:
            raise UserError(f"{path}: {fault.where}", fault.expected) from None

    def of(self, seed: int) -> Request:
        return replace(self.request, seed=seed)


def is_group(folder: Path) -> bool:
    return (folder / GROUP).exists() or any(folder.glob(f"seed-*/{REQUEST}"))


def first_of(folder: Path) -> Path:
    """The folder of a group's first job."""
    return _place(folder, Group.read(folder).seeds[0])


def run_group(options: argparse.Namespace) -> int:
    """Run what is not done yet, one seed after the other; the first failure ends the group."""
    folder: Path = options.out
    whole = _requested(options)
    if (folder / RESULT).exists():
        err(f"{folder}: this group is done already")
        return 0
    whole.write(folder)
    for seed in whole.seeds:
        code = _run_seed(whole.of(seed), _place(folder, seed), options.checkpoint_every)
        if code != 0:
            _say_end(folder, seed, code)
            return code
    results = [read_json(_place(folder, seed) / RESULT) for seed in whole.seeds]
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


def _requested(options: argparse.Namespace) -> Group:
    """The group that the options ask for; with --resume, what the directory recorded."""
    folder: Path = options.out
    if any((folder / name).exists() for name in (REQUEST, EVENTS)):
        raise UserError("out", f"{folder} holds a single job; name another folder")
    if not options.resume:
        if is_group(folder) or (folder / RESULT).exists():
            raise UserError("out", f"{folder} already holds a group; --resume goes on with it")
        chosen = seeds.from_text(options.seeds)
        return Group(replace(asked(options), seed=chosen[0]), chosen)
    if not (folder / GROUP).exists():
        raise UserError("out", f"{folder} holds no group to resume: there is no {GROUP}")
    whole = _agreed(Group.read(folder), options)
    _refuse_strangers(whole, folder)
    return whole


def _agreed(stored: Group, options: argparse.Namespace) -> Group:
    """The recorded group, where the options do not contradict it."""
    shown = ",".join(map(str, stored.seeds))
    if options.seed is not None:
        raise UserError("seed", f"{options.out} holds a group of the seeds {shown}: leave it out")
    if options.seeds is not None and set(seeds.from_text(options.seeds)) != set(stored.seeds):
        raise UserError("seeds", f"this group has {shown}: run a new one")
    return replace(stored, request=agreed(stored.request, options))


def _refuse_strangers(whole: Group, folder: Path) -> None:
    """A job that was started in a seed's place by hand is no part of the group's means."""
    for seed in whole.seeds:
        path = _place(folder, seed) / REQUEST
        if path.exists():
            request = whole.of(seed)  # inputs may have moved, and the device may be another
            held = replace(Request.read(path), inputs=request.inputs, device=request.device)
            if held != request:
                raise UserError("out", f"{path} is not the request of this group: remove that job")


def _place(folder: Path, seed: int) -> Path:
    return folder / f"seed-{seed}"


def _run_seed(request: Request, job: Path, checkpoint_every: float | None) -> int:
    """Run one job to its end, in a process of its own; returns its exit code."""
    if (job / RESULT).exists():
        return 0
    with claimed(job):
        if not (job / REQUEST).exists():
            request.write(job)
    err(f"seed {request.seed}")
    code = _run_child(_command(request, job, checkpoint_every))
    remove_empty([job])  # a job that was refused leaves nothing in it
    return code


def _command(request: Request, job: Path, checkpoint_every: float | None) -> list[str]:
    """The request is in the folder already; only what may have changed since is named."""
    command = [sys.executable, "-m", "engine", "run", request.method.slug, "--resume"]
    command += ["--out", str(job), "--device", request.device]
    for name, path in request.inputs.items():
        command += ["--input", f"{name}={path}"]
    if checkpoint_every is not None:
        command += ["--checkpoint-every", str(checkpoint_every)]
    return command


def _say_end(folder: Path, seed: int, code: int) -> None:
    """Say what is left; a group that was refused before it had a job leaves nothing."""
    said = f"seed {seed} ended with exit code {code}"
    if code == BAD_INPUT and not any(folder.glob("seed-*")):
        (folder / GROUP).unlink()
        err(said)
    else:
        err(f"{said}; --resume goes on from here")


def _run_child(command: list[str]) -> int:
    """Run one job; what we are told by signal is told to it, and it decides how to end."""
    # A group of its own, or a terminal's Ctrl-C would reach it twice.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)

    def forward(signum: int, frame: object) -> None:
        child.send_signal(signum)

    before = {name: signal.signal(name, forward) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = child.wait()
        return code if code >= 0 else 128 - code  # as a shell tells of a signal
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
