"""Reads a graph out of a file, a folder or a zip: the doorway of this kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from engine.core.errors import UserError
from engine.data.archive import Member, Source, open_source
from engine.data.graph.build import FEW, Parts, assemble
from engine.data.graph.graph import Graph
from engine.data.graph.graphml import begins_graphml, read_graphml
from engine.data.graph.nodelink import begins_node_link, read_node_link
from engine.data.graph.npz import holds_graph, read_npz
from engine.data.graph.planetoid import holds_planetoid, read_planetoid
from engine.data.graph.table import is_number, open_table
from engine.data.graph.text import read_text, role_of
from engine.data.graph.torch_file import read_torch
from engine.data.kind import Report
from engine.data.torch_files import holds_tensors

XML = (".graphml", ".xml")
DOCUMENTS = (*XML, ".json")
_PAPERS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF",
}
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*([{<\[])")


def sniff(path: Path) -> bool:
    try:
        with open_source(path) as source:
            if not source.single and (
                holds_graph(source)
                or holds_tensors(source)
                or holds_planetoid(source)
                or any(role_of(name) == "edges" for name in source.members)
            ):
                return True
            document = _document(source)
            if document is not None:
                return begins_graphml(document) or begins_node_link(document)
            return source.single and _looks_like_edges(source)
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
        parts = _parts(path, source, report)
    return None if parts is None else assemble(parts, report)


def _parts(path: Path, source: Source, report: Report) -> Parts | None:
    if source.packed and holds_graph(source):
        return read_npz(path, report)
    if holds_tensors(source):
        return read_torch(path, source, report)
    if holds_planetoid(source):
        return read_planetoid(source, report)
    _refuse_others(source)
    document = _document(source)
    if document is None:
        return read_text(source, report)
    if document.name.lower().endswith(XML) or _opening(document) == b"<":
        return read_graphml(document, report)
    return read_node_link(document, report)


def _document(source: Source) -> Member | None:
    """The one file that is a whole graph by itself; None for tables of text."""
    if source.single:
        found = [member for member in source if _opening(member)]
    elif any(role_of(name) == "edges" for name in source.members):
        return None
    else:
        found = [member for member in source if member.name.lower().endswith(DOCUMENTS)]
    if len(found) > 1:
        names = ", ".join(member.name for member in found[:FEW])
        raise UserError(source.name, f"{len(found)} graphs ({names}); expected one")
    return found[0] if found else None


def _opening(member: Member) -> bytes:
    """The character that opens a text of XML or JSON; nothing for other texts."""
    match = _MARKUP.match(member.head())
    return match[1] if match else b""


def _refuse_others(source: Source) -> None:
    if source.single and source.name.lower().endswith((".npz", ".zip")):
        head = next(iter(source)).head()
        found = next((title for mark, title in _PAPERS.items() if head.startswith(mark)), None)
        raise UserError(
            source.name, f"{found or 'no archive'}; expected a zip archive, as the name says"
        )
    arrays = all(name.endswith(".npy") for name in source.members)
    if source.packed and arrays and (source.members or source.name.lower().endswith(".npz")):
        there = ", ".join(sorted(name.removesuffix(".npy")[:30] for name in source.members)[:12])
        raise UserError(
            source.name,
            f"an npz of {there or 'no array'}; expected adj_data, adj_indices, adj_indptr and "
            "adj_shape, or a matrix of scipy.sparse.save_npz",
        )


def _looks_like_edges(source: Source) -> bool:
    """Two or three columns, of which the first two rows are no JSON or prose."""
    member = next(iter(source))
    table = open_table(member, lambda first, second: first != second, Report())
    row, line = next(table.rows())
    cells = table.split(line, row)
    return len(cells) in (2, 3) and (role_of(source.name) == "edges" or all(map(is_number, cells)))
