"""Reads a graph out of a file, a folder or a zip: the doorway of this kind."""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import UserError
from engine.data.graph.build import assemble
from engine.data.graph.graph import Graph
from engine.data.graph.npz import read_npz
from engine.data.kind import Report


def check(path: Path, report: Report) -> None:
    _read(path, report)


def load(path: Path) -> Graph:
    report = Report()
    graph = _read(path, report)
    if graph is None:
        fault = next(line for line in report.lines if line.level == "error")
        raise UserError(fault.where, fault.text)
    return graph


def _read(path: Path, report: Report) -> Graph | None:
    parts = read_npz(path, report)
    return assemble(parts, report)
