"""Labels of windows: where they come from, and what they are: places of classes, or numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import regex

from engine.core.errors import UserError
from engine.core.params import SPELLED
from engine.data.eeg.set_of import columns_of, half_labels, labels_beside, strangers_beside

if TYPE_CHECKING:
    from engine.data.eeg.recording import Recordings
    from engine.methods.cbramod.params import CBraModParams

SHOWN = 12  # labels that a message names
SHOWN_LETTERS = 80  # of a name
PATIENCE = 1.0  # seconds of a search in a name
LARGEST, FINEST = 1e30, 1e-5  # of numbers and of their spread to them, as weights of 32 bits hold


def label_source(found: Recordings, params: CBraModParams) -> str:
    """Where labels come from: as asked, or the first of table, annotations and name that tells
    windows apart."""
    if params.labels != "auto":
        return params.labels
    if labels_beside(found)[1]:
        return "table"
    texts = [{note.text for note in recording.annotations} for recording in found.recordings]
    if params.classes:
        texts = [some & set(params.classes) for some in texts]
    if any(len(some) > 1 for some in texts):
        return "annotations"
    # One text in each says as much as a name does, and is often the recorder's own: its length.
    named = of_recordings(found, params, "name")
    apart = len(named) == len(found.recordings) and len(set(named.values())) > 1
    return "name" if apart or len(set().union(*texts)) < 2 else "annotations"


def of_recordings(found: Recordings, params: CBraModParams, source: str) -> dict[str, str]:
    """The label of all windows of a recording, by the recording's name; those that have none are
    not in it."""
    if source == "name":
        pattern = regex.compile(params.label_pattern)
        matches = {one.name: _search(pattern, one.name) for one in found.recordings}
        named = {name: match[pattern.groups and 1] for name, match in matches.items() if match}
        return {name: label for name, label in named.items() if label is not None}
    if source == "table":
        told = labels_beside(found)[1]
        if not told:
            raise UserError("labels", _no_table(found))
        return told
    return {}


def _search(pattern: regex.Pattern[str], name: str) -> regex.Match[str] | None:
    try:
        return pattern.search(name, timeout=PATIENCE)
    except TimeoutError:
        raise UserError(
            "label_pattern",
            f"{pattern.pattern!r} searches {name[:SHOWN_LETTERS]!a} for more than {PATIENCE:g} s; "
            "expected one without repeats within repeats",
        ) from None


def _no_table(found: Recordings) -> str:
    strangers = strangers_beside(found)
    if strangers is None:
        half = [table for table, rows in found.tables.items() if rows and half_labels(table, rows)]
        there = f"; {half[0]} has {columns_of(found.tables[half[0]])}" if half else ""
        return f"no table beside the recordings has columns file and label{there}"
    table, _, name = strangers
    return (
        f"{table} names {name[:SHOWN_LETTERS]!a}, which is no recording here; expected names as "
        f"{found.recordings[0].file[:SHOWN_LETTERS]!a}"
    )


def there(found: Recordings, params: CBraModParams, source: str) -> set[str]:
    """Every label that the source has, asked for or not."""
    if source == "annotations":
        return {note.text for recording in found.recordings for note in recording.annotations}
    return set(of_recordings(found, params, source).values())


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
    if not params.classes and all(map(SPELLED[float].fullmatch, set(labels.tolist()))):
        fraction = next((text for text in labels.tolist() if not float(text).is_integer()), None)
        if fraction is not None:
            raise UserError(
                "target",
                f"the labels are fractions, {fraction} the first; expected number, or names of "
                "classes",
            )
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
