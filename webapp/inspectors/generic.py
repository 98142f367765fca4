"""The inspector of a method that brings none: the figures, tables and images it made."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from webapp.artifacts.figures import clean
from webapp.artifacts.models import Artifact
from webapp.artifacts.storage import open_blob
from webapp.jobs.models import Job

MOST_SHOWN = 24
MOST_ROWS = 20
MOST_BYTES = 2 << 20
IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif")


def page(job: Job) -> dict[str, Any]:
    rows = Artifact.objects.filter(job=job).select_related("blob")
    figures = rows.filter(role=Artifact.Role.FIGURE, blob__size__lte=MOST_BYTES)
    tables = rows.filter(role=Artifact.Role.TABLE, media="text/csv")
    return {
        "figures": list(_figures(figures[:MOST_SHOWN])),
        "tables": [_table(artifact) for artifact in tables[:MOST_SHOWN]],
        "images": list(rows.filter(media__in=IMAGES)[:MOST_SHOWN]),
    }


def _figures(artifacts: Any) -> Iterator[dict[str, Any]]:
    """Plotly figures; what is none by its content is left to the artifacts' own page."""
    for artifact in artifacts:
        with open_blob(artifact.blob) as file:
            try:
                figure = clean(json.load(file))
            except (ValueError, RecursionError):
                continue
        yield {**figure, "title": artifact.title}


def _table(artifact: Artifact) -> dict[str, Any]:
    with open_blob(artifact.blob) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
        rows = _rows(csv.reader(text))
    return {
        "artifact": artifact,
        "columns": rows[0] if rows else [],
        "rows": rows[1:],
        "cut": len(rows) > MOST_ROWS,
    }


def _rows(reader: Iterator[list[str]]) -> list[list[str]]:
    """The first rows; none where the file is no table by its content."""
    try:
        return list(islice(reader, MOST_ROWS + 1))
    except csv.Error:
        return []
