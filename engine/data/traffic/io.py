"""Reads captures of network traffic: the doorway of this kind."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Member, Source, open_source
from engine.data.kind import Line, Report
from engine.data.traffic.decode import REASONS, Fields, decode, joined
from engine.data.traffic.files import LIMITS, is_capture, reader_of, sorted_out
from engine.data.traffic.flows import group
from engine.data.traffic.labels import LabelTable, is_labels, read_labels
from engine.data.traffic.matching import labelled, labels_by
from engine.data.traffic.named import named_labels
from engine.data.traffic.records import batches
from engine.data.traffic.tell import facts, tell, tell_table
from engine.data.traffic.traffic import Capture, Flows, Labels, Traffic, running

MAX_PACKETS = 200_000  # of all captures together; a load may ask for more
FEW = 8  # names of a list that a line shows

__all__ = ["check", "facts", "load", "preview", "sniff"]


def sniff(path: Path) -> bool:
    try:
        with open_source(path, LIMITS) as source:
            return any(map(is_capture, source)) or (
                source.single and any(map(is_labels, sorted_out(source).tables))
            )
    except UserError:
        return False


def check(path: Path, report: Report) -> None:
    found = _read(path, MAX_PACKETS, report)
    if isinstance(found, Traffic):
        for line in found.label_faults:
            report.error(line.where, line.text)
    if found is None or report.failed:
        return
    if isinstance(found, LabelTable):
        tell_table(found, report)
    else:
        tell(found, report)
    report.facts = facts(found)


def load(
    path: Path, labels: Path | None = None, max_packets: int = MAX_PACKETS
) -> Traffic | LabelTable:
    """The captures of a file, a folder or a zip; or a lone table, for `matching.labelled`.

    `labels` is such a table that lies elsewhere, and replaces what is found beside the captures. A
    broken table there gives no labels, and its faults: they are for whoever needs it to raise.

    Raises UserError for what is no capture, holds no flow, or is a broken table alone.
    """
    report = Report()
    found = _read(path, max_packets, report)
    if found is None or report.failed:
        raise report.fault()
    return found if labels is None else labelled(found, load(labels))


def preview(path: Path) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    from engine.data.traffic.picture import picture

    return picture(load(path))


def _read(path: Path, most: int, report: Report) -> Traffic | LabelTable | None:
    path = Path(path)
    with open_source(path, LIMITS) as source:
        files = sorted_out(source)
        if source.single and files.tables:
            return read_labels(files.tables[0])
        if not files.captures:
            raise UserError(source.name, _nothing(source))
        if files.others:
            report.ok(source.name, f"no captures, left out: {_names(files.others)}")
        captures, fields = _captures(files.captures, most, report)
        if fields is None:
            return None
        number = np.repeat(
            np.arange(len(captures), dtype=np.int32), [one.packets for one in captures]
        )
        packets, flows = group(number, fields)
        if not len(flows):
            raise UserError(source.name, _no_flow(captures))
        names = tuple(one.name for one in captures)
        known, faults = _labels(files.tables, flows, names, report)
    notices = tuple(line for line in report.lines if line.level == "warning")
    return Traffic(packets, flows, captures, known, notices, faults)


def _captures(
    members: list[Member], most: int, report: Report
) -> tuple[tuple[Capture, ...], Fields | None]:
    """Small captures first, so that each may use what these leave of an even share of packets.

    What cannot be read is left out, and is an error where nothing else is there.
    """
    read: dict[str, tuple[Capture, list[Fields]]] = {}
    faults: list[UserError] = []
    left = most
    for at, member in enumerate(sorted(members, key=lambda member: member.size)):
        try:
            capture, parts = _capture(member, left // (len(members) - at), report)
        except UserError as fault:
            faults.append(fault)
            continue
        left -= capture.packets
        read[member.name] = capture, parts
    for fault in faults:
        if read:
            report.warn(fault.where, f"left out: {fault.expected}")
        else:
            report.error(fault.where, fault.expected)
    found = [read[member.name] for member in members if member.name in read]
    parts = [part for _, some in found for part in some]
    return tuple(capture for capture, _ in found), joined(parts) if parts else None


def _capture(member: Member, most: int, report: Report) -> tuple[Capture, list[Fields]]:
    """One file, `most` packets of it at most."""
    reader = reader_of(member)
    faults: list[str] = []
    with member.open() as stream:
        records = reader(stream, member.name, faults)
        parts = [decode(batch) for batch in batches(records, most)]
        more = next(records, None) is not None
    packets = sum(part.time_ns.size for part in parts)
    if not packets:
        raise UserError(
            member.name, faults[0] if faults else "a header and no packet; expected one at least"
        )
    for fault in faults:
        report.warn(member.name, fault)
    if more:
        report.warn(
            member.name, f"only the first {counted(packets, 'packet')} read, to stay in bounds"
        )
    links: Counter = Counter()
    reasons: Counter = Counter()
    for part in parts:
        links.update(part.link.tolist())
        reasons.update(part.reason[part.reason > 0].tolist())
    seconds, pauses = running(np.concatenate([part.time_ns for part in parts]))
    return Capture(member.name, packets, links, reasons, pauses, float(seconds.max())), parts


def _labels(
    tables: list[Member], flows: Flows, captures: tuple[str, ...], report: Report
) -> tuple[dict[str, Labels], tuple[Line, ...]]:
    """Of the one table that has them, else of names; and the faults of a broken table, which has
    none."""
    of_labels = Report()
    try:
        known = _labels_of(tables, flows, captures, of_labels)
    except UserError as fault:
        of_labels.error(fault.where, fault.expected)
    if of_labels.failed:
        return {}, tuple(line for line in of_labels.lines if line.level == "error")
    for line in of_labels.lines:
        (report.warn if line.level == "warning" else report.ok)(line.where, line.text)
    return known, ()


def _labels_of(
    tables: list[Member], flows: Flows, captures: tuple[str, ...], report: Report
) -> dict[str, Labels]:
    if len(tables) > 1:
        tables = list(filter(is_labels, tables))
    if len(tables) > 1:
        raise UserError(tables[1].name, f"labels, as in {tables[0].name}; expected one such table")
    if tables:
        table = read_labels(tables[0])
        tell_table(table, report)
        return labels_by(table, flows, captures, report)
    return named_labels(flows, captures)


def _nothing(source: Source) -> str:
    there = _names(list(source)) or "nothing"
    return f"no capture among {there}; expected pcap or pcapng"


def _names(members: list[Member]) -> str:
    more = len(members) - FEW
    names = ", ".join(ascii(member.name[-60:]) for member in members[:FEW])
    return f"{names}{f' and {more:,} more' if more > 0 else ''}"


def _no_flow(captures: tuple[Capture, ...]) -> str:
    reasons = sum((capture.skipped for capture in captures), Counter())
    why = ", ".join(f"{count:,} {REASONS[reason]}" for reason, count in reasons.most_common())
    return f"no packet of TCP or UDP ({why}); expected one at least"
