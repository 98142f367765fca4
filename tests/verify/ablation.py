"""What each part of GAgN is worth: each switched off alone, on four graphs, five seeds each.

    python -m tests.verify.ablation FOLDER OUT

FOLDER is that of the graphs; OUT keeps a group of jobs per graph and part, and goes on where it was
stopped. Prints the table of docs/results/gagn.md and writes the figure beside it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.verify.door import ROOT, group

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
    found: dict[str, list[dict[str, Any]]] = {}
    for part, setting in PARTS.items():
        found[part] = []
        for name, rate in GRAPHS.values():
            place = Path(out) / f"{name}-{rate}-{setting or 'defaults'}"
            settings = ["baselines=", *([setting] if setting else [])]
            result = group(Path(folder), place, name=name, rate=rate, settings=settings)
            found[part].append(result)
    sys.stdout.write(table(found) + "\n")
    FIGURE.write_text(json.dumps(figure(found), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
