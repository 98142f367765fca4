"""Approximate Metattack ("Self", A-Meta) beside DeepRobust's, at equal flips and equal threads.

    python -m benchmarks.peers.metattack FOLDER [FLIPS [NODES]]

FOLDER has NAME.npz and NAME_prognn_splits.json; with NODES a part of that many nodes is taken, on
which the peer makes many flips in minutes. Either runs in a process of its own; the peer in an
environment of its own too, installed under var/peers the first time (it needs Python 3.11). Prints
one line of JSON: seconds per flip and their ratio, peak memory, and the test accuracy of a GCN
trained on either graph, means of twenty seeds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from engine.methods.gagn.attacks.victim import edge_pairs, flipped
from engine.methods.gagn.case import Case
from tests.verify.attacked import Gcns, ball, on
from tests.verify.defence_rows import case

HERE = Path(__file__).resolve().parent
PLACE = HERE.parent.parent / "var/peers/deeprobust"
DEEPROBUST = "deeprobust==0.2.11"
THREADS = "2"


def peer_python() -> Path:
    python, ready = PLACE / "bin/python", PLACE / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", PLACE], check=True)
        install = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "--no-deps", DEEPROBUST], check=True)
        subprocess.run([*install, "-r", HERE / "deeprobust.txt"], check=True)
        ready.touch()
    return python


def told(*command: object) -> dict[str, Any]:
    """The line of JSON that a process ends with."""
    environment = {**os.environ, "OMP_NUM_THREADS": THREADS}
    words = [str(word) for word in command]
    done = subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def ours(folder: Path, flips: int, nodes: int) -> dict[str, Any]:
    module = ("-m", "tests.verify.attacked")
    options = ("exact=false", f"nodes={nodes}")
    return told(sys.executable, *module, folder, "metattack", flips, *options)


def theirs(given: Case, flips: int) -> dict[str, Any]:
    split = given.split
    with tempfile.TemporaryDirectory() as scratch:
        graph, out = Path(scratch) / "graph.npz", Path(scratch) / "flips.npy"
        np.savez(
            graph,
            edges=edge_pairs(given.adjacency),
            features=given.features.toarray(),
            labels=given.labels,
            train=split.train,
            val=split.val,
            rest=np.union1d(split.val, split.test),
        )
        found = told(peer_python(), HERE / "deeprobust_metattack.py", graph, out, flips, 0)
        made = np.load(out)
    attacked = on(given, flipped(given.adjacency, made))
    return {**found, "flips": len(made), "poisoning": round(Gcns(attacked).accuracy(), 4)}


def main(folder: str, flips: str = "1", nodes: str = "0") -> None:
    given = case(Path(folder), "0")
    if int(nodes):
        given = ball(given, int(nodes))
    rows = {
        "ours": ours(Path(folder), int(flips), int(nodes)),
        "peer": theirs(given, int(flips)),
    }
    pace = {name: row["seconds"] / row["flips"] for name, row in rows.items()}
    line = {
        "benchmark": "metattack",
        "nodes": given.nodes,
        "edges": given.adjacency.nnz // 2,
        "ratio": round(pace["peer"] / pace["ours"], 1),
        "seconds_per_flip": {name: round(value, 3) for name, value in pace.items()},
        **rows,
        "clean": round(Gcns(given).accuracy(), 4),
    }
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
