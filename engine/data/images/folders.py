"""Images in a folder for each class: cat/1.png, or train/cat/1.png and test/cat/2.png."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member, Source
from engine.data.images.decode import Stack
from engine.data.images.images import Images
from engine.data.kind import Report
from engine.data.parts import PARTS, is_part, part_of
from engine.data.text.table import ordered

SUFFIXES = (".jpg", ".jpeg", ".png")
MAX_FILE = 8 << 20  # bytes of an image


def images_of(source: Source) -> list[Member]:
    found = (member for member in source if member.name.lower().endswith(SUFFIXES))
    return sorted(found, key=lambda member: member.name)


def read_folders(source: Source, report: Report) -> Images | None:
    """None where errors of the report leave an image out."""
    members = images_of(source)
    places = {member.name: _place(member.name) for member in members}
    told = {part for part, _ in places.values()}
    if None in told and len(told) > 1:
        stray = next(name for name, (part, _) in places.items() if part is None)
        raise UserError(
            stray, "in no folder of a part, where others are in train or test; expected one"
        )
    classes = ordered({label for _, label in places.values()})
    stack = Stack(len(members), report)
    for at, member in enumerate(members):
        stack.add(at, member.read(MAX_FILE), member.name)
    if report.failed:
        return None
    stack.tell(source.name)
    labels = np.array([classes.index(label) for _, label in places.values()], np.int64)
    of = np.array([part or "train" for part, _ in places.values()])
    parts = {part: np.flatnonzero(of == part) for part in PARTS if (of == part).any()}
    return Images(source.name, stack.pixels, labels, classes, parts)


def _place(name: str) -> tuple[str | None, str]:
    """The part and the class that its folders tell: the last one is the class."""
    *above, label = PurePosixPath(name).parent.parts or ("",)
    if not label:
        raise UserError(name, "in no folder; expected a folder for each class")
    if is_part(label):
        raise UserError(
            name, f"in the folder {label} alone; expected a folder for each class in it"
        )
    return next((part_of(one) for one in reversed(above) if part_of(one)), None), label
