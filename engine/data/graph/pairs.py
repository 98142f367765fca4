"""Edges in text: two nodes per row, and perhaps a weight. What the nodes mean is `text.py`'s."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member
from engine.data.graph.build import MAX_FAULTS
from engine.data.graph.table import MAX_NAME, NUMBER, SHOWN, Table, columns, is_number, open_table
from engine.data.kind import Report

# 20 million rows are 320 MB of node numbers, and as much again while edges are sorted.
MAX_ROWS = 20_000_000
ENDS = {"source", "target", "src", "dst", "from", "to", "u", "v", "head", "tail"}
ENDS |= {"node1", "node2", "node_1", "node_2", "id1", "id2", "id_1", "id_2", "start", "end"}
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
    table = open_table(member, _is_header, report)
    if table.columns not in (2, 3):
        raise table.fault(
            table.first,
            f"{columns(table.columns)}; expected 2 (two nodes) or 3 (and a weight)",
        )
    if named is None:
        named = not _first_row_is_numbers(table)
    found = _Found()
    plain = _plain(table)
    for row, block in table.blocks():
        if named or not plain.fullmatch(block + b"\n"):
            _careful(table, block, row, found=found, named=named, report=report)
        else:
            _fast(table, block, found)
        if found.rows > MAX_ROWS:
            raise UserError(member.name, f"over {MAX_ROWS:,} rows, which is the most allowed")
    if found.faults > MAX_FAULTS:
        report.error(member.name, f"{found.faults - MAX_FAULTS:,} more rows that are no edges")
    if found.faults:
        return None
    return Pairs(
        where=member.name,
        first_row=table.first,
        ends=np.concatenate(found.ends),
        names=list(found.names) if named else None,
        weights=np.concatenate(found.weights) if found.weights else None,
    )


def _is_header(first: list[str], second: list[str]) -> bool:
    if {cell.lower() for cell in first} & ENDS and not any(map(is_number, first)):
        return True
    return not any(map(is_number, first)) and all(map(is_number, second)) and first != second


def _first_row_is_numbers(table: Table) -> bool:
    row, line = next(table.rows())
    return all(is_number(cell) for cell in table.split(line, row)[:2])


def _plain(table: Table) -> re.Pattern[bytes]:
    """Rows of nothing but node numbers (and weights), which need no closer look."""
    gap = rb"[ \t]*" + re.escape(table.separator) + rb"[ \t]*" if table.separator else rb"[ \t]+"
    weight = gap + NUMBER.encode() if table.columns == 3 else b""
    return re.compile(rb"(?:" + ID + gap + ID + weight + rb"[ \t]*\r?\n)*+")


def _fast(table: Table, block: bytes, found: _Found) -> None:
    spaced = block.replace(table.separator, b" ") if table.separator else block
    kind = np.float64 if table.columns == 3 else np.int64
    values = np.fromstring(spaced.decode("ascii"), dtype=kind, sep=" ").reshape(-1, table.columns)
    found.ends.append(values[:, :2].astype(np.int64))
    if table.columns == 3:
        found.weights.append(values[:, 2])
    found.rows += len(values)


def _careful(
    table: Table, block: bytes, row: int, *, found: _Found, named: bool, report: Report
) -> None:
    """Row by row: names become positions in the order of their coming; faults are told."""
    ends: list[int] = []
    weights: list[float] = []
    for at, line in enumerate(block.split(b"\n"), start=row):
        cells = table.split(line.strip(b" \r"), at)
        fault = _fault(cells, table.columns, named)
        if fault:
            found.faults += 1
            if found.faults <= MAX_FAULTS:
                report.error(table.name, f"row {at}: {fault}")
            continue
        pair = cells[:2]
        ends += (
            (found.names.setdefault(name, len(found.names)) for name in pair)
            if named
            else map(int, pair)
        )
        weights += map(float, cells[2:])
    found.ends.append(np.fromiter(chain(ends), dtype=np.int64, count=len(ends)).reshape(-1, 2))
    if table.columns == 3:
        found.weights.append(np.array(weights))
    found.rows += len(ends) // 2


def _fault(cells: list[str], expected: int, named: bool) -> str | None:
    if len(cells) != expected:
        return f"{columns(len(cells))}, {expected} expected"
    for cell in cells[:2]:
        if not cell:
            return "an empty node; expected an id"
        if len(cell) > MAX_NAME:
            return f"a node's name of {len(cell):,} characters; expected at most {MAX_NAME}"
        if not named and not _ID_TEXT.fullmatch(cell):
            return f"node {cell[:SHOWN]!a} {_why(cell)}"
    if expected == 3 and not is_number(cells[2]):
        return f"weight {cells[2][:SHOWN]!a}; expected a number"
    return None


def _why(cell: str) -> str:
    if is_number(cell) and cell.startswith("-"):
        return "is negative; expected a whole number from 0"
    if is_number(cell) and not cell.isdecimal():
        return "is a decimal; expected a whole number"
    if cell.isdecimal():
        return "has leading zeros or over 15 digits; expected a plain whole number"
    return "is no whole number, as other rows have"
