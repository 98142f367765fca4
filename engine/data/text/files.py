"""Which members of an upload are tables, and their lines as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Limits, Member, Source, refuse_foreign
from engine.data.kind import Report

LIMITS = Limits(unpacked=256 << 20, gunzip=True)
MAX_LINE = 4 << 20  # bytes
SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json")
FEW = 5  # rows of a kind that a line names
_ABOUT = re.compile(r"(^|/)(readme|licen[cs]e)\b[^/]*$", re.I)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Lines:
    """A text file: `texts[k]` is line k + 1, without its end."""

    name: str
    texts: list[str]

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()


def tables_of(source: Source) -> tuple[list[Member], list[Member]]:
    """The tables by name, and what else is there. A lone file is a table whatever it is called."""
    members = sorted(source, key=lambda member: member.name)
    if source.single:
        return members, []
    tables = [
        member
        for member in members
        if member.name.lower().endswith(SUFFIXES) and not _ABOUT.search(member.name)
    ]
    return tables, [member for member in members if member not in tables]


def read_lines(member: Member, report: Report, *, only_utf8: bool) -> Lines:
    """UTF-8, with a mark in front or without; a line that is not is read as Windows-1252, the
    Latin-1 of the web, unless `only_utf8`."""
    head = member.head()
    refuse_foreign(head, member.name)
    if head[:2] in _UTF16:
        raise UserError(member.name, "UTF-16; expected UTF-8: save the file as UTF-8")
    texts: list[str] = []
    foreign: list[int] = []
    with member.open() as stream:
        while raw := stream.readline(MAX_LINE + 1):
            row = len(texts) + 1
            if len(raw) > MAX_LINE:
                raise UserError(
                    member.name, f"row {row}: over {MAX_LINE:,} bytes, the most of a line"
                )
            raw = raw.removesuffix(b"\n").removesuffix(b"\r")
            if row == 1:
                raw = raw.removeprefix(_BOM)
            if b"\0" in raw:
                raise UserError(member.name, f"row {row}: a NUL byte; expected text")
            try:
                texts.append(raw.decode())
            except UnicodeDecodeError as fault:
                if only_utf8:
                    raise UserError(
                        member.name,
                        f"row {row}: not UTF-8 at byte {fault.start + 1}; expected JSON in UTF-8",
                    ) from fault
                texts.append(_windows_1252(raw, member.name, row))
                foreign.append(row)
    if not any(map(str.strip, texts)):
        raise UserError(member.name, "empty; expected at least one row of text")
    if len(texts) == 1 and "\r" in texts[0]:
        raise UserError(member.name, "lines that end in CR alone; expected LF or CR LF")
    if foreign:
        report.warn(
            member.name,
            f"{counted(len(foreign), 'line')} not in UTF-8, read as Latin-1 (Windows-1252): "
            f"{rows_named(foreign)}",
        )
    return Lines(member.name, texts)


def _windows_1252(raw: bytes, where: str, row: int) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError as fault:
        raise UserError(
            where,
            f"row {row}: byte {fault.start + 1} of the line is neither UTF-8 nor Latin-1; "
            "save the file as UTF-8",
        ) from fault


def rows_named(rows: list[int]) -> str:
    """row 7; rows 3, 4 and 12 more."""
    shown = ", ".join(f"{row:,}" for row in rows[:FEW])
    more = f" and {len(rows) - FEW:,} more" if len(rows) > FEW else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"


def shown(text: str, most: int = 60) -> str:
    """A text of the user's as a line of a report shows it."""
    return ascii(text[:most])[1:-1]
