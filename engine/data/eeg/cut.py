"""Windows that were cut before the upload: x, sfreq, ch_names, and y and subject if known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member, Source
from engine.data.arrays import open_arrays
from engine.data.eeg.files import LIMITS, MAX_CHANNELS, refuse_size
from engine.data.eeg.matlab import names_in, read_matlab, texts
from engine.data.eeg.naming import numbered
from engine.data.eeg.recording import Cut
from engine.data.kind import Report

NAMES = {
    "x": ("x", "X", "data"),
    "y": ("y", "Y", "label", "labels"),
    "sfreq": ("sfreq", "fs", "srate"),
    "ch_names": ("ch_names", "channels", "chans"),
    "subject": ("subject", "subjects", "groups"),
}
REQUIRED = ("x", "sfreq", "ch_names")


def holds_arrays(source: Source) -> bool:
    """Any npz."""
    return source.packed and all(name.endswith(".npy") for name in source.members)


def holds_cut(source: Source) -> bool:
    """An npz with an array x of windows and those that go with it."""
    return holds_arrays(source) and _complete(
        {name.removesuffix(".npy") for name in source.members}
    )


def is_cut(member: Member) -> bool:
    """A MATLAB file with a variable x and those that go with it."""
    return _complete(set(names_in(member)))


def _complete(names: set[str]) -> bool:
    return all(names & set(NAMES[name]) for name in REQUIRED)


def read_npz(path: Path, report: Report) -> Cut:
    with open_arrays(path, LIMITS) as arrays:
        found = _chosen(arrays.keys(), arrays.name, report)
        _refuse_shape(arrays.header(found["x"]).shape, arrays.name)
        return _cut(found, arrays.__getitem__, where=arrays.name, report=report)


def read_mat(member: Member, report: Report) -> Cut:
    variables = read_matlab(member, ())
    found = _chosen(list(variables), member.name, report)
    return _cut(found, variables.__getitem__, where=member.name, report=report)


def _chosen(keys: list[str], where: str, report: Report) -> dict[str, str]:
    found = {
        name: next(alias for alias in aliases if alias in keys)
        for name, aliases in NAMES.items()
        if any(alias in keys for alias in aliases)
    }
    absent = [name for name in REQUIRED if name not in found]
    if absent:
        there = ", ".join(ascii(key[:30]) for key in sorted(keys)[:12]) or "nothing"
        raise UserError(
            where,
            f"no {' and no '.join(absent)} among {there}; expected x (windows, channels, samples) "
            "in microvolt, sfreq in Hz and ch_names, and y and subject if known",
        )
    others = sorted(set(keys) - set(found.values()))
    if others:
        shown = ", ".join(ascii(key[:30]) for key in others[:12])
        report.ok(where, f"not needed and left out: {shown}")
    return found


def _cut(found: dict[str, str], get: Callable[[str], Any], *, where: str, report: Report) -> Cut:
    x = np.asarray(get(found["x"]))
    _refuse_shape(x.shape, where)
    if x.dtype.kind not in "iuf":
        raise UserError(where, f"x of type {x.dtype}; expected numbers, in microvolt")
    sfreq = np.asarray(get(found["sfreq"]))
    if sfreq.size != 1 or sfreq.dtype.kind not in "iuf" or not 0 < float(sfreq.item()) < 1e6:
        raise UserError(where, f"{found['sfreq']} of shape {sfreq.shape}; expected one rate in Hz")
    listed = _texts(get(found["ch_names"]))
    if len(listed) != x.shape[1]:
        raise UserError(
            where,
            f"{len(listed)} texts in {found['ch_names']}; expected a name for each of "
            f"{x.shape[1]} channels",
        )
    channels = numbered(listed, where, report)
    columns = {
        name: _column(
            get(found[name]), x.shape[0], f"{where}: {found[name]}", fractions=name == "y"
        )
        if name in found
        else None
        for name in ("y", "subject")
    }
    subject = columns["subject"]
    with np.errstate(over="ignore"):  # infinite here, and refused with its place later
        return Cut(
            x=x.astype(np.float32, order="C"),
            y=columns["y"],
            subject=None if subject is None else subject.astype(str),
            sfreq=float(sfreq.item()),
            channels=channels,
        )


def _refuse_shape(shape: tuple[int, ...], where: str) -> None:
    if len(shape) != 3 or 0 in shape or shape[1] > MAX_CHANNELS:
        raise UserError(where, f"x of shape {shape}; expected (windows, channels, samples)")
    refuse_size(where, channels=shape[1], samples=shape[0] * shape[2])


def _texts(value: Any) -> list[str]:
    """Of an array of texts, or of what MATLAB has for one."""
    if not isinstance(value, np.ndarray):
        return texts(value)
    if value.dtype.kind == "S":
        value = np.char.decode(value, "utf-8", "replace")
    return [str(one).strip() for one in value.ravel()] if value.dtype.kind == "U" else []


def _column(value: Any, windows: int, where: str, *, fractions: bool) -> np.ndarray:
    """(n,) whole numbers or texts, one for each window; with `fractions` other numbers too."""
    column = value if isinstance(value, np.ndarray) else np.array(texts(value))
    if column.ndim == 2 and 1 in column.shape:  # as MATLAB has every row and column
        column = column.ravel()
    if column.shape != (windows,):
        raise UserError(
            where, f"shape {column.shape}; expected one for each of {windows:,} windows"
        )
    if column.dtype.kind in "SU":
        found = np.array(_texts(column))
        empty = np.flatnonzero(found == "")
        if len(empty):
            raise UserError(where, f"an empty text at window {empty[0]:,}; expected one for each")
        return found
    if column.dtype.kind in "iub":
        return column.astype(np.int64)
    if column.dtype.kind == "f":
        odd = np.flatnonzero(~np.isfinite(column))
        if len(odd):
            raise UserError(where, f"{column[odd[0]]} at window {odd[0]:,}; expected numbers")
        if (column == np.floor(column)).all():
            return column.astype(np.int64)
        if fractions:
            return column
    expected = "numbers or texts" if fractions else "whole numbers or texts"
    raise UserError(where, f"type {column.dtype}; expected {expected}")
