"""Tables parted by commas, semicolons, tabs or bars, whose quoting and header are not known.

With quotes as in RFC 4180, and without: what gives every row as many cells as the first is right.
MRPC and ParaDetox have quotes that are no more than letters, a CSV of commas in texts has others.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.kind import Report
from engine.data.tables import words_of
from engine.data.text.files import MAX_LINE, Lines, shown
from engine.data.text.roles import is_known
from engine.data.text.sheet import Sheet, bounded, checked_names

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LONGEST_HEADING, WORDS_OF_A_HEADING = 40, 4  # of a name in a header where no column is known

Record = tuple[int, list[str]]  # the line that it begins in, cells


@dataclass(frozen=True)
class Parsed:
    separator: str
    quoted: bool
    records: list[Record]
    fault: str | None  # with its row; None where there are records, each of as many cells

    @property
    def width(self) -> int:
        return len(self.records[0][1]) if self.records else 0


def read_delimited(lines: Lines, report: Report, separators: str) -> Sheet:
    """The sheet of a file, parted by one of `separators`. Raises UserError with the row."""
    found = _settled(lines, separators, report)
    bounded(len(found.records), lines.name)
    blank = len(lines.texts) - _spanned(found, lines)
    if blank:
        report.ok(lines.name, f"{counted(blank, 'empty line')} skipped")
    (_, first), *rest = found.records
    names = checked_names(first, lines.name) if is_header(first, [row for _, row in rest]) else None
    body = rest if names else found.records
    if not body:
        row = found.records[0][0]
        told = f"row {row}: a header and nothing below; expected at least one row"
        raise UserError(lines.name, told)
    parted = f"parted by {SEPARATORS[found.separator]}" if found.width > 1 else "in one column"
    report.ok(lines.name, f"{counted(len(body), 'row')} {parted}")
    if names is None:
        report.warn(
            lines.name,
            f"row {found.records[0][0]} is no header but a row like the others "
            f"({', '.join(shown(cell, 30) for cell in first[:4])}): columns are called by what "
            "they look like",
        )
    return Sheet(lines.name, names, [row for _, row in body], [line for line, _ in body])


def _settled(lines: Lines, separators: str, report: Report) -> Parsed:
    """The reading under which all rows agree, of the separator that the first row has most."""
    first = next(text for text in lines.texts if text.strip())
    ranked = sorted((mark for mark in separators if mark in first), key=first.count, reverse=True)
    faults: list[Parsed] = []
    one_column: Parsed | None = None
    for mark in ranked or separators[:1]:
        quoted, literal = _quoted(lines, mark), _literal(lines, mark)
        spans = len(quoted.records) < len(literal.records)
        # Where a quoted cell of several lines may as well be several rows, it is several rows: a
        # line of a text has the right number of separators by a rare chance alone.
        if literal.fault is None and (quoted.fault or spans) and literal.width > 1:
            if any('"' in text for text in lines.texts):
                why = quoted.fault or "quotes may pair over rows"
                report.ok(
                    lines.name,
                    f"quotes are read as letters, since every row has {literal.width} cells so "
                    f"({why})",
                )
            return literal
        if quoted.fault is None and quoted.width > 1:
            return quoted
        # Where separators stand inside of quotes alone, or in lines that hold nothing else.
        one_column = next((one for one in (quoted, literal) if one.fault is None), one_column)
        faults.append(quoted if _agreeing(quoted) >= _agreeing(literal) else literal)
    if one_column:
        return one_column
    if not ranked:  # one column without quotes that part anything
        return Parsed(separators[0], False, _whole(lines), None)
    raise UserError(lines.name, str(faults[0].fault))


def _agreeing(parsed: Parsed) -> int:
    return sum(len(cells) == parsed.width for _, cells in parsed.records)


def _literal(lines: Lines, mark: str) -> Parsed:
    records = [
        (row, text.split(mark))
        for row, text in enumerate(lines.texts, 1)
        if text.replace(mark, "").strip()
    ]
    return Parsed(mark, False, records, _odd_row(records))


def _whole(lines: Lines) -> list[Record]:
    return [(row, [text]) for row, text in enumerate(lines.texts, 1) if text.strip()]


def _quoted(lines: Lines, mark: str) -> Parsed:
    records: list[Record] = []
    with _large_cells():
        reader = csv.reader((text + "\n" for text in lines.texts), delimiter=mark, strict=True)
        begin = 1
        try:
            for cells in reader:
                if any(map(str.strip, cells)):
                    records.append((begin, cells))
                begin = reader.line_num + 1
        except csv.Error as fault:
            said = f"row {begin}: {_plainly(fault)}"
            return Parsed(mark, True, records, (records and _odd_row(records)) or said)
    return Parsed(mark, True, records, _odd_row(records))


def _plainly(fault: csv.Error) -> str:
    """The words of the csv module, for a person."""
    if "end of data" in str(fault):
        return "a quote is opened and never closed"
    if "expected after" in str(fault):
        return "a quote is closed inside of a cell; one within quotes is written twice"
    return f"not a table ({words_of(fault)})"


@contextmanager
def _large_cells() -> Iterator[None]:
    """The module's own bound of 131,072 characters is less than one record may have here."""
    before = csv.field_size_limit(MAX_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _odd_row(records: list[Record]) -> str | None:
    if not records:
        return "no cell with anything in it; expected a row of text"
    first, cells = records[0]
    odd = next(((row, len(some)) for row, some in records if len(some) != len(cells)), None)
    if odd is None:
        return None
    return f"row {odd[0]}: {counted(odd[1], 'cell')}; expected {len(cells)} as in row {first}"


def _spanned(parsed: Parsed, lines: Lines) -> int:
    """How many lines the records take up."""
    if not parsed.quoted:
        return len(parsed.records)
    return sum(1 + sum(cell.count("\n") for cell in cells) for _, cells in parsed.records)


def is_header(first: list[str], rest: list[list[str]]) -> bool:
    """Names a column that is known, or differs in its look from what stands below."""
    cells = [cell.strip() for cell in first]
    if any(map(is_known, cells)):
        return True
    if len({*cells}) < len(cells) or any(map(_is_number, cells)):
        return False
    if any(not cell for cell in cells[1:]):  # the first may be a nameless index
        return False
    for at, cell in enumerate(cells):
        below = [row[at] for row in rest]
        if cell in map(str.strip, below):
            return False
        if below and all(map(_is_number, below)):
            return True
    words = WORDS_OF_A_HEADING if len(cells) > 1 else 1
    return all(len(cell) <= LONGEST_HEADING and len(cell.split()) <= words for cell in cells)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
