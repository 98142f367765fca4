"""JSON Lines: an object per line, whose fields are columns. And one array of such objects."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data import strict_json
from engine.data.kind import Report
from engine.data.text.files import Lines, rows_named, shown
from engine.data.text.sheet import Sheet, bounded, checked_names

EXPECTED = "an object of fields"
FIELDS = 8  # that a message names
_LONE = re.compile(r"[\ud800-\udfff]")
_TITLES = {str: "text", bool: "true or false", int: "a number", float: "a number",
           list: "a list", dict: "an object", type(None): "null"}  # fmt: skip

Record = tuple[int, dict[str, Any]]


def read_jsonl(lines: Lines, report: Report) -> Sheet | None:
    """Empty lines, and those that begin with #, are skipped. Each row that is broken is an error
    of the report; None where no other is left."""
    blank = sum(not text.strip() for text in lines.texts)
    comments = [row for row, text in enumerate(lines.texts, 1) if text.lstrip().startswith("#")]
    if blank:
        report.ok(lines.name, f"{counted(blank, 'empty line')} skipped")
    if comments:
        report.warn(
            lines.name, f"{counted(len(comments), 'comment')} skipped: {rows_named(comments)}"
        )
    return _sheet(lines.name, _parsed(lines, report), report)


def read_array(lines: Lines, report: Report) -> Sheet | None:
    """One JSON array; a row's number is its place in it, from 1."""
    raw = "\n".join(lines.texts).encode()
    expected = f"an array, each of it {EXPECTED}"
    found = strict_json.read(raw, lines.name, expected=expected, finite=True)
    if not isinstance(found, list):
        raise UserError(lines.name, f"{_TITLES[type(found)]}; expected {expected}, or a line each")
    report.ok(lines.name, f"a JSON array, read as {counted(len(found), 'row')}")
    return _sheet(lines.name, iter(enumerate(found, 1)), report)


def _parsed(lines: Lines, report: Report) -> Iterator[tuple[int, Any]]:
    for row, text in enumerate(lines.texts, 1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        try:
            raw = text.encode()
            yield row, strict_json.read(raw, lines.name, expected=EXPECTED, finite=True, line=row)
        except UserError as fault:
            report.error(fault.where, f"row {row}: {fault.expected}")


def _sheet(where: str, found: Iterator[tuple[int, Any]], report: Report) -> Sheet | None:
    records = list(_objects(where, found, report))
    if not records:
        if not report.failed:
            report.error(where, f"no row; expected {EXPECTED}")
        return None
    bounded(len(records), where)
    names = list(dict.fromkeys(name for _, one in records for name in one))
    columns = checked_names(names, where)
    rows = [[_cell(one.get(name)) for name in names] for _, one in records]
    for at, name in enumerate(names):
        _tell_column(where, columns[at], name, records, report)
    _refuse_lone(where, rows, records, report)
    report.ok(where, f"{counted(len(rows), 'row')} of JSON")
    return Sheet(where, columns, rows, [row for row, _ in records])


def _objects(where: str, found: Iterator[tuple[int, Any]], report: Report) -> Iterator[Record]:
    """Objects that have a field of the first one at least; all else is an error."""
    first: Record | None = None
    for row, one in found:
        if not isinstance(one, dict) or not one:
            what = "an empty object" if one == {} else _TITLES[type(one)]
            report.error(where, f"row {row}: {what}; expected {EXPECTED}")
            continue
        first = first or (row, one)
        if one.keys().isdisjoint(first[1]):
            report.error(
                where,
                f"row {row}: fields {_listed(one)}; expected {_listed(first[1])}, as in row "
                f"{first[0]}",
            )
            continue
        yield row, one


def _listed(fields: dict[str, Any]) -> str:
    more = f" and {len(fields) - FIELDS} more" if len(fields) > FIELDS else ""
    return ", ".join(shown(name, 30) for name in list(fields)[:FIELDS]) + more


def _cell(value: Any) -> str:
    """Texts as they are, null as no cell, and all else as JSON writes it."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _tell_column(where: str, title: str, name: str, records: list[Record], report: Report) -> None:
    """What is not there, and what is of another type than texts in a column that has some."""
    missing = [row for row, one in records if name not in one]
    if missing:
        count = counted(len(missing), "row")
        report.ok(where, f"{shown(title)}: missing in {count}: {rows_named(missing)}")
    rows = defaultdict(list)
    for row, one in records:
        if name in one:
            rows[_TITLES[type(one[name])]].append(row)
    nested = {"a list", "an object"} & rows.keys()
    if nested == rows.keys():
        report.ok(where, f"{shown(title)}: lists or objects, kept as JSON")
        return
    for what, some in rows.items():
        named = f"{shown(title)}: {what} in {counted(len(some), 'row')}: {rows_named(some)}"
        if what in nested:
            report.error(where, f"{named}; expected a text")
        elif what == "null":
            report.ok(where, f"{named}; taken as empty")
        elif what != "text" and "text" in rows:
            report.warn(where, f"{named}, among texts; kept as written")


def _refuse_lone(where: str, rows: list[list[str]], records: list[Record], report: Report) -> None:
    """Halves of surrogate pairs, which JSON can escape and no encoding can hold."""
    for (row, _), cells in zip(records, rows, strict=True):
        if any(map(_LONE.search, cells)):
            report.error(where, f"row {row}: half of a surrogate pair (\\ud800 to \\udfff) alone")
