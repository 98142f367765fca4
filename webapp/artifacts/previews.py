"""What the page of an artifact shows of its content, by kind, and never more than a page holds.

Pictures are decoded in a child process (`pictures.py`). Tables, JSON, text and figures are read
here, by the standard library, from at most `MOST` bytes; templates escape whatever they show.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from typing import Any

from webapp.artifacts import figures, pictures
from webapp.artifacts.models import Artifact, Blob
from webapp.artifacts.storage import open_blob

MOST = 4 << 20  # bytes that are read of an artifact
TEXT = 256 << 10  # bytes of text that are shown
ROWS = 500  # of a table
PER_PAGE = 100
COLUMNS = 60
CELL = 300  # characters
NODES = 3000  # of a JSON document
FIGURE = "application/vnd.plotly.v1+json"
# Control characters and those that turn the direction of reading: shown as what they are not.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Preview:
    """`kind` chooses the template; `note` says what is left out, or why nothing is shown."""

    kind: str  # image, table, json, text, figure, none
    note: str = ""
    content: dict[str, Any] = field(default_factory=dict)


def preview(artifact: Artifact, page: int = 1) -> Preview:
    media = artifact.media.partition(";")[0].strip().lower()
    if media in pictures.MEDIA:
        return _picture(artifact.blob)
    if media == "text/csv":
        return _table(artifact.blob, page)
    if media == FIGURE:
        return _figure(artifact)
    if media == "application/json":
        return _json(artifact.blob)
    if media.startswith("text/") or media in ("image/svg+xml", "application/x-ndjson"):
        return _text(artifact.blob)
    return Preview("none", "This kind of file is not shown here; it can be downloaded.")


def _picture(blob: Blob) -> Preview:
    try:
        pictures.picture(blob).close()
    except pictures.Unreadable as fault:
        return Preview("none", f"No preview: {fault}.")
    return Preview("image")


def _table(blob: Blob, page: int) -> Preview:
    text, cut = _head(blob, MOST)
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        columns = next(reader, [])
        rows = [row for _, row in zip(range(ROWS + 1), reader, strict=False)]
    except csv.Error as fault:
        return Preview("none", f"Not a table: {fault}.")
    more = cut or len(rows) > ROWS
    rows = rows[:ROWS]
    pages = max(1, -(-len(rows) // PER_PAGE))
    page = min(max(page, 1), pages)
    shown = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    notes = []
    if more:
        notes.append(f"The first {len(rows)} rows")
    if len(columns) > COLUMNS:
        notes.append(f"the first {COLUMNS} of {len(columns)} columns")
    return Preview(
        "table",
        f"{' and '.join(notes)} are shown; the download has all." if notes else "",
        {
            "columns": [_cell(text) for text in columns[:COLUMNS]],
            "rows": [[_cell(text) for text in row[:COLUMNS]] for row in shown],
            "page": page,
            "pages": pages,
            "first": (page - 1) * PER_PAGE + 1,
            "last": (page - 1) * PER_PAGE + len(shown),
        },
    )


def _cell(text: str) -> dict[str, Any]:
    try:
        float(text)
        number = True
    except ValueError:
        number = False
    return {"text": text if len(text) <= CELL else f"{text[:CELL]}…", "number": number}


def _figure(artifact: Artifact) -> Preview:
    try:
        figure = figures.clean(_parsed(artifact.blob))
    except ValueError as fault:
        return Preview("none", f"Not a figure that can be drawn: {fault}.")
    return Preview("figure", content={"figure": {**figure, "title": artifact.title, "unit": ""}})


def _json(blob: Blob) -> Preview:
    try:
        value = _parsed(blob)
    except ValueError as fault:
        shown = _text(blob)
        return Preview("text", f"Shown as text: {fault}. {shown.note}".strip(), shown.content)
    tree = _Tree()
    root = tree.node("", value, 0)
    note = f"The first {NODES} values are shown; the download has all." if tree.cut else ""
    return Preview("json", note, {"root": root})


class _Tree:
    """A JSON value as nested dicts for a template; deep or long parts are left out."""

    DEPTH = 12
    OPEN = 2  # levels that are unfolded at first

    def __init__(self) -> None:
        self.left = NODES
        self.cut = False

    def node(self, key: str, value: Any, depth: int) -> dict[str, Any]:
        self.left -= 1
        shown = {"key": key if len(key) <= CELL else f"{key[:CELL]}…", "open": depth < self.OPEN}
        if isinstance(value, dict):
            return {
                **shown,
                "size": f"{{{len(value)}}}",
                "items": self._items(value.items(), depth),
            }
        if isinstance(value, list):
            return {
                **shown,
                "size": f"[{len(value)}]",
                "items": self._items(enumerate(value), depth),
            }
        text = json.dumps(value, ensure_ascii=False)
        return {**shown, "text": text if len(text) <= CELL else f"{text[:CELL]}…"}

    def _items(self, pairs: Any, depth: int) -> list[dict[str, Any]]:
        items = []
        for key, value in pairs:
            if self.left <= 0 or depth >= self.DEPTH:
                self.cut = True
                break
            items.append(self.node(str(key), value, depth + 1))
        return items


def _text(blob: Blob) -> Preview:
    text, cut = _head(blob, TEXT)
    note = (
        f"The first {TEXT:,} of {blob.size:,} bytes are shown; the download has all." if cut else ""
    )
    return Preview("text", note, {"text": text})


def _parsed(blob: Blob) -> Any:
    if blob.size > MOST:
        raise ValueError(f"{blob.size:,} bytes; at most {MOST:,} are read")
    text, _ = _head(blob, MOST)
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _head(blob: Blob, most: int) -> tuple[str, bool]:
    """The beginning of a text up to its last whole line, and whether more follows."""
    with open_blob(blob) as stream:
        data = stream.read(most)
    cut = blob.size > len(data)
    if cut and b"\n" in data:
        data = data[: data.rindex(b"\n") + 1]
    return _UNSEEN.sub("\ufffd", data.decode("utf-8-sig", errors="replace")), cut
