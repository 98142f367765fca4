"""Reads labelled images: the doorway of this kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.core.errors import UserError
from engine.data.archive import Limits, Source, open_source
from engine.data.arrays import arrays_of
from engine.data.images.folders import images_of, read_folders
from engine.data.images.idx import is_idx, read_idx
from engine.data.images.images import Images
from engine.data.images.packs import holds_images, read_packs
from engine.data.images.tell import facts, tell
from engine.data.kind import Report

LIMITS = Limits(members=200_000, unpacked=2 << 30, gunzip=True)

__all__ = ["check", "facts", "load", "preview", "sniff"]


def sniff(path: Path) -> bool:
    try:
        with open_source(path, LIMITS) as source:
            return (
                holds_images(arrays_of(source))
                or bool(images_of(source))
                or any(map(is_idx, source))
            )
    except UserError:
        return False


def check(path: Path, report: Report) -> None:
    found = _read(path, report)
    if found is None or report.failed:
        return
    tell(found, report)
    report.facts = facts(found)


def load(path: Path) -> Images:
    """The images of a zip, of a folder or of an npz.

    Raises UserError with the file, or the array and the image, of the first fault.
    """
    report = Report()
    found = _read(path, report)
    if found is None or report.failed:
        raise report.fault()
    return found


def preview(path: Path) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    from engine.data.images.picture import picture

    return picture(load(path))


def _read(path: Path, report: Report) -> Images | None:
    with open_source(Path(path), LIMITS) as source:
        arrays = arrays_of(source)
        if arrays.keys():
            return read_packs(arrays, report)
        if images_of(source):
            _tell_others(source, report)
            return read_folders(source, report)
        if any(map(is_idx, source)):
            return read_idx(source)
        raise UserError(
            source.name,
            "no images: expected JPEG or PNG in a folder for each class, arrays of an npz, or IDX "
            "files as of MNIST",
        )


def _tell_others(source: Source, report: Report) -> None:
    others = len(source.members) - len(images_of(source))
    if others:
        report.ok(source.name, f"{others:,} other files left out")
