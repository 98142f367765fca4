"""Reads recordings of EEG, or windows cut out of such: the doorway of this kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted, duration
from engine.data.archive import Member, Source, open_source
from engine.data.eeg import tables as text
from engine.data.eeg.brainvision import read_brainvision
from engine.data.eeg.cut import holds_arrays, holds_cut, is_cut, read_mat, read_npz
from engine.data.eeg.edf import read_edf
from engine.data.eeg.eeglab import read_eeglab
from engine.data.eeg.files import (
    LEAST_RATE,
    LEAST_SECONDS,
    LIMITS,
    MARKS,
    Files,
    format_of,
    sorted_out,
)
from engine.data.eeg.naming import kind_of
from engine.data.eeg.quality import measure, tell
from engine.data.eeg.recording import Cut, Recording, Recordings
from engine.data.eeg.set_of import agree, facts, notes_beside
from engine.data.kind import Report
from engine.data.tables import read_table

FEW = 8  # names of a list that a line shows

__all__ = ["check", "facts", "load", "preview", "sniff"]


def sniff(path: Path) -> bool:
    try:
        with open_source(path, LIMITS) as source:
            if holds_cut(source):
                return True
            files = sorted_out(source)
            marked = any(
                suffix not in MARKS or format_of(member.head(64)) == suffix
                for member, suffix in files.recordings
            )
            return (
                marked
                or any(map(text.is_recording, files.tables))
                or any(map(is_cut, files.matlab))
            )
    except UserError:
        return False


def check(path: Path, report: Report) -> None:
    found = _read(path, report)
    if found is None or report.failed:
        return
    _refuse_thin(found, Path(path).name, report)
    for recording in found.recordings:
        _look_at(recording, report)
    if found.cut is not None:
        _look_at_cut(found.cut, Path(path).name, report)
    agree(found, report)
    report.facts = facts(found)


def load(path: Path) -> Recordings:
    """Without a look at the samples of recordings, which are read, and refused where they are no
    numbers, when they are asked for."""
    report = Report()
    found = _read(path, report)
    if found is not None:
        _refuse_thin(found, Path(path).name, report)
    if found is None or report.failed:
        raise report.fault()
    if found.cut is not None and not np.isfinite([found.cut.x.min(), found.cut.x.max()]).all():
        window, channel, sample = np.argwhere(~np.isfinite(found.cut.x))[0]
        raise UserError(
            Path(path).name,
            f"x: NaN, infinite or too large for 32 bits in window {window}, channel "
            f"{found.cut.channels[channel]}, sample {sample}; expected numbers",
        )
    agree(found, report)
    return replace(found, remarks=report.warnings)


def preview(path: Path) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    from engine.data.eeg.picture import picture

    return picture(load(path))


def _read(path: Path, report: Report) -> Recordings | None:
    path = Path(path)
    with open_source(path, LIMITS) as source:
        if source.members and holds_arrays(source):
            return Recordings((), read_npz(path, report), {})
        files = sorted_out(source)
        if files.matlab:
            return _matlab(files, source, report)
        return _recordings(path, source, files, report)


def _matlab(files: Files, source: Source, report: Report) -> Recordings:
    if len(files.matlab) > 1 or files.recordings:
        raise UserError(
            source.name,
            f"{counted(len(files.matlab), '.mat file')} and "
            f"{counted(len(files.recordings), 'recording')}; expected one .mat, or recordings",
        )
    return Recordings((), read_mat(files.matlab[0], report), {})


def _recordings(path: Path, source: Source, files: Files, report: Report) -> Recordings | None:
    as_text = [member for member in files.tables if source.single or text.is_recording(member)]
    tables = [member for member in files.tables if member not in as_text]
    if not files.recordings and not as_text:
        raise UserError(source.name, _nothing(source))
    if files.others:
        names = ", ".join(member.name for member in files.others[:FEW])
        more = len(files.others) - FEW
        report.ok(
            source.name,
            f"not EEG, left out: {names}{f' and {more:,} more' if more > 0 else ''}",
        )
    known = {member.name: read_table(member) for member in tables}
    found = [
        recording
        for member, suffix in _firsts(files, source, report)
        if (recording := _one(member, suffix, path, source, files, report)) is not None
    ]
    for member in as_text:
        try:
            found.append(text.read_recording(member, path, report))
        except UserError as fault:
            report.error(fault.where, fault.expected)
    if report.failed:
        return None
    if not found:
        raise UserError(source.name, "no recording that could be read; expected one at least")
    found = [notes_beside(recording, known, report) for recording in found]
    _refuse_twins(found, source.name)
    return Recordings(tuple(sorted(found, key=lambda one: one.file)), None, known)


def _one(
    member: Member, suffix: str, path: Path, source: Source, files: Files, report: Report
) -> Recording | None:
    """One file, or None after an error: what is wrong with the others is told as well."""
    try:
        if suffix in (".edf", ".bdf"):
            return read_edf(member, path, report)
        if suffix == ".vhdr":
            return read_brainvision(member, path, files, report)
        if suffix == ".set":
            return read_eeglab(member, path, files, report)
        from engine.data.eeg.through_mne import read_through_mne

        return read_through_mne(member, path, source, suffix=suffix)
    except UserError as fault:
        report.error(fault.where, fault.expected)
        return None


def _firsts(files: Files, source: Source, report: Report) -> list[tuple[Member, str]]:
    """The recordings, of a split FIF the first part alone."""
    parts: dict[str, str] = {}
    fif = [member for member, suffix in files.recordings if suffix == ".fif"]
    if len(fif) > 1:
        from engine.data.eeg.through_mne import parts_of

        for member in fif:
            try:
                parts |= dict.fromkeys(parts_of(member, source), member.name)
            except UserError:
                continue  # told when it is read
    return [(member, suffix) for member, suffix in files.recordings if member.name not in parts]


def _refuse_twins(found: list[Recording], where: str) -> None:
    """Names are how methods and pages call recordings."""
    times = Counter(recording.name for recording in found)
    twice = next((name for name, count in times.items() if count > 1), None)
    if twice is not None:
        raise UserError(where, f"{twice[:80]!a} is there in several formats; expected one of them")


def _nothing(source: Source) -> str:
    there = ", ".join(ascii(name[-60:]) for name in list(source.members)[:FEW]) or "nothing"
    expected = (
        "EDF, BDF, GDF, FIF, EEGLAB .set, BrainVision .vhdr, a CSV with a column of time, or an "
        "npz or .mat with x, sfreq and ch_names"
    )
    return f"no recording among {there}; expected {expected}"


def _refuse_thin(found: Recordings, where: str, report: Report) -> None:
    """What is too short, or has too few samples a second, to be worked with."""
    lengths = [(one.file, one.samples, one.sfreq, "{}, {} long") for one in found.recordings]
    if found.cut is not None:
        lengths = [(where, found.cut.x.shape[2], found.cut.sfreq, "windows of {}, {}")]
    for name, samples, sfreq, words in lengths:
        if samples / sfreq < LEAST_SECONDS:
            report.error(
                name,
                f"{words.format(counted(samples, 'sample'), duration(samples / sfreq))}; expected "
                f"{LEAST_SECONDS:g} s or more",
            )
        if sfreq < LEAST_RATE:
            report.error(
                name,
                f"{sfreq:g} Hz; expected {LEAST_RATE:g} Hz or more, to hold EEG up to 45 Hz",
            )


def _look_at(recording: Recording, report: Report) -> None:
    """Every sample of one recording, and a line of what it is."""
    where = recording.file
    if not recording.eeg:
        report.error(where, "no channel of EEG; expected one at least")
    amplitudes = measure(recording.blocks(), len(recording.channels), recording.sfreq)
    median = tell(amplitudes, recording.channels, recording.kinds, where=where, report=report)
    notes = counted(len(recording.annotations), "annotation") if recording.annotations else ""
    report.ok(
        where,
        f"{counted(len(recording.channels), 'channel')} at {recording.sfreq:g} Hz, "
        f"{duration(recording.seconds)}{', ' if notes else ''}{notes}; EEG of {median:.3g} µV",
    )
    late = [note for note in recording.annotations if not 0 <= note.onset <= recording.seconds]
    if late:
        report.warn(
            where,
            f"{counted(len(late), 'annotation')} outside of the recording, at "
            f"{late[0].onset:g} s the first",
        )


def _look_at_cut(cut: Cut, where: str, report: Report) -> None:
    windows, channels, samples = cut.x.shape
    kinds = tuple(map(kind_of, cut.channels))
    amplitudes = measure(cut.x, channels, cut.sfreq)
    median = tell(amplitudes, cut.channels, kinds, where=where, report=report)
    report.ok(
        where,
        f"{counted(windows, 'window')} of {counted(channels, 'channel')} at {cut.sfreq:g} Hz, "
        f"{duration(samples / cut.sfreq)} each; EEG of {median:.3g} µV",
    )
    still = np.flatnonzero(np.ptp(cut.x, axis=2).max(axis=1) == 0)
    if still.size:
        report.warn(
            where, f"{counted(still.size, 'window')} flat in all channels, {still[0]} first"
        )
