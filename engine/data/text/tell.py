"""What a check says of a table of texts: lines of a report, and the facts that inputs ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from engine.core.units import counted
from engine.data.kind import Report
from engine.data.parts import PARTS
from engine.data.text.files import FEW, shown
from engine.data.text.repeats import overlap, repeats
from engine.data.text.table import Texts

LONG = 32_768  # characters of a row, over which a line tells of it
CLASSES = 12  # that a line names
NO_TEXTS = ("na", "n/a", "nan", "null", "none")  # words that other readers take as no cell


def facts(found: Texts) -> dict[str, Any]:
    roles = found.roles
    classes = len(found.labels(roles.label).classes) if roles.label else 0
    return {
        "rows": found.rows,
        "columns": list(found.columns),
        **{part: int(found.parts[part].size) if part in found.parts else 0 for part in PARTS},
        "text": roles.text or "",
        "text2": roles.text2 or "",
        "label": roles.label or "",
        "labels": classes > 1,
        "classes": classes,
        "prompt": roles.prompt or "",
        "context": roles.context or "",
        "completion": roles.completion or "",
        "longest": int(lengths(found).max()),
        "duplicates": int(repeats(found).size),
        "overlap": sum(int(rows.size) for rows in _overlaps(found).values()),
    }


def lengths(found: Texts) -> np.ndarray:
    """Characters (rows,) int64 of the texts of each row; of all cells where none has a role."""
    named = {role: name for role, name in found.roles.named().items() if role != "label"}
    columns = dict.fromkeys(named.values()) or dict.fromkeys(found.columns)
    return np.sum(
        [np.fromiter(map(len, found.columns[name]), np.int64) for name in columns], axis=0
    )


def _overlaps(found: Texts) -> dict[str, np.ndarray]:
    if "train" not in found.parts:
        return {}
    others = [part for part in found.parts if part != "train"]
    return {part: overlap(found, inside=part, of="train") for part in others}


def tell(found: Texts, report: Report) -> None:
    """The whole, what each column is taken for, then all that a method may stumble over."""
    parts = ", ".join(f"{part} {rows.size:,}" for part, rows in found.parts.items())
    report.ok(found.name, f"{counted(found.rows, 'row')} ({parts}), {_columns(found)}")
    if set(found.parts) != {"train"} and "train" not in found.parts:
        report.warn(found.name, "no table of train: a method has nothing to learn from")
    _tell_roles(found, report)
    _tell_empty(found, report)
    tell_words(found, found.roles.named().values(), report)
    _tell_label(found, report)
    _tell_long(found, report)
    _tell_repeats(found, report)


def _columns(found: Texts) -> str:
    names = list(found.columns)
    more = f" and {len(names) - CLASSES:,} more" if len(names) > CLASSES else ""
    listed = ", ".join(shown(name, 30) for name in names[:CLASSES])
    return f"{counted(len(names), 'column')}: {listed}{more}"


def _tell_roles(found: Texts, report: Report) -> None:
    named = found.roles.named()
    if not named:
        report.warn(
            found.name, "no column is called as texts or classes are, or looks so: name them in "
            "the job"
        )  # fmt: skip
        return
    told = ", ".join(f"{role} is {shown(column, 30)}" for role, column in named.items())
    report.ok(found.name, f"columns as guessed: {told}")


def _tell_empty(found: Texts, report: Report) -> None:
    """Cells that are empty, of columns that a method would read."""
    for role, name in found.roles.named().items():
        if role == "context":  # a prompt may well need none
            continue
        empty = [row for row, cell in enumerate(found.columns[name]) if not cell.strip()]
        if empty:
            report.warn(found.name, f"{shown(name)}: empty in {_rows(found, empty)}")


def tell_words(found: Texts, columns: Iterable[str], report: Report) -> None:
    """Cells that other readers take as none."""
    for name in columns:
        rows = [
            row
            for row, cell in enumerate(found.columns[name])
            if cell and cell.strip().lower() in NO_TEXTS
        ]
        if rows:
            words = sorted({found.columns[name][row].strip() for row in rows})[:FEW]
            report.warn(
                found.name,
                f"{shown(name)}: the word {' or '.join(words)} in {_rows(found, rows)}; "
                "taken as written, not as an empty cell",
            )


def _tell_label(found: Texts, report: Report) -> None:
    name = found.roles.label
    if name is None:
        return
    labels = found.labels(name)
    there = labels.codes[labels.codes >= 0]
    counts = np.bincount(there, minlength=len(labels.classes))
    ranked = sorted(range(len(labels.classes)), key=lambda code: (-counts[code], code))
    listed = ", ".join(f"{shown(labels.classes[at], 30)} {counts[at]:,}" for at in ranked[:CLASSES])
    more = f" and {len(ranked) - CLASSES:,} more" if len(ranked) > CLASSES else ""
    report.ok(found.name, f"{shown(name)}: {counted(len(ranked), 'class')}: {listed}{more}")
    if len(ranked) < 2:
        report.warn(found.name, f"{shown(name)}: one class alone; there is nothing to tell apart")
    single = [int(np.flatnonzero(labels.codes == at)[0]) for at in np.flatnonzero(counts == 1)]
    if single:
        report.warn(
            found.name,
            f"{shown(name)}: {counted(len(single), 'class')} of one row, which cannot be in train "
            f"and test both: {_rows(found, single)}",
        )
    tell_mixed(found, name, report)
    _tell_unlearned(found, name, report)


def tell_mixed(found: Texts, name: str, report: Report) -> None:
    """Classes that are one to a person: 1 and 1.0, yes and Yes. And numbers among words."""
    cells = found.columns[name]
    classes = found.labels(name).classes
    values = {label: _number(label) for label in classes}
    same = Counter(_same(label, value) for label, value in values.items())
    twins = [label for label, value in values.items() if same[_same(label, value)] > 1]
    if twins:
        listed = ", ".join(shown(label, 30) for label in twins[:CLASSES])
        report.warn(found.name, f"{shown(name)}: classes that differ in writing alone: {listed}")
    numbers = {label for label, value in values.items() if value is not None}
    if numbers and len(numbers) < len(classes):
        less = numbers if 2 * len(numbers) < len(classes) else set(classes) - numbers
        rows = [row for row, cell in enumerate(cells) if cell.strip() in less]
        report.warn(
            found.name,
            f"{shown(name)}: numbers and words are mixed, the rarer kind in {_rows(found, rows)}",
        )


def _number(label: str) -> float | None:
    try:
        value = float(label)
    except ValueError:
        return None
    return value if value == value else None


def _same(label: str, value: float | None) -> str | float:
    return label.casefold() if value is None else value


def _tell_unlearned(found: Texts, name: str, report: Report) -> None:
    """Classes that dev or test have and train has not."""
    if "train" not in found.parts:
        return
    codes = found.labels(name).codes
    learned = set(codes[found.parts["train"]].tolist())
    for part, rows in found.parts.items():
        foreign = [row for row in rows.tolist() if codes[row] >= 0 and codes[row] not in learned]
        if foreign:
            report.warn(
                found.name,
                f"{shown(name)}: {part} has classes that train has not, in {_rows(found, foreign)}",
            )


def _tell_long(found: Texts, report: Report) -> None:
    sizes = lengths(found)
    rows = np.flatnonzero(sizes > LONG).tolist()
    if rows:
        report.warn(
            found.name,
            f"over {LONG:,} characters in {_rows(found, rows)}, the longest {int(sizes.max()):,}: "
            "methods cut a text at what their model reads",
        )


def _tell_repeats(found: Texts, report: Report) -> None:
    twice = repeats(found).tolist()
    if twice:
        report.warn(
            found.name, f"the same texts as an earlier row of its part: {_rows(found, twice)}"
        )
    for part, rows in _overlaps(found).items():
        if rows.size:
            report.warn(
                found.name,
                f"{part} has texts that train has too, so that it judges what was learned: "
                f"{_rows(found, rows.tolist())}",
            )
    if {"dev", "test"} <= set(found.parts):
        rows = overlap(found, inside="dev", of="test")
        if rows.size:
            report.warn(
                found.name,
                "dev has texts that test has too, so that what is chosen on dev is chosen on test: "
                f"{_rows(found, rows.tolist())}",
            )


def _rows(found: Texts, rows: Iterable[int]) -> str:
    """3 rows: train.csv row 7, …: how many, and the first of them."""
    some = list(rows)
    places = ", ".join(shown(found.place(row), 80) for row in some[:FEW])
    more = ", …" if len(some) > FEW else ""
    return f"{counted(len(some), 'row')} ({places}{more})"
