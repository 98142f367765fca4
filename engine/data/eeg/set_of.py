"""What recordings are together: whose they are, which channels all have, how they are labelled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.eeg.naming import LONGEST, kind_of, named_subject, places_of, standard_name
from engine.data.eeg.recording import Cut, Recording, Recordings
from engine.data.eeg.tables import (
    FILE_COLUMNS,
    LABEL_COLUMNS,
    annotations_of,
    label_columns,
    labels_of,
)
from engine.data.kind import Report
from engine.data.tables import Row

FEW = 8  # names of a list that a line shows
OF_BIDS = ("events", "channels", "electrodes", "scans", "sessions", "participants")
MOST_KINDS = 20  # kinds of annotations that the facts name, the commonest

Tables = Mapping[str, tuple[Row, ...]]


def notes_beside(recording: Recording, tables: Tables, report: Report) -> Recording:
    """With the annotations of a BIDS *_events.tsv, where the file brings none of its own."""
    name = f"{recording.name.removesuffix('_eeg')}_events.tsv"
    if recording.annotations or name not in tables:
        return recording
    notes = annotations_of(tables[name], name, report)
    report.ok(recording.file, f"{counted(len(notes), 'annotation')} from {name}")
    return replace(recording, annotations=notes)


def labels_beside(found: Recordings) -> tuple[str, dict[str, str]]:
    """The tables that give recordings labels, and the label of each by its name. Refuses what says
    two things of a recording, and a name that is that of several."""
    called, told = _called(found), {}
    for table, rows in found.tables.items():
        for row, name, label in labels_of(rows):
            meant = called.get(_plain(name), [])
            if len(meant) > 1:
                raise UserError(
                    f"{table}, row {row}",
                    f"{name[:LONGEST]!a} is the name of {len(meant)} recordings, "
                    f"{meant[0][:LONGEST]!a} the first; expected the path of one",
                )
            if not meant:
                continue
            before = told.setdefault(meant[0], (table, row, label))
            if before[2] != label:
                raise UserError(
                    f"{table}, row {row}",
                    f"{name[:LONGEST]!a} is labelled {label[:LONGEST]!a}, and "
                    f"{before[2][:LONGEST]!a} in {before[0]}, row {before[1]}; expected one label "
                    "for each recording",
                )
    tables = dict.fromkeys(table for table, _, _ in told.values())
    return ", ".join(tables), {name: label for name, (_, _, label) in told.items()}


def strangers_beside(found: Recordings) -> tuple[str, int, str] | None:
    """Of the first table of labels that names no recording here: it, its labels, and a name."""
    called = _called(found)
    for table, rows in found.tables.items():
        given = labels_of(rows)
        if given and not any(_plain(name) in called for _, name, _ in given):
            return table, len(given), given[0][1]
    return None


def _called(found: Recordings) -> dict[str, list[str]]:
    """Recordings by what a table may call them: path or name, with the suffix or without. A path
    is that of one recording, whatever others are called."""
    paths, names = defaultdict(list), defaultdict(list)
    for recording in found.recordings:
        both = (recording.file, recording.name)
        for path in {_plain(path) for path in both}:
            paths[path].append(recording.name)
        for name in {_plain(path).rpartition("/")[2] for path in both}:
            names[name].append(recording.name)
    return names | paths


def _plain(path: str) -> str:
    """As people write one path in several ways: other slashes, other case."""
    return path.replace("\\", "/").removeprefix("./").casefold()


def agree(found: Recordings, report: Report) -> None:
    """Lines about what differs between recordings, and about what is no EEG among the channels."""
    if found.cut is not None:
        pairs = zip(found.cut.channels, map(kind_of, found.cut.channels), strict=True)
        _tell_others(Counter(pairs), report, of="the windows")
        _tell_twins("the windows", found.cut.eeg, report)
        _tell_classes(found.cut, report)
        return
    pairs = Counter(
        pair
        for recording in found.recordings
        for pair in zip(recording.channels, recording.kinds, strict=True)
    )
    count = len(found.recordings)
    _tell_others(pairs, report, of=counted(count, "recording"))
    for recording in found.recordings:
        if _tell_twins(recording.file, recording.eeg, report):
            break
    _tell_channels(found, report)
    _tell_subjects(found, report)
    rates = Counter(recording.sfreq for recording in found.recordings)
    if len(rates) > 1:
        listed = ", ".join(f"{rate:g} Hz ({times})" for rate, times in rates.most_common(FEW))
        report.warn("recordings", f"sampling rates differ: {listed}")
    _tell_halves(found, report)
    table, labels = labels_beside(found)
    if labels:
        _tell_labels(table, labels, count, report)
        _tell_unknown(found, report)
        return
    strangers = strangers_beside(found)
    if strangers is not None:
        table, many, name = strangers
        report.warn(
            table,
            f"{counted(many, 'label')}, none of a recording that is here, {name[:LONGEST]!a} the "
            "first; expected names of files",
        )


def facts(found: Recordings) -> dict[str, Any]:
    """Every fact of the card."""
    cut, common = found.cut, found.common
    kinds = Counter(note.text for one in found.recordings for note in one.annotations)
    source, classes = _labels(found, kinds)
    if cut is None:
        seconds = sum(recording.seconds for recording in found.recordings)
        rates = sorted({recording.sfreq for recording in found.recordings})
    else:
        seconds, rates = cut.seconds, [cut.sfreq]
    return {
        "recordings": len(found.recordings),
        "windows": 0 if cut is None else int(cut.x.shape[0]),
        "subjects": len(found.subjects),
        "hours": round(seconds / 3600, 4),
        "channels": len(common),
        "channel_names": list(common),
        "sfreq": [round(rate, 3) for rate in rates],
        "annotations": kinds.total(),
        "annotation_kinds": [text[:LONGEST] for text, _ in kinds.most_common(MOST_KINDS)],
        "labels": classes > 1 or (cut is not None and cut.numeric),
        "classes": classes,
        "label_source": source,
        "tables": list(found.tables),
    }


def _labels(found: Recordings, kinds: Counter) -> tuple[str, int]:
    """Where labels come from, and how many classes there are: y, a table, or annotations."""
    if found.cut is not None:
        if found.cut.y is None:
            return "", 0
        return "y", 0 if found.cut.numeric else len(np.unique(found.cut.y))
    table, labels = labels_beside(found)
    if labels:
        return table, len(set(labels.values()))
    return ("annotations", len(kinds)) if kinds else ("", 0)


def _tell_others(pairs: Counter, report: Report, *, of: str) -> None:
    others = defaultdict(list)
    for channel, kind in pairs:
        if kind != "eeg":
            others[kind].append(channel)
    for kind, channels in others.items():
        names = ", ".join(ascii(name)[1:-1] for name in channels[:FEW])
        more = len(channels) - FEW
        report.warn(
            "channels",
            f"{kind} and no EEG, in {of}: {names}{f' and {more:,} more' if more > 0 else ''}; "
            "methods leave them out unless told otherwise",
        )


def _tell_twins(where: str, channels: tuple[str, ...], report: Report) -> bool:
    """Whether, and which, channels stand for one electrode, of which methods take one."""
    called = defaultdict(list)
    for name in channels:
        called[standard_name(name)].append(name)
    twins = {name: several for name, several in called.items() if len(several) > 1}
    for name, several in list(twins.items())[:FEW]:
        taken = channels[places_of(channels)[name]]
        report.warn(
            where,
            f"{' and '.join(ascii(one)[1:-1] for one in several)} stand for one electrode; methods "
            f"take {ascii(taken)[1:-1]}",
        )
    return bool(twins)


def _tell_channels(found: Recordings, report: Report) -> None:
    common = found.common
    if not common:
        report.error(
            "recordings", "no channel of EEG is in all of them; upload those that share some"
        )
        return
    widest = max(found.recordings, key=lambda recording: len(recording.eeg))
    has = dict.fromkeys(map(standard_name, widest.eeg))
    if len(common) < len(has):
        lacks = {one.file: [*(has.keys() - set(map(standard_name, one.eeg)))]
                 for one in found.recordings}  # fmt: skip
        poorest = max(lacks, key=lambda file: len(lacks[file]))
        absent = [ascii(name)[1:-1] for name in has if name in lacks[poorest]]
        more = f" and {len(absent) - FEW:,} more" if len(absent) > FEW else ""
        report.warn(
            "recordings",
            f"channel lists differ: {poorest} has no {', '.join(absent[:FEW])}{more}, which "
            f"{widest.file} has; {len(common)} are common to all",
        )


def _tell_subjects(found: Recordings, report: Report) -> None:
    nameless = [one for one in found.recordings if named_subject(one.name) is None]
    if nameless and len(found.recordings) > 1:
        report.warn(
            "recordings",
            f"whose they are is not in the name of {counted(len(nameless), 'recording')}, "
            f"{nameless[0].name[:LONGEST]!a} the first: each is taken for a subject of its own, "
            "so a person with several would be on both sides of a split; expected names that begin "
            "with the subject, as sub-01 or S01",
        )
    _tell_folders(found, report)
    spelled = defaultdict(dict)
    for subject in found.subjects:
        spelled[subject.casefold()][subject] = None
    for several in spelled.values():
        if len(several) > 1:
            report.warn(
                "recordings",
                f"{' and '.join(list(several)[:FEW])} differ in case alone and are taken for "
                "several subjects, who would be on both sides of a split if they are one; expected "
                "one spelling",
            )
            break


def _tell_folders(found: Recordings, report: Report) -> None:
    """What is taken for a person and is in the folders of several."""
    homes = defaultdict(dict)
    for recording in found.recordings:
        folder = recording.name.rpartition("/")[0]
        person = named_subject(folder) if folder else None
        homes[recording.subject][person] = None
    for subject, people in homes.items():
        several = [person for person in people if person not in (None, subject)]
        if len(several) > 1:
            report.warn(
                "recordings",
                f"{subject[:LONGEST]} begins names in {len(several)} folders, "
                f"{several[0][:LONGEST]} the first, and is taken for one person: if the folders "
                "are people, each would be on both sides of a split; expected names that begin "
                "with the subject",
            )
            break


def _tell_labels(table: str, labels: dict[str, str], count: int, report: Report) -> None:
    sizes = Counter(labels.values())
    listed = ", ".join(f"{ascii(label)[1:-1]} ({n})" for label, n in sizes.most_common(FEW))
    report.ok(table, f"labels of {len(labels)} of {counted(count, 'recording')}: {listed}")
    if len(labels) < count:
        report.warn(table, f"no label for {counted(count - len(labels), 'recording')}")
    if len(sizes) < 2:
        report.warn(table, "labels of one class alone; expected two or more to tell apart")


def _tell_halves(found: Recordings, report: Report) -> None:
    """Tables that name files without a label, or labels without a file."""
    for table, rows in found.tables.items():
        if rows and half_labels(table, rows):
            report.warn(
                table,
                f"columns {columns_of(rows)}: it labels nothing; expected one of files "
                f"({', '.join(FILE_COLUMNS)}) and one of labels ({', '.join(LABEL_COLUMNS)})",
            )


def half_labels(table: str, rows: Sequence[Row]) -> bool:
    """Whether a table was meant to label recordings, by its name or its columns, and does not."""
    file, label = label_columns(rows)
    name = table.rpartition("/")[2].rpartition(".")[0].lower()
    if (file and label) or name.endswith(OF_BIDS):
        return False
    return "label" in name or file in FILE_COLUMNS[:3]


def columns_of(rows: Sequence[Row]) -> str:
    names = [ascii(name[:LONGEST])[1:-1] for name in rows[0]]
    return ", ".join(names[:FEW]) + (", …" if len(names) > FEW else "")


def _tell_unknown(found: Recordings, report: Report) -> None:
    """Rows of a table of labels that name no recording here."""
    called = _called(found)
    for table, rows in found.tables.items():
        given = labels_of(rows)
        unknown = [(row, name) for row, name, _ in given if _plain(name) not in called]
        if unknown and len(unknown) < len(given):
            row, name = unknown[0]
            report.warn(
                table,
                f"{counted(len(unknown), 'row')} left out, which name no recording here, "
                f"{name[:LONGEST]!a} in row {row} the first",
            )


def _tell_classes(cut: Cut, report: Report) -> None:
    if cut.y is None:
        report.warn("y", "no labels; the windows serve for training without labels alone")
        return
    classes, sizes = np.unique(cut.y, return_counts=True)
    if cut.numeric:
        report.ok("y", f"numbers, {classes[0]:.4g} to {classes[-1]:.4g}")
    else:
        listed = ", ".join(
            f"{ascii(str(one))[1:-1]} ({size})"
            for one, size in zip(classes[:FEW].tolist(), sizes.tolist(), strict=False)
        )
        report.ok("y", f"{counted(len(classes), 'class')}: {listed}")
        if len(classes) < 2:
            report.warn("y", "labels of one class alone; expected two or more to tell apart")
    if cut.subject is None:
        report.warn("subject", "not given: windows of one person could be on both sides of a split")
