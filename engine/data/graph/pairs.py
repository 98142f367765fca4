"""Edges in text: two nodes per row, and perhaps a weight. What the nodes mean is `text.py`'s."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member
from engine.data.graph.build import MAX_FAULTS
from engine.data.graph.ends import Layout, is_header, layout_of
from engine.data.graph.table import MAX_NAME, NUMBER, SHOWN, Table, columns, is_number, open_table
from engine.data.kind import Report

# 20 million rows are 320 MB of node numbers, and as much again while edges are sorted.
MAX_ROWS = 20_000_000
# At most 15 digits: exact in 64-bit floats too, which a column of weights makes of them.
ID = rb"(?:0|[1-9]\d{0,14})"
_ID_TEXT = re.compile(ID.decode())


@dataclass
class Pairs:
    where: str
    first_row: int
    ends: np.ndarray  # (M, 2) int64: node ids, or positions in `names`
    names: list[str] | None  # ids as text, where they are no numbers
    weights: np.ndarray | None
    place: str = "row {}"  # how a message names the edge of a number


@dataclass
class _Found:
    """What the rows so far came to."""

    ends: list[np.ndarray] = field(default_factory=list)
    weights: list[np.ndarray] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    faults: int = 0


def read_pairs(member: Member, report: Report, *, named: bool | None) -> Pairs | None:
    """None after errors. `named`: nodes are named by text; None to tell by the first row."""
    table = open_table(member, is_header, report)
    layout = layout_of(table, report)
    if named is None:
        named = not _first_row_is_numbers(table, layout)
    found = _Found()
    plain = _plain(table, layout)
    for row, block in table.blocks():
        if named or not plain.fullmatch(block + b"\n"):
            _careful(table, layout, block, row, found=found, named=named, report=report)
        else:
            _fast(table, layout, block, found)
        if found.rows > MAX_ROWS:
            raise UserError(member.name, f"over {MAX_ROWS:,} rows, which is the most allowed")
    if found.faults > MAX_FAULTS:
        report.error(member.name, f"{found.faults - MAX_FAULTS:,} more of these")
    if found.faults:
        return None
    return Pairs(
        where=member.name,
        first_row=table.first,
        ends=np.concatenate(found.ends),
        names=list(found.names) if named else None,
        weights=np.concatenate(found.weights) if found.weights else None,
    )


def _first_row_is_numbers(table: Table, layout: Layout) -> bool:
    row, line = next(table.rows())
    cells = table.split(line, row)
    return all(is_number(cells[at]) for at in layout.ends if at < len(cells))


def _plain(table: Table, layout: Layout) -> re.Pattern[bytes]:
    """Rows of nothing but node numbers (and other numbers), which need no closer look."""
    gap = rb"[ \t]*" + re.escape(table.separator) + rb"[ \t]*" if table.separator else rb"[ \t]+"
    cells = [ID if at in layout.ends else NUMBER.encode() for at in range(layout.width)]
    return re.compile(rb"(?:" + gap.join(cells) + rb"[ \t]*\r?\n)*+")


def _fast(table: Table, layout: Layout, block: bytes, found: _Found) -> None:
    spaced = block.replace(table.separator, b" ") if table.separator else block
    kind = np.int64 if layout.width == 2 else np.float64
    values = np.fromstring(spaced.decode("ascii"), dtype=kind, sep=" ").reshape(-1, layout.width)
    found.ends.append(values[:, layout.ends].astype(np.int64))
    if layout.weight is not None:
        found.weights.append(values[:, layout.weight].copy())
    found.rows += len(values)


def _careful(
    table: Table,
    layout: Layout,
    block: bytes,
    row: int,
    *,
    found: _Found,
    named: bool,
    report: Report,
) -> None:
    """Row by row: names become positions in the order of their coming; faults are told."""
    ends: list[int] = []
    weights: list[float] = []
    for at, line in enumerate(block.split(b"\n"), start=row):
        cells = table.split(line.strip(b" \r"), at)
        fault = _fault(cells, layout, named)
        if fault:
            found.faults += 1
            if found.faults <= MAX_FAULTS:
                report.error(table.name, f"row {at}: {fault}")
            continue
        pair = (cells[end] for end in layout.ends)
        ends += (
            (found.names.setdefault(name, len(found.names)) for name in pair)
            if named
            else map(int, pair)
        )
        if layout.weight is not None:
            weights.append(float(cells[layout.weight]))
    found.ends.append(np.fromiter(chain(ends), dtype=np.int64, count=len(ends)).reshape(-1, 2))
    if layout.weight is not None:
        found.weights.append(np.array(weights))
    found.rows += len(ends) // 2


def _fault(cells: list[str], layout: Layout, named: bool) -> str | None:
    if len(cells) != layout.width:
        return f"{columns(len(cells))}, {layout.width} expected"
    for cell in (cells[end] for end in layout.ends):
        if not cell:
            return "an empty node; expected an id"
        if len(cell) > MAX_NAME:
            return f"a node's name of {len(cell):,} characters; expected at most {MAX_NAME}"
        if not named and not _ID_TEXT.fullmatch(cell):
            return f"node {cell[:SHOWN]!a} {_why(cell)}"
    if layout.weight is not None and not is_number(cells[layout.weight]):
        return f"weight {cells[layout.weight][:SHOWN]!a}; expected a number"
    return None


def _why(cell: str) -> str:
    if is_number(cell) and cell.startswith("-"):
        return "is negative; expected a whole number from 0"
    if is_number(cell) and not cell.isdecimal():
        return "is a decimal; expected a whole number"
    if cell.isdecimal():
        return "has leading zeros or over 15 digits; expected a plain whole number"
    return "is no whole number, as other rows have"
