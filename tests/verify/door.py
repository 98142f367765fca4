"""GAgN with five seeds on a real graph, through the door as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


def group(
    graphs: Path, out: Path, *, name: str, rate: str, settings: Iterable[str] = ()
) -> dict[str, Any]:
    """The result of seeds 0 to 4 on a graph, clean ("0") or after Metattack at a rate.

    `graphs` has a folder per graph. A group that is in `out` already is not run again, and one
    that was stopped goes on.
    """
    if not (out / "result.json").exists():
        folder = graphs / name
        command = [sys.executable, "-m", "engine", "run", "gagn", "--seeds", "0-4"]
        command += ["--out", str(out)] + (["--resume"] if out.exists() else [])
        for setting in settings:
            command += ["--set", setting]
        if (archive := folder / f"{name}.zip").exists():  # its split is drawn by the seed
            command += ["--input", f"graph={archive}"]
        else:
            command += ["--input", f"graph={folder}/{name}.npz"]
            command += ["--input", f"split={folder}/{name}_prognn_splits.json"]
        if rate != "0":
            command += ["--input", f"perturbed={folder}/meta/{name}_meta_adj_{rate}.npz"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdin=subprocess.DEVNULL)
    return json.loads((out / "result.json").read_text())
