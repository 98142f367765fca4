"""From a file, a folder or a zip to one table: every layout, and the parts."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member, open_source
from engine.data.kind import Report
from engine.data.parts import PARTS, part_of
from engine.data.text.delimited import read_delimited
from engine.data.text.files import FEW, LIMITS, Lines, read_lines, shown, tables_of
from engine.data.text.jsonl import read_array, read_jsonl
from engine.data.text.prose import read_prose
from engine.data.text.roles import guessed, is_known
from engine.data.text.sheet import Sheet, bounded
from engine.data.text.table import Roles, Stretch, Texts

_JSON = (".jsonl", ".ndjson", ".json")
_OBJECT = re.compile(r'\s*\{\s*"')


def read_texts(path: Path, report: Report) -> Texts | None:
    """Faults of rows are errors of the report; None where these leave nothing of a table."""
    path = Path(path)
    with open_source(path, LIMITS) as source:
        tables, others = tables_of(source)
        if others:
            report.ok(source.name, f"no tables, left out: {_names(others)}")
        if not tables:
            raise UserError(
                source.name, "no table among its files; expected .csv, .tsv, .txt, .jsonl or .json"
            )
        parts = _parts(tables, source.name, report)
        tables.sort(key=lambda member: PARTS.index(parts.get(member.name, "train")))
        read = [read_sheet(member, report) for member in tables if member.name in parts]
        name = source.name
    sheets = [sheet for sheet in read if sheet is not None]
    if len(sheets) < len(read):
        return None
    bounded(sum(len(sheet.rows) for sheet in sheets), name)
    _refuse_other_columns(sheets)
    return _joined(name, sheets, parts, report)


def read_sheet(member: Member, report: Report) -> Sheet | None:
    """One file, by its suffix and by what it begins with."""
    suffix = member.name.rpartition(".")[2].lower()
    lines = read_lines(member, report, only_utf8=f".{suffix}" in _JSON)
    first = next(text for text in lines.texts if text.strip())
    if lines.suffix == ".json" and first.lstrip().startswith("["):
        return read_array(lines, report)
    if lines.suffix in _JSON or _OBJECT.match(first):
        return read_jsonl(lines, report)
    if lines.suffix in (".tsv", ".tab"):
        return read_delimited(lines, report, "\t")
    if lines.suffix == ".csv":
        return read_delimited(lines, report, ",;\t|")
    mark = _parted_by(lines, first)
    return read_delimited(lines, report, mark) if mark else read_prose(lines, report)


def _parted_by(lines: Lines, first: str) -> str | None:
    """The separator of a .txt that is a table: tabs in every line, or a header of known names."""
    there = [text for text in lines.texts if text.strip()]
    if "\t" in first and all("\t" in text for text in there):
        return "\t"
    for mark in ",;":
        cells = first.split(mark)
        if len(cells) > 1 and all(cell.strip() for cell in cells) and all(map(is_known, cells)):
            return mark
    return None


def _names(members: list[Member]) -> str:
    more = f" and {len(members) - FEW:,} more" if len(members) > FEW else ""
    return ", ".join(shown(member.name) for member in members[:FEW]) + more


def _parts(tables: list[Member], where: str, report: Report) -> dict[str, str]:
    """The part of each table that is read. One alone is "train" whatever it is called; where some
    have a part in their name, those without are left out."""
    if len(tables) == 1:
        return {tables[0].name: "train"}
    told = {member.name: part_of(member.name) for member in tables}
    parts = {name: part for name, part in told.items() if part}
    if not parts:
        report.ok(where, f"{len(tables)} tables, whose names tell no part: all are train")
        return dict.fromkeys(told, "train")
    left_out = [member for member in tables if member.name not in parts]
    if left_out:
        report.warn(where, f"names without train, dev or test, left out: {_names(left_out)}")
    return parts


def _refuse_other_columns(sheets: list[Sheet]) -> None:
    first = sheets[0]
    for sheet in sheets[1:]:
        if sheet.names != first.names or sheet.width != first.width:
            raise UserError(
                sheet.file, f"{_columns(sheet)}; expected {_columns(first)}, as in {first.file}"
            )


def _columns(sheet: Sheet) -> str:
    if sheet.names is None:
        return f"{sheet.width} columns without a header"
    more = ", …" if len(sheet.names) > 8 else ""
    return "columns " + ", ".join(shown(name, 30) for name in sheet.names[:8]) + more


def _joined(name: str, sheets: list[Sheet], parts: dict[str, str], report: Report) -> Texts:
    cells = tuple(zip(*(row for sheet in sheets for row in sheet.rows), strict=True))
    names = sheets[0].names or tuple(f"column_{at}" for at in range(1, sheets[0].width + 1))
    columns = dict(zip(names, cells, strict=True))
    roles, unsure = guessed(columns)
    if sheets[0].names is None:
        columns, roles = _named_by_role(columns, roles)
    if unsure:
        report.warn(
            name,
            f"which column is the class? {', '.join(shown(one, 30) for one in unsure[:8])} may be: "
            "name it in the job",
        )
    where = tuple(Stretch(sheet.file, np.array(sheet.lines, np.int64)) for sheet in sheets)
    return Texts(name, columns, _rows_of(sheets, parts), where, roles)


def _named_by_role(
    columns: dict[str, tuple[str, ...]], roles: Roles
) -> tuple[dict[str, tuple[str, ...]], Roles]:
    """Columns without names of their own are called as their roles, where they have one."""
    title = {column: role for role, column in roles.named().items()}
    named = {title.get(name, name): cells for name, cells in columns.items()}
    return named, Roles(**{role: role for role in title.values()})


def _rows_of(sheets: list[Sheet], parts: dict[str, str]) -> dict[str, np.ndarray]:
    """The row numbers of each part that there is, in the order train, dev, test."""
    rows: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    start = 0
    for sheet in sheets:
        rows[parts[sheet.file]].append(np.arange(start, start + len(sheet.rows), dtype=np.int64))
        start += len(sheet.rows)
    return {part: np.concatenate(some) for part, some in rows.items() if some}
