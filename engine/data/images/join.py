"""Pieces of a data set, each of one part, joined into one array with one list of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import UserError
from engine.data.images.images import Images
from engine.data.parts import PARTS
from engine.data.text.table import ordered


@dataclass(frozen=True)
class Piece:
    where: str  # of the images
    part: str
    pixels: np.ndarray  # (n, height, width) or (n, height, width, channels) uint8
    labels: np.ndarray  # (n,) whole numbers or texts
    labels_where: str


def joined(name: str, pieces: list[Piece], names: tuple[str, ...] | None) -> Images:
    """`names` says what the numbers 0, 1, … are called; else each label is called as itself.

    Raises UserError, at the file or array, for other counts, sizes or labels than the rest has.
    """
    pieces = sorted(pieces, key=lambda piece: PARTS.index(piece.part))
    arrays = [_with_channels(piece) for piece in pieces]
    for piece, array in zip(pieces, arrays, strict=True):
        if piece.labels.shape != array.shape[:1]:
            raise UserError(
                piece.labels_where,
                f"{piece.labels.size:,} labels; expected {len(array):,}, one for each image",
            )
        if array.shape[1:] != arrays[0].shape[1:]:
            raise UserError(
                piece.where,
                f"images of {_size(array)}; expected {_size(arrays[0])}, as in {pieces[0].where}",
            )
    labels, classes = _coded(pieces, names)
    edges = np.cumsum([0, *(len(array) for array in arrays)])
    parts: dict[str, list[np.ndarray]] = {}
    for piece, start, end in zip(pieces, edges, edges[1:], strict=False):
        parts.setdefault(piece.part, []).append(np.arange(start, end, dtype=np.int64))
    pixels = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    rows = {part: np.concatenate(some) for part, some in parts.items()}
    return Images(name, pixels, labels, classes, rows)


def _with_channels(piece: Piece) -> np.ndarray:
    array = piece.pixels
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3) or not array.size:
        shape = " x ".join(map(str, piece.pixels.shape))
        raise UserError(
            piece.where,
            f"{shape} numbers; expected images x height x width, or with 1 or 3 channels last",
        )
    return array


def _size(array: np.ndarray) -> str:
    return f"{array.shape[2]} x {array.shape[1]} pixels, {array.shape[3]} channels"


def _coded(
    pieces: list[Piece], names: tuple[str, ...] | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    if names is None:
        written = np.concatenate([piece.labels.astype(str) for piece in pieces])
        classes = ordered({*written.tolist()})
        place = {label: code for code, label in enumerate(classes)}
        return np.array([place[label] for label in written.tolist()], np.int64), classes
    for piece in pieces:
        if piece.labels.dtype.kind not in "iu":
            raise UserError(piece.labels_where, "texts; expected numbers of the classes named")
        odd = np.flatnonzero((piece.labels < 0) | (piece.labels >= len(names)))
        if odd.size:
            raise UserError(
                piece.labels_where,
                f"label {piece.labels[odd[0]]} of image {odd[0]}; expected 0 to {len(names) - 1}, "
                "as many classes are named",
            )
    return np.concatenate([piece.labels for piece in pieces]).astype(np.int64), names
