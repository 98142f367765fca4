"""Texts as methods see them: a table of cells as they were written, and where each row stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate

import numpy as np

from engine.core.errors import UserError
from engine.data.kind import Line

_WHOLE = re.compile(r"[+-]?\d{1,18}")


@dataclass(frozen=True)
class Roles:
    """Which column is what, as far as it could be guessed; None where it could not."""

    text: str | None = None
    text2: str | None = None
    label: str | None = None
    prompt: str | None = None
    context: str | None = None  # goes with the prompt, as Alpaca's `input`
    completion: str | None = None

    def named(self) -> dict[str, str]:
        """The column of each role that has one."""
        roles = {field.name: getattr(self, field.name) for field in fields(self)}
        return {role: column for role, column in roles.items() if column is not None}


@dataclass(frozen=True, eq=False)
class Stretch:
    """The rows that came out of one file."""

    file: str
    lines: np.ndarray  # (k,) int64, the line in which each of its rows begins, from 1


@dataclass(frozen=True, eq=False)
class Labels:
    """A column as classes."""

    classes: tuple[str, ...]  # without spaces around them; whole numbers by size, else by alphabet
    codes: np.ndarray  # (rows,) int64, the place in `classes`; -1 where the cell is empty


@dataclass(frozen=True, eq=False)
class Texts:
    """A table of texts; rows of all files, one file after another."""

    name: str
    columns: dict[str, tuple[str, ...]]  # cells as written; "" where there is none
    parts: dict[str, np.ndarray]  # row numbers, int64; "train" has all where nothing else is told
    where: tuple[Stretch, ...]
    roles: Roles
    remarks: tuple[Line, ...] = ()  # what reading warns of

    @cached_property
    def rows(self) -> int:
        return sum(stretch.lines.size for stretch in self.where)

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(stretch.lines.size for stretch in self.where))

    def place(self, row: int) -> str:
        """As a message names it: "mrpc_train.txt row 17", the line in which the row begins."""
        at = bisect_right(self._ends, row)
        stretch = self.where[at]
        return f"{stretch.file} row {stretch.lines[row - self._ends[at]]}"

    def column(self, name: str, where: str) -> tuple[str, ...]:
        """Its cells. Raises UserError at `where`, a parameter's name, if there is no such one."""
        try:
            return self.columns[name]
        except KeyError:
            there = ", ".join(ascii(known)[1:-1] for known in list(self.columns)[:20])
            raise UserError(
                where, f"{self.name} has no column {name[:60]!a}; expected one of {there}"
            ) from None

    def labels(self, name: str) -> Labels:
        """The classes of a column, over all parts."""
        cells = [cell.strip() for cell in self.columns[name]]
        classes = ordered(set(cells) - {""})
        place = {label: code for code, label in enumerate(classes)} | {"": -1}
        return Labels(classes, np.array([place[cell] for cell in cells], np.int64))


def ordered(labels: set[str]) -> tuple[str, ...]:
    """Whole numbers by their size, anything else by alphabet."""
    if all(map(_WHOLE.fullmatch, labels)):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))
