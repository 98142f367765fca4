"""Who trains, who chooses, who judges: windows are split by whole subjects.

Two windows of one person are alike, so a split by windows would test what was trained on. Where
there is one subject, recordings can stand for subjects; the page then says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.methods.cbramod.windows import UNNAMED

if TYPE_CHECKING:
    from engine.methods.cbramod.params import CBraModParams
    from engine.methods.cbramod.windows import Windows


@dataclass(frozen=True, eq=False)
class Part:
    """One fold, as places of windows; no unit is in two of the three."""

    name: str
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray  # empty in pre-training


def units(windows: Windows, params: CBraModParams) -> np.ndarray:
    """(n,) what is never split: the subject of each window, or its recording."""
    return windows.subject if params.split_by == "subject" else windows.recording


def folds(
    windows: Windows, params: CBraModParams, *, rng: np.random.Generator, tested: bool
) -> list[Part]:
    """Cross-validation, or one fold where test units are named. Without `tested` all but the
    validation units train, as in pre-training."""
    unit = units(windows, params)
    names = np.unique(unit)
    if names.tolist() == [UNNAMED]:
        raise UserError(
            "recordings",
            "nobody says whose these windows are, so nobody can be left out to judge on; expected "
            "an array subject beside x, a name for each window, or the recordings themselves",
        )
    named = {"test_units": params.test_units, "val_units": params.val_units}
    for field, asked in named.items():
        absent = sorted(set(asked) - set(names.tolist()))
        if absent:
            shown = ", ".join(names[:8].tolist()) + (", …" if len(names) > 8 else "")
            raise UserError(field, f"no window is of {absent[0]}; there are: {shown}")
    if set(params.test_units) & set(params.val_units):
        raise UserError("val_units", "expected none of test_units")
    if not tested:
        return [_fold("all", unit, names, (), params, rng)]
    parts = _tested(unit, names, params, rng)
    for part in parts:
        if windows.classes and len(np.unique(windows.y[part.train])) < 2:
            known = windows.classes[windows.y[part.train[0]]]
            raise UserError(
                "test_units" if params.test_units else "folds",
                f"fold {part.name} would train on {known!r} alone; expected two classes or more "
                f"among those {params.split_by}s that are not tested and do not validate",
            )
    return parts


def _tested(
    unit: np.ndarray, names: np.ndarray, params: CBraModParams, rng: np.random.Generator
) -> list[Part]:
    if params.test_units:
        return [_fold("given", unit, names, tuple(params.test_units), params, rng)]
    free = rng.permutation(np.setdiff1d(names, params.val_units))
    most = len(free) if params.val_units else len(free) - 1  # someone is left to validate
    if params.folds > most:
        way = "set split_by=recording" if params.split_by == "subject" else "upload more of them"
        if most > 1:
            way = f"expected {most} folds at most"
        raise UserError(
            "folds", f"{counted(len(names), params.split_by)} for {params.folds} folds, of which "
            f"some validate; {way}"
        )  # fmt: skip
    parts = np.array_split(free, params.folds)
    return [
        _fold(str(number), unit, names, tuple(part.tolist()), params, rng)
        for number, part in enumerate(parts)
    ]


def _fold(
    name: str,
    unit: np.ndarray,
    names: np.ndarray,
    test: tuple[str, ...],
    params: CBraModParams,
    rng: np.random.Generator,
) -> Part:
    others = np.setdiff1d(names, test)
    if params.val_units:
        val = np.array(params.val_units)
    else:
        count = max(1, round(params.val_share * len(others)))
        val = rng.permutation(others)[:count]
    train = np.setdiff1d(others, val)
    if not len(train):
        raise UserError(
            "recordings", f"of {counted(len(names), params.split_by)} nobody is left to train on; "
            "expected one more than validate and are tested"
        )  # fmt: skip
    return Part(name, *(np.flatnonzero(np.isin(unit, part)) for part in (train, val, test)))
