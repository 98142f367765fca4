"""Which row of a table of labels is of which flow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from pathlib import PurePosixPath

import numpy as np

from engine.core.units import counted
from engine.data.kind import Line, Report
from engine.data.traffic.flows import endpoints, keys
from engine.data.traffic.labels import PROTOCOLS, LabelTable, plain
from engine.data.traffic.traffic import Flows, Labels, Traffic

MAX_FAULTS = 5  # rows told one by one
SHOWN = 3  # rows that a line shows


def labelled(found: Traffic, table: LabelTable) -> Traffic:
    """The same traffic with the labels of this table, and no others: a broken one beside the
    captures is only told.

    Raises UserError for a row whose addresses or ports are none.
    """
    report = Report()
    labels = labels_by(table, found.flows, found.capture_names, report)
    if report.failed:
        raise report.fault()
    unused = [
        Line("warning", line.where, f"not used, other labels were given: {line.text}")
        for line in found.label_faults[:1]
    ]
    notices = (*found.notices, *unused, *report.warnings)
    return replace(found, labels=labels, notices=notices, label_faults=())


def labels_by(
    table: LabelTable, flows: Flows, captures: Sequence[str], report: Report
) -> dict[str, Labels]:
    """The labels of a table, each column of them by itself."""
    row_of = match(table, flows, captures, report)
    labels = {}
    for name in table.columns.labels:
        texts = np.array([*(row[name] for row in table.rows), ""])[row_of]  # the last: no row
        labels[name] = labels_of(name, table.name, texts)
    known = int((row_of >= 0).sum())
    report.ok(table.name, f"{known:,} of {counted(len(flows), 'flow')} have a row")
    return labels


def labels_of(name: str, source: str, texts: np.ndarray) -> Labels:
    """Of (F,) texts, empty where there is no label."""
    classes, codes = np.unique(texts, return_inverse=True)
    empty = int(classes.size > 0 and classes[0] == "")
    return Labels(name, source, tuple(classes[empty:].tolist()), (codes - empty).astype(np.int32))


def match(table: LabelTable, flows: Flows, captures: Sequence[str], report: Report) -> np.ndarray:
    """(F,) the row of each flow, -1 of none; of several rows the first."""
    columns = table.columns
    capture = _captures(table, captures)
    elsewhere = np.flatnonzero(capture < 0)
    if elsewhere.size:
        report.warn(
            table.name,
            f"{counted(elsewhere.size, 'row')} of captures that are not here, as "
            f"{_some(table, elsewhere, columns.capture)}",
        )
    usable = capture >= 0
    if columns.ends is None:
        by_capture = np.full(len(captures), -1)
        there = np.flatnonzero(usable)
        by_capture[capture[there[::-1]]] = there[::-1]
        _tell_repeats(table, there, by_capture[capture[there]], report)
        return by_capture[flows.capture]
    l4, ends, sound = tuples(table, report)
    at = np.flatnonzero(usable & sound)
    theirs = keys(capture[at], l4[at], ends[at, 0], ends[at, 1])[0]
    mine = keys(
        flows.capture if columns.capture else np.zeros_like(flows.capture),
        flows.l4 if columns.l4 else np.zeros_like(flows.l4),
        endpoints(flows.src, flows.sport),
        endpoints(flows.dst, flows.dport),
    )[0]
    _, number = np.unique(np.concatenate([theirs, mine]), return_inverse=True)
    theirs, mine = number[: at.size], number[at.size :]
    first = np.full(number.max(initial=0) + 1, -1)
    first[theirs[::-1]] = at[::-1]
    _tell_lost(table, at[~np.isin(theirs, mine)], report)
    _tell_repeats(table, at, first[theirs], report)
    return first[mine]


def _captures(table: LabelTable, captures: Sequence[str]) -> np.ndarray:
    """(R,) the capture that each row names, with or without folder and suffix; else -1."""
    if table.columns.capture is None:
        return np.zeros(len(table.rows), np.int64)
    paths = [PurePosixPath(name) for name in captures]
    numbers: dict[str, int] = {}
    for names in (list(captures), [path.name for path in paths], [path.stem for path in paths]):
        once = Counter(names)
        for at, name in enumerate(names):
            if once[name] == 1:
                numbers.setdefault(name, at)
    named = [row[table.columns.capture].removeprefix("./") for row in table.rows]
    last = [PurePosixPath(name).name for name in named]  # the table may know folders above
    found = [
        numbers.get(name, numbers.get(part, -1)) for name, part in zip(named, last, strict=True)
    ]
    return np.array(found, np.int64)


def tuples(table: LabelTable, report: Report) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(R,) protocol, 0 if no column tells it; (R, 2, 18) both ends; (R,) which rows are of use.

    Only of a table that has columns for these. Rows that name no flow are errors with their line.
    """
    columns = table.columns
    l4 = [PROTOCOLS.get(row[columns.l4].lower(), 0) if columns.l4 else 0 for row in table.rows]
    sound = np.array(l4) > 0 if columns.l4 else np.ones(len(l4), bool)
    if not sound.all():
        others = counted(int((~sound).sum()), "row")
        report.ok(table.name, f"{others} of neither TCP nor UDP left out")
    ends = np.zeros((len(table.rows), 2, 18), np.uint8)
    faults = 0
    for at in np.flatnonzero(sound):
        row = table.rows[at]
        try:
            for side, (ip, port) in enumerate((("src", "sport"), ("dst", "dport"))):
                packed = _end(row[columns.ends[ip]], row[columns.ends[port]])
                ends[at, side] = np.frombuffer(packed, np.uint8)
        except ValueError as fault:
            faults += 1
            if faults <= MAX_FAULTS:
                report.error(table.name, f"row {at + 2}: {fault}")
    if faults > MAX_FAULTS:
        report.error(table.name, f"{faults - MAX_FAULTS:,} more of these")
    return np.array(l4, np.uint8), ends, sound


def _end(address: str, port: str) -> bytes:
    try:
        known = ip_address(address.strip("[]"))
    except ValueError:
        raise ValueError(f"{address[:40]!a} is no IP address") from None
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"port {port[:20]!a}; expected 0 to 65535")
    packed = known.packed if known.version == 6 else bytes(10) + b"\xff\xff" + known.packed
    return packed + int(port).to_bytes(2, "big")


def _tell_lost(table: LabelTable, lost: np.ndarray, report: Report) -> None:
    if lost.size:
        report.warn(
            table.name,
            f"{counted(lost.size, 'row')} of flows that are not in the captures, as "
            f"{_some(table, lost, table.columns.ends['src'])}",
        )


def _tell_repeats(table: LabelTable, at: np.ndarray, first: np.ndarray, report: Report) -> None:
    """Of rows `at`, those whose flow or capture has other labels in its `first` row."""
    ends, capture = table.columns.ends, table.columns.capture
    kind, column = ("flows", ends["src"]) if ends else ("captures", capture)
    other = [
        row
        for row, above in zip(at[first != at], first[first != at], strict=True)
        if any(table.rows[row][name] != table.rows[above][name] for name in table.columns.labels)
    ]
    if other:
        report.warn(
            table.name,
            f"{counted(len(other), 'row')} of {kind} that have other labels in a row above, which "
            f"counts, as {_some(table, np.array(other), column)}",
        )


def _some(table: LabelTable, at: np.ndarray, column: str) -> str:
    shown = ", ".join(f"row {row + 2} ({plain(table.rows[row][column])})" for row in at[:SHOWN])
    return shown + (", …" if at.size > SHOWN else "")
