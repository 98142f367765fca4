"""npz files: arrays of images and labels, of one part or several; or JPEG files back to back."""

from __future__ import annotations

import numpy as np

from engine.core.errors import UserError
from engine.data.arrays import Arrays
from engine.data.images.decode import Stack
from engine.data.images.folders import MAX_FILE
from engine.data.images.images import Images, require_room
from engine.data.images.join import Piece, joined
from engine.data.kind import Report

PIXELS = ("x", "images", "pixels", "data")
LABELS = ("y", "labels", "label", "targets")
PARTS = {
    "": "train",
    "train": "train",
    "val": "dev",
    "valid": "dev",
    "dev": "dev",
    "test": "test",
}
CLASSES = ("classes", "class_names")


def read_packs(arrays: Arrays, report: Report) -> Images | None:
    """None where errors of the report leave an image out."""
    names = _names(arrays)
    if "jpeg" in arrays and "offset" in arrays:
        piece = _jpegs(arrays, report)
        return joined(arrays.name, [piece], names) if piece else None
    pieces = [
        piece for word, part in PARTS.items() if (piece := _arrays(arrays, word, part)) is not None
    ]
    if not pieces:
        there = ", ".join(sorted(arrays.keys())[:12]) or "nothing"
        raise UserError(
            arrays.name,
            f"expected arrays x and y, images and labels, x_train and so on, or jpeg, offset and "
            f"y; there are: {there}",
        )
    return joined(arrays.name, pieces, names)


def holds_images(arrays: Arrays) -> bool:
    """By the names of the arrays."""
    return "jpeg" in arrays or any(_key(arrays, PIXELS, word) for word in PARTS)


def _names(arrays: Arrays) -> tuple[str, ...] | None:
    """What the classes are called, if an array says it."""
    key = next((key for key in CLASSES if key in arrays), None)
    if key is None:
        return None
    names = arrays[key]
    texts = tuple(str(name) for name in names.ravel().tolist())
    if names.ndim != 1 or names.dtype.kind != "U" or len({*texts}) < len(texts) or not texts:
        raise UserError(f"{key}.npy", "expected texts in one row, each once: names of classes")
    return texts


def _arrays(arrays: Arrays, word: str, part: str) -> Piece | None:
    """x and y, x_train and y_train, train_images and train_labels, and so on."""
    pixels, labels = _key(arrays, PIXELS, word), _key(arrays, LABELS, word)
    if pixels is None and labels is None:
        return None
    if pixels is None or labels is None:
        there, other = pixels or labels, "labels" if labels is None else "images"
        raise UserError(f"{there}.npy", f"without its {other}; expected an array of {other} too")
    header = arrays.header(pixels)
    if header.dtype != np.uint8:
        raise UserError(
            f"{pixels}.npy", f"numbers of type {header.dtype}; expected uint8, 0 to 255"
        )
    if len(header.shape) in (3, 4):
        count, height, width = header.shape[:3]
        require_room(count, height, width, *(header.shape[3:] or (1,)), where=f"{pixels}.npy")
    return Piece(f"{pixels}.npy", part, arrays[pixels], _labels(arrays, labels), f"{labels}.npy")


def _key(arrays: Arrays, known: tuple[str, ...], word: str) -> str | None:
    names = [(name, f"{name}_{word}", f"{word}_{name}") for name in known]
    keys = [key for bare, *parted in names for key in (parted if word else [bare])]
    return next((key for key in keys if key in arrays), None)


def _labels(arrays: Arrays, key: str) -> np.ndarray:
    """(n,) whole numbers or texts; a single column, as of MedMNIST, is one too."""
    labels = arrays[key]
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iuU":
        raise UserError(f"{key}.npy", "expected whole numbers or texts in one row: a class each")
    return labels


def _jpegs(arrays: Arrays, report: Report) -> Piece | None:
    """Image i is jpeg[offset[i]:offset[i + 1]]."""
    raw, offset, labels = arrays["jpeg"], arrays["offset"], _labels(arrays, "y")
    if raw.dtype != np.uint8 or raw.ndim != 1:
        raise UserError("jpeg.npy", "expected uint8 in one row: files back to back")
    if offset.dtype.kind not in "iu" or offset.ndim != 1 or offset.size < 2:
        raise UserError("offset.npy", "expected whole numbers in one row: where each file begins")
    offset = offset.astype(np.int64)
    sizes = np.diff(offset)
    if offset[0] < 0 or offset[-1] > raw.size or (sizes <= 0).any() or (sizes > MAX_FILE).any():
        raise UserError(
            "offset.npy", f"expected to rise from 0 or more to at most the {raw.size:,} of jpeg"
        )
    stack = Stack(sizes.size, report)
    for at, (start, end) in enumerate(zip(offset.tolist(), offset[1:].tolist(), strict=False)):
        stack.add(at, raw[start:end].tobytes(), f"jpeg.npy image {at}")
    if report.failed:
        return None
    stack.tell("jpeg.npy")
    return Piece("jpeg.npy", "train", stack.pixels, labels, "y.npy")
