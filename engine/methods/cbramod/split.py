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
from engine.methods.cbramod.windows import RATE

if TYPE_CHECKING:
    from engine.methods.cbramod.params import CBraModParams
    from engine.methods.cbramod.windows import Windows


DRAWS = 100  # of validation units, before more of them are taken


@dataclass(frozen=True, eq=False)
class Part:
    """One fold, as places of windows; no window is in two of the three, and no unit that tests is
    in another."""

    name: str
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray  # in pre-training those that are left alone


def units(windows: Windows, params: CBraModParams) -> np.ndarray:
    """(n,) what is never split: the subject of each window, or its recording."""
    return windows.subject if params.split_by == "subject" else windows.recording


def folds(
    windows: Windows, params: CBraModParams, *, rng: np.random.Generator, tested: bool
) -> list[Part]:
    """Cross-validation, or one fold where test units are named. Without `tested` all others train,
    as in pre-training: those to be tested by some other job are left alone."""
    unit = units(windows, params)
    names = np.unique(unit)
    if not windows.named:
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
        return [_fold("all", windows, tuple(params.test_units), params, rng)]
    parts = _tested(windows, params, rng)
    for part in parts:
        if one_class(windows, part.train):
            known = windows.label(part.train[0])
            two = "two classes" if windows.classes else "two numbers"
            raise UserError(
                "test_units" if params.test_units else "folds",
                f"fold {part.name} would train on {known!r} alone; expected {two} or more "
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
    if params.val_units:
        return "expected fewer val_units"
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
        val = np.isin(unit, _drawn(windows, unit, others, count, rng))
    tested = np.isin(unit, test)
    train = ~(val | tested)
    if len(others) == 1 and val.any():
        train &= ~_overlapping(windows, val)
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


def _drawn(
    windows: Windows, unit: np.ndarray, others: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """So many of the others, to validate. Where each has one label, as a diagnosis, a few may all
    have the same, and would choose whatever answers it most often: then they are drawn anew, and
    where that does not help more of them, as long as more of them train. Ours."""
    some, second_best = rng.permutation(others)[:count], None
    if not windows.classes:
        return some
    first = some
    has = np.zeros((len(others), len(windows.classes)), bool)  # others are sorted
    here = np.isin(unit, others)
    has[np.searchsorted(others, unit[here]), windows.y[here]] = True
    for more in range(count, max(count, (len(others) - 1) // 2) + 1):
        for _ in range(DRAWS):
            val = np.isin(others, some)
            chooses, learns = (has[side].any(axis=0).sum() > 1 for side in (val, ~val))
            if chooses and learns:
                return some
            if learns and second_best is None:
                second_best = some
            some = rng.permutation(others)[:more]
    return first if second_best is None else second_best


def one_class(windows: Windows, which: np.ndarray) -> bool:
    """Whether some windows have one label between them, be it a class or a number."""
    return windows.y is not None and len(np.unique(windows.y[which])) < 2


def _overlapping(windows: Windows, val: np.ndarray) -> np.ndarray:
    """(n,) which windows share samples with the last ones of their recording, which are `val`."""
    found, length = np.zeros(len(windows), bool), windows.x.shape[2] / RATE
    for name in np.unique(windows.recording[val]):
        here = windows.recording == name
        found |= here & (windows.start > windows.start[here & val].min() - length + 1e-6)
    return found


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
