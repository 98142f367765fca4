"""The walk. Pure numpy; the same seed gives the same numbers, through any number of kills."""

from __future__ import annotations

import json
import os
import signal
import struct
import time
import zlib
from pathlib import Path

import numpy as np

from engine.core.run import Run


def run(run: Run) -> dict[str, float | None]:
    params = run.params
    held = np.ones(params.memory_mb * 131_072)  # 8 bytes each
    data = run.inputs["data"]
    run.phase("prepare")
    offset = float(run.rng("start").normal())
    state = run.restore() or {"step": 0, "value": offset, "path": []}
    value, path = state["value"], state["path"]
    rng = run.rng("walk")
    if state["step"] == 0:
        run.message("walking")

    run.phase("walk", total=params.steps, done=state["step"])
    for step in range(state["step"], params.steps):
        misbehave(run, step)
        stride = float(rng.normal()) if params.mode == "walk" else 0.0
        value += run.params.scale * stride
        path.append(value)
        shown = float("nan") if step == params.nan_at else value
        run.log(step * params.points_per_step, **{"value": shown, "value.2": -value})
        for point in range(1, params.points_per_step):
            run.log(step * params.points_per_step + point, value=value + float(rng.normal()))
        run.advance()
        if params.ignore_cancel:
            continue
        if run.checkpoint_due() or (
            params.checkpoint_each and (step + 1) % params.checkpoint_each == 0
        ):
            keep_walk(run, path)
            run.checkpoint({"step": step + 1, "value": value, "path": path}, step=step)

    run.phase("report")
    report(run, path)
    run.verify("the walk has its length", params.steps, len(path), 0)
    summary: dict[str, float | None] = {
        "value": value,
        "value.2": -value,
        "offset": offset,
        "held": float(held.sum()),
        "size": None if data is None else float(len(data.train)),
    }
    if "flat" in params.baselines:
        summary["baseline.flat.value"] = offset
    return summary


def misbehave(run: Run, step: int) -> None:
    params = run.params
    if params.verbose:
        print(f'{{"t":"m","step":{step}}} a stray line')  # noqa: T201
    if step == params.fail_at:
        raise ZeroDivisionError(f"asked to fail at step {step}")
    if step == params.crash_at:
        os.kill(os.getpid(), signal.SIGKILL)
    if params.seconds_per_step:
        time.sleep(params.seconds_per_step)


def keep_walk(run: Run, path: list[float]) -> None:
    """The walk so far, for what-ifs: written again at each checkpoint."""
    about = {"title": "The walk", "role": "inspector", "media": "application/json"}
    with run.artifact("walk.json", **about) as to:
        to.write_text(json.dumps(path))


def report(run: Run, path: list[float]) -> None:
    keep_walk(run, path)
    with run.artifact("walk.png", title="Picture", role="result", media="image/png") as to:
        write_png(to, path)
    rows = [(step, value, "=cmd" if step == 0 else "plain") for step, value in enumerate(path)]
    run.table("walk", ["step", "value", "note"], rows[:1000], title="The walk as a table")
    trace = {"type": "scatter", "x": list(range(len(path)))[:1000], "y": path[:1000]}
    layout = {"xaxis": {"title": {"text": "step"}}, "yaxis": {"title": {"text": "value"}}}
    run.figure("walk", {"data": [trace], "layout": layout}, title="The walk drawn")


def write_png(to: Path, path: list[float]) -> None:
    """A grey row of pixels, one per step."""
    wide = max(1, min(len(path), 256))
    row = bytes([0]) + bytes(int(abs(value) * 37) % 256 for value in (path or [0.0])[:wide])
    head = struct.pack(">IIBBBBB", wide, 1, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(row)), (b"IEND", b""))
    with to.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for name, body in chunks:
            sum_ = struct.pack(">I", zlib.crc32(name + body))
            file.write(struct.pack(">I", len(body)) + name + body + sum_)
