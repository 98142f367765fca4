"""Who trains, who chooses, who judges: windows are split by whole subjects.

Two windows of one person are alike, so a split by windows would test what was trained on. Where
there is one subject, recordings can stand for subjects; the page then says so. Who tests is never
split. Where all that is left beside it is one subject (or recording), that one trains, and the last
windows of its recordings validate.
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
    """One fold, as places of windows; no window is in two of the three, and no unit that tests is
    in another."""

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
        return [_fold("all", windows, (), params, rng)]
    parts = _tested(windows, params, rng)
    for part in parts:
        if windows.classes and len(np.unique(windows.y[part.train])) < 2:
            known = windows.classes[windows.y[part.train[0]]]
            raise UserError(
                "test_units" if params.test_units else "folds",
                f"fold {part.name} would train on {known!r} alone; expected two classes or more "
                f"among those {params.split_by}s that are not tested and do not validate",
            )
    return parts


def _tested(windows: Windows, params: CBraModParams, rng: np.random.Generator) -> list[Part]:
    if params.test_units:
        return [_fold("given", windows, tuple(params.test_units), params, rng)]
    names = np.unique(units(windows, params))
    free = rng.permutation(np.setdiff1d(names, params.val_units))
    if params.folds > len(free):
        beside = " beside those that validate" if params.val_units else ""
        raise UserError(
            "folds", f"{counted(len(free), params.split_by)} for {params.folds} folds{beside}; "
            f"{_way(len(free), windows, params)}"
        )  # fmt: skip
    parts = np.array_split(free, params.folds)
    return [
        _fold(str(number), windows, tuple(part.tolist()), params, rng)
        for number, part in enumerate(parts)
    ]


def _way(most: int, windows: Windows, params: CBraModParams) -> str:
    """Out of having fewer units than folds."""
    if most > 1:
        return f"expected {most} folds at most"
    recordings = len(np.unique(windows.recording))
    if params.split_by == "subject" and recordings > 1:
        fewer = f" and folds={recordings}" if recordings < params.folds else ""
        return f"set split_by=recording{fewer}: there are {recordings} recordings"
    return f"expected two {params.split_by}s at least, one to train on and one to test"


def _fold(
    name: str,
    windows: Windows,
    test: tuple[str, ...],
    params: CBraModParams,
    rng: np.random.Generator,
) -> Part:
    unit = units(windows, params)
    others = np.setdiff1d(unit, test)
    if params.val_units:
        val = np.isin(unit, params.val_units)
    elif len(others) == 1:
        val = (unit == others[0]) & _last(windows, params.val_share)
    else:
        count = max(1, round(params.val_share * len(others)))
        val = np.isin(unit, rng.permutation(others)[:count])
    tested = np.isin(unit, test)
    train = ~(val | tested)
    if not train.any() or not val.any():
        named = next(
            (field for field in ("test_units", "val_units") if getattr(params, field)), None
        )
        many, work = counted(len(np.unique(unit)), params.split_by), "validate"
        raise UserError(
            named or "recordings",
            f"of {many} nothing is left to {work if train.any() else 'train'} on; expected "
            + ("fewer to be named" if named else "a recording of two windows or more"),
        )
    return Part(name, *map(np.flatnonzero, (train, val, tested)))


def _last(windows: Windows, share: float) -> np.ndarray:
    """(n,) true for the last `share` of each recording's windows, in time: one at least, but never
    all."""
    found = np.zeros(len(windows), bool)
    for name in np.unique(windows.recording):
        here = np.flatnonzero(windows.recording == name)
        count = min(len(here) - 1, max(1, round(share * len(here))))
        order = np.argsort(windows.start[here], kind="stable")
        found[here[order[len(here) - count :]]] = True
    return found


def divided(windows: Windows, part: Part, params: CBraModParams) -> bool:
    """Whether the units that validate in a fold are those that train in it."""
    unit = units(windows, params)
    return bool(np.isin(unit[part.val], unit[part.train]).any())
