"""Labels of windows: where they come from, and what they are: places of classes, or numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import UserError
from engine.core.params import SPELLED
from engine.data.eeg.set_of import labels_beside

if TYPE_CHECKING:
    from engine.data.eeg.recording import Recording, Recordings
    from engine.methods.cbramod.params import CBraModParams

SHOWN = 12  # labels that a message names
LARGEST, FINEST = 1e30, 1e-5  # of numbers and of their spread to them, as weights of 32 bits hold


def label_source(found: Recordings, params: CBraModParams) -> str:
    """Where labels come from: as asked, or the first of table, annotations and name that tells
    windows apart."""
    if params.labels != "auto":
        return params.labels
    if labels_beside(found)[1]:
        return "table"
    texts = {note.text for recording in found.recordings for note in recording.annotations}
    texts &= set(params.classes) or texts
    return "annotations" if len(texts) > 1 else "name"


def label_of(
    recording: Recording, found: Recordings, params: CBraModParams, source: str
) -> str | None:
    """Of all windows of a recording; None where it has none."""
    if source == "name":
        match = re.search(params.label_pattern, recording.name)
        return None if match is None else match[match.re.groups and 1]
    if source == "table":
        _, told = labels_beside(found)
        if not told:
            raise UserError(
                "labels",
                "no table beside the recordings has columns file and label and names one of them",
            )
        return told.get(recording.name)
    return None


def there(found: Recordings, params: CBraModParams, source: str) -> set[str]:
    """Every label that the source has, asked for or not."""
    if source == "annotations":
        return {note.text for recording in found.recordings for note in recording.annotations}
    told = (label_of(recording, found, params, source) for recording in found.recordings)
    return {label for label in told if label is not None}


def few(names: set[str]) -> str:
    return ", ".join(sorted(names)[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def read(
    texts: np.ndarray, params: CBraModParams, where: Callable[[int], str], *, there: set[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """y (n,) and the classes, none of numbers; `where` names a label's place to people, `there`
    are the labels to choose classes from."""
    if params.target == "number":
        return numbers(texts, where), ()
    return numbered(texts, params, there)


def numbered(
    labels: np.ndarray, params: CBraModParams, there: set[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Classes in the order asked for, or by name."""
    classes = tuple(params.classes) or tuple(sorted(set(labels.tolist())))
    absent = sorted(set(classes) - set(labels.tolist()))
    if absent:
        raise UserError("classes", f"no window is labelled {absent[0]!r}; there are: {few(there)}")
    if len(classes) < 2:
        raise UserError("labels", f"all windows are labelled {classes[0]!r}; expected two classes")
    places = {name: place for place, name in enumerate(classes)}
    return np.array([places[label] for label in labels.tolist()], np.int64), classes


def numbers(labels: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
    """(n,) float64 of texts."""
    found = np.empty(len(labels))
    for at, text in enumerate(labels.tolist()):
        number = float(text) if SPELLED[float].fullmatch(text.strip()) else math.nan
        if not math.isfinite(number):
            raise UserError(
                where(at), f"the label {text!r} is no number; expected numbers, as target says"
            )
        found[at] = number
    if np.ptp(found) == 0:
        raise UserError("labels", f"all windows are labelled {found[0]:g}; expected two numbers")
    largest = int(np.abs(found).argmax())
    if abs(found[largest]) > LARGEST:
        raise UserError(
            where(largest), f"the label {str(labels[largest])!r}; expected at most ±{LARGEST:g}"
        )
    if np.ptp(found) < max(FINEST * abs(found[largest]), 1 / LARGEST):
        raise UserError(
            "labels",
            f"all lie between {found.min():.17g} and {found.max():.17g}, which weights of 32 bits "
            "cannot tell apart; expected them without what is common to all, or in a smaller unit",
        )
    return found
