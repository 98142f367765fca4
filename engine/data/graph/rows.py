"""Features and labels in text: one row per node, with or without a column of ids."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Member
from engine.data.graph.build import MAX_FAULTS, refuse_excess
from engine.data.graph.graph import UNKNOWN
from engine.data.graph.npz import MAX_FEATURES, MAX_NODES
from engine.data.graph.table import (
    MAX_NAME,
    SHOWN,
    WHOLE_LINE,
    Table,
    columns,
    is_number,
    open_table,
    separator_of,
    spaced_cells,
    unquoted,
)
from engine.data.kind import Report

COUNTED_HEADER = 8  # columns from which "0,1,2,…" in the first row is a header, not data
IDS = {"", "id", "ids", "node", "nodes", "node_id", "nodeid", "node id", "name", "index"}
IDS |= {"paper", "paper_id", "user", "user_id", "key", "vertex"}
LABELS = {"label", "labels", "class", "classes", "y", "target", "category", "subject", "group"}
LONGEST_NAMED = 4 * MAX_NAME + 4  # bytes of a line that is a class's name
WHOLE = re.compile(r"0|[1-9]\d{0,14}")


@dataclass
class Matrix:
    where: str
    first_row: int
    values: csr_array
    ids: np.ndarray | None  # int64 or text
    sorted_by_id: bool = False
    hint: str = ""  # what to say of names that are there twice

    @property
    def rows(self) -> int:
        return self.values.shape[0]

    def reorder(self, order: np.ndarray) -> None:
        self.values, self.ids = csr_array(self.values[order]), self.ids[order]
        self.sorted_by_id = True


@dataclass
class Column:
    where: str
    first_row: int
    values: np.ndarray  # int64, float64 or text
    ids: np.ndarray | None
    sorted_by_id: bool = False
    hint: str = ""

    @property
    def rows(self) -> int:
        return self.values.size

    def reorder(self, order: np.ndarray) -> None:
        self.values, self.ids = self.values[order], self.ids[order]
        self.sorted_by_id = True

    def place(self, at: np.ndarray, nodes: int, report: Report) -> None:
        """Spread the labels over all nodes; nodes without one are of unknown class."""
        if self.rows < nodes:
            report.warn(self.where, f"no label for {counted(nodes - self.rows, 'node')}")
        spread = np.full(nodes, "" if self.values.dtype.kind == "U" else UNKNOWN)
        spread = spread.astype(self.values.dtype)
        spread[at] = self.values
        self.values = spread


@dataclass
class _Faults:
    """Tells the first faults of a file and counts the rest."""

    where: str
    report: Report
    count: int = 0

    def add(self, row: int, text: str) -> None:
        self.count += 1
        if self.count <= MAX_FAULTS:
            self.report.error(self.where, f"row {row}: {text}")
        elif self.count == MAX_FAULTS + 1:
            self.report.error(self.where, f"reading stopped after {MAX_FAULTS} faults")


def read_features(member: Member, report: Report) -> Matrix | None:
    """The features, or None after errors in the report."""
    table = open_table(member, _is_feature_header, report)
    with_ids = _has_ids(table)
    width = table.columns - with_ids
    if not 0 < width <= MAX_FEATURES:
        raise UserError(
            member.name, f"{columns(width)} of features; expected 1 to {MAX_FEATURES:,}"
        )
    faults = _Faults(member.name, report)
    ids: list[str] = []
    places: list[np.ndarray] = []
    values: list[np.ndarray] = []
    counts: list[int] = [0]
    for row, line in table.rows():
        if with_ids:
            name, line = _take_id(table, line, row)
            ids.append(name)
        dense = _digits(table, line)
        if dense is None:
            dense = _numbers(table, line, row, shift=with_ids, faults=faults)
        if dense is not None and dense.size != width:
            faults.add(row, f"{columns(dense.size + with_ids)}, {table.columns} expected")
            dense = None
        if faults.count > MAX_FAULTS:
            break
        if dense is None:
            continue
        places.append(np.flatnonzero(dense).astype(np.int32))
        with np.errstate(over="ignore"):  # infinite here, and refused with its place later
            values.append(dense[places[-1]].astype(np.float32))
        counts.append(counts[-1] + places[-1].size)
        if len(counts) > MAX_NODES + 1:
            raise UserError(member.name, f"over {MAX_NODES:,} rows, which is the most allowed")
        refuse_excess(member.name, counts[-1])
    if faults.count:
        return None
    matrix = csr_array(
        (np.concatenate(values), np.concatenate(places), np.array(counts)),
        shape=(len(counts) - 1, width),
    )
    named = _as_ids(ids, table) if with_ids else None
    return Matrix(member.name, table.first, matrix, named, hint=table.hint)


def read_labels(member: Member, report: Report) -> Column | None:
    """The labels, or None after errors in the report."""
    separator = WHOLE_LINE if _is_column_of_names(member) else None
    table = open_table(member, _is_label_header, report, separator=separator)
    if table.columns > 2:
        expected = "expected 1 (the label) or 2 (node, label)"
        raise table.fault(table.first, f"{columns(table.columns)}; {expected}{table.hint}")
    faults = _Faults(member.name, report)
    ids: list[str] = []
    cells: list[str] = []
    label = -1 if not _label_first(table) else 0
    for row, line in table.rows():
        found = table.split(line, row)
        if len(found) != table.columns:
            faults.add(row, f"{columns(len(found))}, {table.columns} expected{table.hint}")
            continue
        cells.append(found[label])
        if table.columns == 2:
            ids.append(found[-1 - label])
        if len(cells) > MAX_NODES:
            raise UserError(member.name, f"over {MAX_NODES:,} rows, which is the most allowed")
    if faults.count:
        return None
    values = _as_labels(cells, table, faults)
    if values is None:
        return None
    named = _as_ids(ids, table) if ids else None
    return Column(member.name, table.first, values, named, hint=table.hint)


def _is_column_of_names(member: Member) -> bool:
    """Whether the rows are names of classes with spaces inside, as "Case Based".

    They are where they cannot be nodes and labels, and return as classes do: the rows of a
    list of nodes with a fault in it are all different, or nearly.
    """
    lines = _short_lines(member)
    if lines and unquoted(lines[0]).lower() in LABELS:
        lines = lines[1:]
    if not lines or separator_of(lines[0].encode()):
        return False
    rows = [spaced_cells(line) for line in lines]
    firsts = [row[0] if row else "" for row in rows]
    if is_number(firsts[0]):
        return False
    widths = set(map(len, rows))
    nodes_and_labels = widths == {2} and len(set(firsts)) == len(rows)
    return widths != {1} and not nodes_and_labels and 2 * len(set(lines)) <= len(lines)


def _short_lines(member: Member) -> list[str]:
    """All lines below the comments, or none where they are too many or too long for names."""
    lines: list[str] = []
    with member.open() as stream:
        while line := stream.readline(LONGEST_NAMED):
            try:
                text = line.decode("utf-8-sig" if not lines else "utf-8").strip()
            except UnicodeDecodeError:  # told by who reads the rows
                return []
            if len(line) == LONGEST_NAMED or len(lines) == MAX_NODES:
                return []
            if lines or text[:1] not in ("#", "%"):
                lines.append(text)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _is_feature_header(first: list[str], second: list[str]) -> bool:
    if first[0].lower() in IDS and first[0] != second[0]:
        return True
    if len(first) == 1:
        return not is_number(first[0])
    counted = [str(column) for column in range(len(first))]
    if len(first) >= COUNTED_HEADER and first == counted:
        return True
    return not any(map(is_number, first)) and all(map(is_number, second[1:]))


def _has_ids(table: Table) -> bool:
    if table.columns < 2:
        return False
    if table.header and table.header[0].lower() in IDS:
        return True
    row, line = next(table.rows())
    return not is_number(table.split(line, row)[0])


def _take_id(table: Table, line: bytes, row: int) -> tuple[str, bytes]:
    if line.startswith(b'"'):  # and may have the separator inside
        name, *cells = table.split(line, row)
        return name, (table.separator or b" ").join(cell.encode() for cell in cells)
    parts = line.split(table.separator or None, 1)
    return parts[0].decode("utf-8", "replace").strip(), parts[1] if len(parts) > 1 else b""


def _digits(table: Table, line: bytes) -> np.ndarray | None:
    """A row of single digits parted by single separators, without a loop over its cells."""
    cells = np.frombuffer(line, dtype=np.uint8)
    gap = (table.separator or b" ")[0]
    if cells.size % 2 == 0 or (cells[1::2] != gap).any():
        return None
    digits = cells[0::2] - ord("0")  # wraps round below "0"
    return digits if (digits <= 9).all() else None


def _numbers(
    table: Table, line: bytes, row: int, *, shift: int, faults: _Faults
) -> np.ndarray | None:
    cells = table.split(line, row)
    try:
        dense = np.array(list(map(float, cells)))
    except ValueError:
        dense = None
    if dense is not None and np.isfinite(dense).all() and b"_" not in line:
        return dense
    if len(cells) + shift != table.columns:
        faults.add(row, f"{columns(len(cells) + shift)}, {table.columns} expected")
        return None
    wrong = next(
        at for at, cell in enumerate(cells) if not is_number(cell) or not np.isfinite(float(cell))
    )
    shown = cells[wrong][:SHOWN]
    faults.add(row, f"column {wrong + 1 + shift}: {shown!a}; expected a number")
    return None


def _is_label_header(first: list[str], second: list[str]) -> bool:
    names = {cell.lower() for cell in first}
    if names & LABELS and first != second:
        return True
    return not is_number(first[-1]) and is_number(second[-1])


def _label_first(table: Table) -> bool:
    """A header may name the label before the node."""
    if not table.header or table.columns != 2:
        return False
    first, second = (cell.lower() for cell in table.header)
    return first in LABELS and second in IDS


def _as_labels(cells: list[str], table: Table, faults: _Faults) -> np.ndarray | None:
    """Numbers if the first is one, and then all must be; else names."""
    if not is_number(cells[0]):
        for row, cell in enumerate(cells, start=table.first):
            _refuse_long(table, cell, row)
        return np.array(cells)
    for row, cell in enumerate(cells, start=table.first):
        if not is_number(cell):
            faults.add(
                row,
                f"label {cell[:SHOWN]!a}; expected a class number from 0, or -1 for unknown",
            )
    if faults.count:
        return None
    if all(WHOLE.fullmatch(cell.removeprefix("-")) for cell in cells):
        return np.array(cells).astype(np.int64)
    return np.array(list(map(float, cells)))


def _as_ids(ids: list[str], table: Table) -> np.ndarray:
    for row, name in enumerate(ids, start=table.first):
        if not name:
            raise table.fault(row, "an empty id; expected the node's id")
        _refuse_long(table, name, row)
        if is_number(name) and not WHOLE.fullmatch(name) and not name.isdecimal():
            raise table.fault(row, f"id {name[:SHOWN]!a}; expected a whole number from 0 or a name")
    if all(map(WHOLE.fullmatch, ids)):
        return np.array(ids).astype(np.int64)
    return np.array(ids)


def _refuse_long(table: Table, name: str, row: int) -> None:
    if len(name) > MAX_NAME:
        raise table.fault(row, f"a name of {len(name):,} characters; expected at most {MAX_NAME}")
