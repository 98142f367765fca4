"""Reads a graph out of a file, a folder or a zip: the doorway of this kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.core.errors import UserError
from engine.data.archive import Source, open_source
from engine.data.graph.build import assemble
from engine.data.graph.graph import Graph
from engine.data.graph.npz import holds_graph, read_npz
from engine.data.graph.table import is_number, open_table
from engine.data.graph.text import read_text, role_of
from engine.data.kind import Report


def sniff(path: Path) -> bool:
    try:
        with open_source(path) as source:
            if not source.single:
                return holds_graph(source) or any(
                    role_of(name) == "edges" for name in source.members
                )
            return _looks_like_edges(source)
    except UserError:
        return False


def check(path: Path, report: Report) -> None:
    _read(path, report)


def load(path: Path) -> Graph:
    report = Report()
    graph = _read(path, report)
    if graph is None:
        raise report.fault()
    return graph


def preview(path: Path) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    from engine.data.graph.picture import picture

    return picture(load(path))


def _read(path: Path, report: Report) -> Graph | None:
    with open_source(path) as source:
        if source.packed and holds_graph(source):
            parts = read_npz(path, report)
        else:
            _refuse_pytorch(source)
            parts = read_text(source, report)
    return None if parts is None else assemble(parts, report)


def _refuse_pytorch(source: Source) -> None:
    if any(name.rsplit("/", 1)[-1] == "data.pkl" for name in source.members):
        raise UserError(
            source.name,
            "a PyTorch file (.pt): it holds a pickle, which is never opened; expected npz or text",
        )
    if source.packed and source.members and all(name.endswith(".npy") for name in source.members):
        there = ", ".join(sorted(name.removesuffix(".npy")[:30] for name in source.members)[:12])
        raise UserError(
            source.name,
            f"an npz of {there}; expected adj_data, adj_indices, adj_indptr and adj_shape, "
            "or a matrix of scipy.sparse.save_npz",
        )


def _looks_like_edges(source: Source) -> bool:
    """Two or three columns, of which the first two rows are no JSON or prose."""
    member = next(iter(source))
    table = open_table(member, lambda first, second: first != second, Report())
    row, line = next(table.rows())
    cells = table.split(line, row)
    return len(cells) in (2, 3) and (role_of(source.name) == "edges" or all(map(is_number, cells)))
