"""Files that a job leaves: where they may lie, and how tables and figures are written."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from engine.core.plain import plain

MAX_PATH = 200  # bytes
RESERVED = frozenset(("events.jsonl", "job.json", "group.json", "result.json", "checkpoints"))
FIGURE = "application/vnd.plotly.v1+json"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what follows


def checked(path: str) -> PurePosixPath:
    """A relative path that stays inside the job's directory and away from our own files."""
    parts = path.split("/")
    if not path.isprintable() or "\\" in path or len(path.encode("utf-8", "replace")) > MAX_PATH:
        raise ValueError(f"artifact {path!r:.250}: a short printable path with / between its parts")
    if any(part == "" or part.startswith(".") for part in parts):
        raise ValueError(f"artifact {path!r}: a relative path whose parts do not start with a dot")
    if parts[0] in RESERVED:
        raise ValueError(f"artifact {path!r}: {parts[0]} is the engine's own")
    return PurePosixPath(path)


@contextmanager
def placed(folder: Path, path: str) -> Iterator[Path]:
    """A path to write to, beside the real one; renamed on leaving, removed on an error."""
    target = folder / checked(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"artifact {path!r}: leads out of the job's directory")
    part = target.with_name(f".part-{target.name}")  # keeps the suffix that writers look at
    try:
        yield part
        if part.is_symlink() or not part.is_file():
            raise ValueError(f"artifact {path!r}: no file was written")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def write_csv(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a table; returns the number of rows. Texts cannot become formulas."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_cell(column) for column in columns])
    count = 0
    for row in rows:
        cells = [_cell(value) for value in row]
        if len(cells) != len(columns):
            raise ValueError(f"row {count + 1}: {len(cells)} cells, {len(columns)} expected")
        writer.writerow(cells)
        count += 1
    return count


def write_figure(path: Path, figure: Any) -> None:
    """A plotly figure: a dict with `data` and `layout`, or what plotly itself makes."""
    value = figure.to_plotly_json() if hasattr(figure, "to_plotly_json") else figure
    if not isinstance(value, dict) or "data" not in value:
        raise ValueError("a figure is a dict with data and layout")
    path.write_text(json.dumps(plain(value), allow_nan=False), encoding="utf-8")


def _cell(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
