"""Text without columns: lines that begin with their class, as of SST-2 and TREC, or plain lines."""

from __future__ import annotations

import re

from engine.core.units import counted
from engine.data.kind import Report
from engine.data.text.files import Lines
from engine.data.text.roles import LEAST_ROWS_PER_CLASS, MAX_CLASSES
from engine.data.text.sheet import Sheet, bounded

# A whole number; a word in capitals, as TREC's own DESC:manner; fastText's __label__x. A word of
# any other look may well begin every line of a story.
_LABEL = re.compile(r"[+-]?\d{1,6}|[A-Z]{2,12}(:[A-Za-z_]+)?|__label__\S+")


def read_prose(lines: Lines, report: Report) -> Sheet:
    there = [(row, text) for row, text in enumerate(lines.texts, 1) if text.strip()]
    bounded(len(there), lines.name)
    blank = len(lines.texts) - len(there)
    if blank:
        report.ok(lines.name, f"{counted(blank, 'empty line')} skipped")
    rows = [row for row, _ in there]
    if is_labelled([text for _, text in there]):
        report.ok(lines.name, f"{counted(len(rows), 'line')}, each of a class, a space and a text")
        cells = [list(text.split(" ", 1)) for _, text in there]
        return Sheet(lines.name, ("label", "text"), cells, rows)
    report.ok(lines.name, f"{counted(len(rows), 'line')} of plain text, each a row")
    return Sheet(lines.name, ("text",), [[text] for _, text in there], rows)


def is_labelled(texts: list[str]) -> bool:
    """Does every line begin with one of few labels?"""
    parted = [text.split(" ", 1) for text in texts]
    if any(len(parts) < 2 or not _LABEL.fullmatch(parts[0]) for parts in parted):
        return False
    return len({label for label, _ in parted}) <= min(
        MAX_CLASSES, len(texts) // LEAST_ROWS_PER_CLASS
    )
