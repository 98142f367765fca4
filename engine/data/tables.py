"""A table of CSV or TSV that lies beside data: labels, participants, events."""

from __future__ import annotations

import csv
import io

from engine.core.errors import UserError
from engine.data.archive import Member, refuse_foreign

Row = dict[str, str]

MAX_TABLE = 16 << 20  # bytes
MAX_ROWS = 200_000


def read_table(member: Member) -> tuple[Row, ...]:
    """Rows by the header's names; a cell that is missing is an empty text."""
    refuse_foreign(member.head(), member.name)
    try:
        text = member.read(MAX_TABLE).decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise UserError(
            member.name, f"not UTF-8 at byte {fault.start}; save the file as UTF-8"
        ) from fault
    if "\0" in text:
        raise UserError(member.name, "NUL bytes; expected a table of text")
    first = text.split("\n", 1)[0]
    separator = "\t" if member.name.lower().endswith(".tsv") else separator_of(first)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        head = [cell.strip() for cell in next(lines, [])]
        rows = []
        for cells in lines:
            if not any(cells):
                continue
            if len(cells) > len(head):
                raise UserError(
                    member.name,
                    f"row {lines.line_num}: {len(cells)} cells; expected {len(head)} as the header",
                )
            cells += [""] * (len(head) - len(cells))
            rows.append(dict(zip(head, (cell.strip() for cell in cells), strict=True)))
            if len(rows) > MAX_ROWS:
                raise UserError(member.name, f"over {MAX_ROWS:,} rows, which is the most allowed")
    except csv.Error as fault:
        raise UserError(
            member.name, f"row {lines.line_num}: {words_of(fault)}; expected a table of text"
        ) from fault
    return tuple(rows)


def words_of(fault: csv.Error) -> str:
    """What the csv module says, in letters: it repeats a tab as it is."""
    return str(fault).replace("\t", "\\t")


def separator_of(line: str) -> str:
    return next((mark for mark in ("\t", ";", ",") if mark in line), ",")
