"""Reads tables of texts: the doorway of this kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.core.errors import UserError
from engine.data.archive import open_source
from engine.data.kind import Report
from engine.data.text.files import LIMITS, SUFFIXES, tables_of
from engine.data.text.read import read_texts
from engine.data.text.table import Texts
from engine.data.text.tell import facts, tell

__all__ = ["check", "facts", "load", "preview", "sniff"]


def sniff(path: Path) -> bool:
    try:
        with open_source(path, LIMITS) as source:
            tables, _ = tables_of(source)
            return any(
                table.name.lower().endswith(SUFFIXES) and b"\0" not in table.head()
                for table in tables
            )
    except UserError:
        return False


def check(path: Path, report: Report) -> None:
    found = read_texts(path, report)
    if found is None or report.failed:
        return
    tell(found, report)
    report.facts = facts(found)


def load(path: Path) -> Texts:
    """The table of a file, or of a folder or zip of train, dev and test.

    Raises UserError with the row of the first fault.
    """
    report = Report()
    found = read_texts(path, report)
    if found is None or report.failed:
        raise report.fault()
    return replace(found, remarks=report.warnings)


def preview(path: Path) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    from engine.data.text.picture import picture

    return picture(load(path))
