"""What a check says of images: lines of a report, and the facts that inputs ask for."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from engine.core.units import counted
from engine.data.images.images import Images
from engine.data.kind import Report
from engine.data.parts import PARTS

CLASSES = 12  # that a line names
FEW = 5  # images that a line names


def facts(found: Images) -> dict[str, Any]:
    _, height, width, channels = found.pixels.shape
    twice, shared = repeats(found)
    return {
        "images": len(found),
        "height": height,
        "width": width,
        "channels": channels,
        "classes": len(found.classes),
        **{part: int(found.parts[part].size) if part in found.parts else 0 for part in PARTS},
        "duplicates": len(twice),
        "overlap": sum(map(len, shared.values())),
    }


def tell(found: Images, report: Report) -> None:
    _, height, width, channels = found.pixels.shape
    parts = ", ".join(f"{part} {rows.size:,}" for part, rows in found.parts.items())
    colour = "in colour" if channels == 3 else "in grey"
    report.ok(
        found.name, f"{counted(len(found), 'image')} ({parts}) of {width} x {height} {colour}"
    )
    if "train" not in found.parts:
        report.warn(found.name, "no images of train: a method has nothing to learn from")
    _tell_classes(found, report)
    _tell_repeats(found, report)


def _tell_classes(found: Images, report: Report) -> None:
    counts = np.bincount(found.labels, minlength=len(found.classes))
    named = [f"{plain(name)} {counts[at]:,}" for at, name in enumerate(found.classes)]
    more = f" and {len(named) - CLASSES:,} more" if len(named) > CLASSES else ""
    report.ok(found.name, f"{counted(len(named), 'class')}: {', '.join(named[:CLASSES])}{more}")
    if len(found.classes) < 2:
        report.warn(found.name, "one class alone; there is nothing to tell apart")
    rare = [plain(found.classes[at]) for at in np.flatnonzero(counts == 1)]
    if rare:
        report.warn(
            found.name,
            f"{counted(len(rare), 'class')} of one image, which cannot be in train and test both: "
            f"{', '.join(rare[:CLASSES])}",
        )
    empty = [plain(found.classes[at]) for at in np.flatnonzero(counts == 0)]
    if empty:
        report.warn(
            found.name,
            f"{counted(len(empty), 'class')} without an image: {', '.join(empty[:CLASSES])}",
        )
    learned = set(found.labels[found.parts["train"]].tolist()) if "train" in found.parts else None
    for part, rows in found.parts.items():
        foreign = {*found.labels[rows].tolist()} - learned if learned is not None else set()
        if foreign:
            names = ", ".join(plain(found.classes[at]) for at in sorted(foreign)[:CLASSES])
            report.warn(found.name, f"{part} has classes that train has not: {names}")


def _tell_repeats(found: Images, report: Report) -> None:
    twice, shared = repeats(found)
    if twice:
        report.warn(
            found.name,
            f"the same pixels as an earlier image of its part: {counted(len(twice), 'image')} "
            f"({_named(twice)})",
        )
    for part, rows in shared.items():
        if rows:
            report.warn(
                found.name,
                f"{part} has images that train has too, so that it judges what was learned: "
                f"{counted(len(rows), 'image')} ({_named(rows)})",
            )


def _named(rows: list[int]) -> str:
    more = ", …" if len(rows) > FEW else ""
    return "number " + ", ".join(f"{row:,}" for row in rows[:FEW]) + more


def repeats(found: Images) -> tuple[list[int], dict[str, list[int]]]:
    """Images that repeat an earlier one of their part; and of each other part, those of train."""
    sums = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in found.pixels]
    twice: list[int] = []
    for rows in found.parts.values():
        seen: set[bytes] = set()
        for row in rows.tolist():
            if sums[row] in seen:
                twice.append(row)
            seen.add(sums[row])
    learned = {sums[row] for row in found.parts.get("train", np.array([], int)).tolist()}
    shared = {
        part: [row for row in rows.tolist() if sums[row] in learned]
        for part, rows in found.parts.items()
        if part != "train"
    }
    return sorted(twice), shared


def plain(name: str) -> str:
    """A name of the user's as a line of a report shows it."""
    return ascii(name[:40])[1:-1]
