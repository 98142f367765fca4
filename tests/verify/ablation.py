"""What each part of GAgN is worth: each switched off alone, on four graphs, five seeds each.

    python -m tests.verify.ablation FOLDER OUT

FOLDER is that of the graphs; OUT keeps a group of jobs per graph and part, and goes on where it was
stopped. Prints the table of docs/results/gagn.md and writes the figure beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
FIGURE = ROOT / "docs/results/gagn.ablation.json"
GRAPHS = {
    "Cora": ("cora", "0"),
    "Cora, 20 %": ("cora", "0.2"),
    "Cora-ML": ("cora_ml", "0"),
    "Cora-ML, 20 %": ("cora_ml", "0.2"),
}
PARTS = {
    "all on": "",
    "embedding off": "lr_embedding=0",
    "attention off": "lr_attention=0",
    "degree inference off": "degree=false",
    "confidence off": "confidence=false",
    "filter off": "filter=off",
    "fusion off": "fusion=0",
}


def group(folder: Path, out: Path, *, name: str, rate: str, setting: str) -> dict[str, Any]:
    """The result of five seeds with one part set otherwise."""
    place = out / f"{name}-{rate}-{setting or 'defaults'}"
    if not (place / "result.json").exists():
        data = folder / name
        command = [sys.executable, "-m", "engine", "run", "gagn", "--seeds", "0-4"]
        command += ["--input", f"graph={data}/{name}.npz", "--set", "baselines="]
        command += ["--input", f"split={data}/{name}_prognn_splits.json"]
        if rate != "0":
            command += ["--input", f"perturbed={data}/meta/{name}_meta_adj_{rate}.npz"]
        if setting:
            command += ["--set", setting]
        command += ["--out", str(place)] + (["--resume"] if place.exists() else [])
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdin=subprocess.DEVNULL)
    return json.loads((place / "result.json").read_text())


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    lines = ["| | " + " | ".join(GRAPHS) + " |", "|---" * (len(GRAPHS) + 1) + "|"]
    for part, results in found.items():
        setting = f" (`{PARTS[part]}`)" if PARTS[part] else ""
        cells = [
            f"{result['summary']['test_accuracy']:.3f} ± "
            f"{result['spread']['test_accuracy']['ci95']:.3f}"
            for result in results
        ]
        lines.append(f"| {part}{setting} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def figure(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    traces = []
    for at, graph in enumerate(GRAPHS):
        results = [results[at] for results in found.values()]
        half = [round(result["spread"]["test_accuracy"]["ci95"], 4) for result in results]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "orientation": "h",
                "name": graph,
                "y": list(found),
                "x": [round(result["summary"]["test_accuracy"], 4) for result in results],
                "error_x": {"type": "data", "array": half},
                "text": [f"± {value}" for value in half],
            }
        )
    return {
        "title": "What each part of GAgN is worth",
        "unit": "test accuracy, mean of five seeds and its 95 % interval",
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "test accuracy"}},
            "yaxis": {
                "title": {"text": "part"},
                "autorange": "reversed",
                "type": "category",
                "automargin": True,
            },
            "scattermode": "group",
            "height": 520,
        },
    }


def main(folder: str, out: str) -> None:
    found = {
        part: [
            group(Path(folder), Path(out), name=name, rate=rate, setting=setting)
            for name, rate in GRAPHS.values()
        ]
        for part, setting in PARTS.items()
    }
    sys.stdout.write(table(found) + "\n")
    FIGURE.write_text(json.dumps(figure(found), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
