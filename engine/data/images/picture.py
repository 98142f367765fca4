"""What a dataset's page shows of images: some of each class on one sheet, and how often each is.

Figures leave colours and fonts to the page's template.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from engine.data.class_bars import class_bars, short
from engine.data.images.images import Images

COLUMNS = 10  # images of a class on the sheet
ROWS = 12  # classes on the sheet
TILE = 48  # pixels, the longer side of a larger image
GAP = 1  # pixels between two
WIDE = 380  # pixels of a drawing in one of two columns, beside the names of its classes

Figure = dict[str, Any]


def picture(found: Images) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    counts = {
        part: np.bincount(found.labels[rows], minlength=len(found.classes))
        for part, rows in found.parts.items()
    }
    rows = [
        [name, *(int(some[at]) for some in counts.values())]
        for at, name in enumerate(found.classes)
    ]
    return {
        "figures": [
            {"title": "Some images of each class", "figure": _sheet(found)},
            {
                "title": "Images by class",
                "figure": class_bars(found.classes, counts, x="class", y="images"),
            },
        ],
        "tables": [{"title": "Classes", "columns": ["class", *counts], "rows": rows}],
    }


def _sheet(found: Images) -> Figure:
    """One PNG below points without ink, which tell the class and the number of each image."""
    classes = range(min(ROWS, len(found.classes)))
    chosen = [np.flatnonzero(found.labels == at)[:COLUMNS] for at in classes]
    drawn = small(found.pixels[:1])[0]
    height, width = drawn.shape[0] + GAP, drawn.shape[1] + GAP
    sheet = np.zeros((height * len(chosen), width * COLUMNS, 4), np.uint8)  # clear where none is
    for row, numbers in enumerate(chosen):
        for column, tile in enumerate(small(found.pixels[numbers])):
            top, left = row * height, column * width
            into = sheet[top : top + tile.shape[0], left : left + tile.shape[1]]
            into[..., :3], into[..., 3] = tile, 255
    names = [short(found.classes[at]) for at in classes]
    points = [
        (column + 0.5, row, f"image {number}")
        for row, numbers in enumerate(chosen)
        for column, number in enumerate(numbers.tolist())
    ]
    ratio = sheet.shape[0] / sheet.shape[1]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "x": [x for x, _, _ in points],
                "y": [names[row] for _, row, _ in points],
                "text": [text for _, _, text in points],
                "hovertemplate": "%{y}, %{text}<extra></extra>",
                "marker": {"opacity": 0, "size": 20},
            }
        ],
        "layout": {
            "height": 60 + round(ratio * WIDE),
            "images": [
                {
                    "source": as_address(sheet),
                    "xref": "x",
                    "yref": "paper",
                    "x": 0,
                    "y": 1,
                    "sizex": COLUMNS,
                    "sizey": 1,
                    "sizing": "stretch",
                    "layer": "below",
                }
            ],
            "xaxis": {"range": [0, COLUMNS], "visible": False, "fixedrange": True},
            "yaxis": {
                "type": "category",
                "range": [len(names) - 0.5, -0.5],
                "showgrid": False,
                "fixedrange": True,
            },
        },
    }


def small(pixels: np.ndarray) -> np.ndarray:
    """(k, h, w, 3): grey as RGB, and large images made smaller."""
    side = max(pixels.shape[1:3])
    if side > TILE:
        size = tuple(max(1, round(TILE * length / side)) for length in pixels.shape[2:0:-1])
        pixels = (
            np.stack(
                [
                    np.atleast_3d(np.asarray(Image.fromarray(image.squeeze()).resize(size)))
                    for image in pixels
                ]
            )
            if len(pixels)
            else np.zeros((0, size[1], size[0], pixels.shape[3]), np.uint8)
        )
    return np.broadcast_to(pixels, (*pixels.shape[:3], 3))


def as_address(pixels: np.ndarray) -> str:
    """A picture (h, w, 3 or 4) uint8 as a PNG that stands in its own address."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
