"""What a reader of one file hands on: columns of cells, and the line that each row begins in."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.errors import UserError
from engine.data.text.files import shown

MAX_ROWS = 1_000_000
MAX_COLUMNS = 1_000
MAX_NAME = 200  # characters of a column's name


@dataclass(frozen=True)
class Sheet:
    file: str
    names: tuple[str, ...] | None  # None where the file has no header
    rows: list[list[str]]  # as many cells in each as there are columns
    lines: list[int]

    @property
    def width(self) -> int:
        return len(self.rows[0])


def checked_names(names: list[str], where: str) -> tuple[str, ...]:
    """Names of columns, each once; one without a name is called by its place."""
    checked = tuple(name.strip() or f"column_{at}" for at, name in enumerate(names, 1))
    if len(checked) > MAX_COLUMNS:
        raise UserError(where, f"{len(checked):,} columns; expected at most {MAX_COLUMNS:,}")
    for at, name in enumerate(checked):
        if len(name) > MAX_NAME:
            raise UserError(
                where, f"a column's name of {len(name):,} characters; expected {MAX_NAME} at most"
            )
        if name in checked[:at]:
            raise UserError(where, f"column {shown(name)} is there twice; expected it once")
    return checked


def bounded(rows: int, where: str) -> None:
    if rows > MAX_ROWS:
        raise UserError(where, f"over {MAX_ROWS:,} rows, which is the most allowed")
