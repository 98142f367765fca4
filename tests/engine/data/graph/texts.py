"""A small graph in text files, and what its check says."""

from __future__ import annotations

from pathlib import Path

from engine.data.graph import io
from tests.engine.data.making import folder_of, report_on, said

EDGES = "0,1\n1,2\n2,3\n"
FEATURES = "1,0\n0,1\n1,0\n0,1\n"
LABELS = "0\n0\n1\n1\n"
CHAIN = [[0, 1], [1, 2], [2, 3]]


def three(
    folder: Path, edges: str = EDGES, features: str | None = FEATURES, labels: str | None = LABELS
) -> Path:
    files = {"edges.csv": edges, "features.csv": features, "labels.csv": labels}
    given_files = {name: text for name, text in files.items() if text is not None}
    return folder_of(folder / "graph", given_files)


def errors_of(path: Path) -> str:
    return said(report_on(io, path), "error")


def warnings_of(path: Path) -> str:
    return said(report_on(io, path), "warning")
