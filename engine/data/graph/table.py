"""Rows of a text file whose layout is not known beforehand: separator, header, line ends, BOM.

What was found is told in the report; what is not a table is refused with its row. Rows are
counted from 1, as an editor counts lines. Files are streamed: none is held as a whole.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Member, refuse_foreign
from engine.data.kind import Report
from engine.data.tables import words_of

MAX_LINE = 4 << 20  # bytes: 200,000 columns of 20 characters
BLOCK = 4 << 20  # bytes of whole lines that are looked at together
MAX_NAME = 200  # characters of a node's or a class's name; arrays give each name as much room
SHOWN = 30  # characters of a value that a message repeats
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"
_SEPARATORS = {b";": "semicolons", b"\t": "tabs", b",": "commas", b"|": "bars", b"": "spaces"}
WHOLE_LINE = b"\n"  # the separator of a file whose rows are one cell, whatever is in them
SPACED = "; rows were split at spaces: put names of several words in quotes, or part by commas"
_QUOTED = re.compile(r'"(?:[^"]|"")*+"')
_SPACED_CELL = re.compile(_QUOTED.pattern + r"(?!\S)|\S+")
# Possessive: a number of a million digits must not be tried in a million ways.
NUMBER = r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?"
_NUMBER = re.compile(NUMBER + r"|[+-]?(?:nan|inf|infinity)", re.I | re.A)

Row = tuple[int, bytes]
IsHeader = Callable[[list[str], list[str]], bool]  # of the first two rows


@dataclass(frozen=True)
class Table:
    member: Member
    separator: bytes  # b"" stands for any run of spaces
    columns: int
    header: list[str] | None
    first: int  # row number of the first row of data

    @property
    def name(self) -> str:
        return self.member.name

    def rows(self) -> Iterator[Row]:
        """Each row of data, stripped, with its number."""
        for start, block in self.blocks():
            for at, line in enumerate(block.split(b"\n")):
                yield start + at, line.strip(b" \r")

    def blocks(self) -> Iterator[Row]:
        """Whole lines, some megabytes at a time, with the number of the first row."""
        with self.member.open() as stream:
            for _ in range(self.first - 1):
                _line(stream, self.name, 0)
            if self.first == 1 and stream.peek(3)[:3] == _BOM:
                stream.read(3)
            yield from _blocks(stream, self.name, self.first)

    def split(self, line: bytes, row: int) -> list[str]:
        return split(line, self.separator, where=self.name, row=row)

    @property
    def hint(self) -> str:
        """What to say of names that may have been torn apart."""
        return "" if self.separator else SPACED

    def fault(self, row: int, text: str) -> UserError:
        return UserError(self.name, f"row {row}: {text}")


def open_table(
    member: Member, is_header: IsHeader, report: Report, *, separator: bytes | None = None
) -> Table:
    """Look at the first rows of a file and settle how to read it."""
    refuse_foreign(member.head(), member.name)
    with member.open() as stream:
        begin = stream.peek(4)
        if begin[:2] in _UTF16 or b"\0" in begin[:4]:
            raise UserError(member.name, "not UTF-8 text (UTF-16 or binary); expected UTF-8")
        bom = begin.startswith(_BOM)
        if bom:
            stream.read(3)
        found = _first_rows(stream, member.name)
    if not found:
        raise UserError(member.name, "empty; expected at least one row")
    lines = [line.strip(b" \r\n") for _, line in found]
    if lines[0].lstrip().startswith((b"{", b"[")):
        raise UserError(member.name, "JSON; expected rows of text, as in a CSV file")
    if b"\r" in lines[0]:
        raise UserError(member.name, "lines that end in CR alone; expected LF or CR LF")
    if separator is None:
        separator = separator_of(lines[0])
    tokens = [
        split(line, separator, where=member.name, row=row)
        for (row, _), line in zip(found, lines, strict=True)
    ]
    headed = is_header(tokens[0], tokens[-1])
    if headed and len(found) == 1:
        raise UserError(member.name, "a header and no rows; expected at least one row")
    first, second = found[0][0], found[-1][0]
    width = len(tokens[-1] if headed else tokens[0])
    header = _header(tokens[0], width, where=member.name, row=first) if headed else None
    parted = f"columns by {_SEPARATORS[separator]}" if width > 1 else "one column"
    _tell(member.name, parted, report, bom=bom, crlf=found[0][1].endswith(b"\r\n"))
    if headed:
        names = ", ".join(ascii(token[:SHOWN]) for token in tokens[0][:4])
        more = ", …" if len(tokens[0]) > 4 else ""
        report.ok(member.name, f"row {first} is a header: {names}{more}")
    if first > 1:
        report.ok(member.name, f"{first - 1} comment lines at the top left out")
    return Table(
        member=member,
        separator=separator,
        columns=width,
        header=header,
        first=second if headed else first,
    )


def split(line: bytes, separator: bytes, *, where: str, row: int) -> list[str]:
    """The cells of a row, as text without surrounding spaces or quotes."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise UserError(
            where, f"row {row}: not UTF-8 at byte {fault.start + 1}; save the file as UTF-8"
        ) from fault
    if separator == WHOLE_LINE:
        return [unquoted(text)]
    if not separator:
        return spaced_cells(text)
    if '"' in text:
        try:
            cells = next(csv.reader([text], delimiter=separator.decode(), strict=True))
        except csv.Error as fault:
            told = f"row {row}: {words_of(fault)}; expected balanced quotes"
            raise UserError(where, told) from fault
    else:
        cells = text.split(separator.decode())
    return [cell.strip() for cell in cells]


def spaced_cells(text: str) -> list[str]:
    """What spaces part, but for those between quotes."""
    if '"' not in text:
        return text.split()
    return [unquoted(cell) for cell in _SPACED_CELL.findall(text)]


def unquoted(cell: str) -> str:
    if _QUOTED.fullmatch(cell):
        return cell[1:-1].replace('""', '"').strip()
    return cell.strip('"')


def is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def columns(count: int) -> str:
    return counted(count, "column")


def _header(cells: list[str], width: int, *, where: str, row: int) -> list[str]:
    """The names of all columns; R leaves out that of the first."""
    named = ["", *cells] if len(cells) == width - 1 else cells
    if len(named) != width:
        raise UserError(
            where, f"row {row}: a header of {columns(len(cells))}, and {width:,} in the next row"
        )
    return named


def _first_rows(stream: io.BufferedReader, where: str) -> list[Row]:
    """The first two rows that are no comment; a comment begins with # or %."""
    found: list[Row] = []
    row = 0
    while len(found) < 2 and (line := _line(stream, where, row + 1)):
        row += 1
        if not found and line.lstrip()[:1] in (b"#", b"%"):
            continue
        if not line.strip():
            if not stream.read(1):
                break
            raise UserError(where, f"row {row}: an empty line; expected a row")
        found.append((row, line))
    return found


def _line(stream: io.BufferedReader, where: str, row: int) -> bytes:
    line = stream.readline(MAX_LINE + 1)
    _refuse_long(line, where, row)
    return line


def _refuse_long(line: bytes, where: str, row: int) -> None:
    if len(line) > MAX_LINE:
        raise UserError(where, f"row {row}: over {MAX_LINE:,} bytes long; expected lines of text")


def _blocks(stream: io.BufferedReader, where: str, row: int) -> Iterator[Row]:
    blank = 0  # the first of the empty rows that may end the file
    while block := stream.read(BLOCK):
        block += stream.readline(MAX_LINE + 1)
        body = block.rstrip(b" \r\n")  # not tabs: an empty cell may stand last
        if blank and body:
            raise UserError(where, f"row {blank}: an empty line; expected a row")
        _check_lines(block, where, row)
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if body:
            yield row, body
        ended = row + body.count(b"\n") + 1 if body else row
        if not blank and ended < row + lines:
            blank = ended
        row += lines


def _check_lines(block: bytes, where: str, row: int) -> None:
    if b"\0" in block:
        raise UserError(where, "NUL bytes; expected UTF-8 text")
    at = re.search(rb"\r(?!\n|$)", block)
    if at:
        at_row = row + block.count(b"\n", 0, at.start())
        raise UserError(
            where,
            f"row {at_row}: a carriage return inside a line; expected lines ended by LF or CRLF",
        )
    empty = re.search(rb"(?:^|\n)[ \t\r]*+\n", block.rstrip(b" \t\r\n"))
    if empty:
        at_row = row + block.count(b"\n", 0, empty.end() - 1)
        raise UserError(where, f"row {at_row}: an empty line; expected a row")
    if len(block) > MAX_LINE:
        for at_row, line in enumerate(block.split(b"\n"), start=row):
            _refuse_long(line, where, at_row)


def separator_of(line: bytes) -> bytes:
    """By the first row; what stands in quotes parts nothing."""
    bare = re.sub(_QUOTED.pattern.encode(), b"", line)
    return next((mark for mark in _SEPARATORS if mark in bare), b"")


def _tell(where: str, parted: str, report: Report, *, bom: bool, crlf: bool) -> None:
    notes = [f"text, {parted}"]
    notes += ["byte order mark left out"] * bom + ["Windows line ends"] * crlf
    report.ok(where, "; ".join(notes))
