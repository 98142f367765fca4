"""Labels of flows: out of a table, or out of the names of folders or files."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import PurePosixPath

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Member
from engine.data.eeg.tables import read_table
from engine.data.kind import Report
from engine.data.traffic.flows import endpoints, keys
from engine.data.traffic.traffic import Flows, Labels

Row = dict[str, str]

# What columns are called, once in lower case and with "_" for whatever is no letter or digit.
CAPTURE = ("capture", "file", "filename", "file_name", "pcap", "trace")
L4 = ("l4", "proto", "protocol", "transport", "ip_proto")
SRC = ("src", "source", "src_ip", "source_ip", "ip_src", "srcip", "saddr", "id_orig_h")
SPORT = ("sport", "src_port", "source_port", "srcport", "id_orig_p")
DST = ("dst", "destination", "dst_ip", "destination_ip", "ip_dst", "dstip", "daddr", "id_resp_h")
DPORT = ("dport", "dst_port", "destination_port", "dstport", "dsport", "id_resp_p")
TUPLE = {"src": SRC, "sport": SPORT, "dst": DST, "dport": DPORT}
PROTOCOLS = {"tcp": 6, "6": 6, "udp": 17, "17": 17}

SAYS_LABEL = re.compile(r"(label|class|category|target|attack)|^y$")
MAX_CLASSES = 1000
# A text that is another in every second row is no class; few rows may well have as many classes.
LEAST_ROWS_PER_CLASS, FEW_CLASSES = 2, 32
MAX_FAULTS = 5  # rows told one by one
SHOWN = 3  # rows or names that a line shows


@dataclass(frozen=True)
class Columns:
    capture: str | None
    l4: str | None
    ends: dict[str, str] | None  # src, sport, dst, dport
    labels: tuple[str, ...]
    left_out: tuple[str, ...]


def is_labels(rows: tuple[Row, ...]) -> bool:
    """Does the table say which capture or which flow each row is of?"""
    columns = columns_of(rows)
    return bool(columns.labels) and bool(columns.capture or columns.ends)


def columns_of(rows: tuple[Row, ...]) -> Columns:
    if not rows:
        return Columns(None, None, None, (), ())
    names = {re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"): name for name in rows[0]}

    def first(known: tuple[str, ...]) -> str | None:
        return next((names[name] for name in known if name in names), None)

    found = {role: first(known) for role, known in TUPLE.items()}
    ends = found if all(found.values()) else None
    l4 = first(L4) if ends else None
    if l4 and not any(row[l4].lower() in PROTOCOLS for row in rows):
        l4 = None
    capture = first(CAPTURE)
    taken = {capture, l4, *(ends or {}).values()}
    labels = tuple(name for name in rows[0] if name not in taken and _is_label(name, rows))
    left_out = tuple(name for name in rows[0] if name not in {*taken, *labels})
    return Columns(capture, l4, ends, labels, left_out)


def _is_label(name: str, rows: tuple[Row, ...]) -> bool:
    values = Counter(row[name] for row in rows if row[name])
    most = max(FEW_CLASSES, values.total() // LEAST_ROWS_PER_CLASS)
    if not name or not values or len(values) > min(most, MAX_CLASSES):
        return False
    return bool(SAYS_LABEL.search(name.lower())) or not all(map(_is_number, values))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_labels(
    member: Member, flows: Flows, captures: tuple[str, ...], report: Report
) -> dict[str, Labels]:
    """The labels of a table, each column of them by itself."""
    rows = read_table(member)
    columns = columns_of(rows)
    if not columns.labels or not (columns.capture or columns.ends):
        raise UserError(
            member.name,
            "expected a header with capture, l4, src, sport, dst, dport and a column of labels, or "
            f"with capture and labels alone; it has {', '.join(rows[0]) if rows else 'no row'}",
        )
    row_of = match(rows, columns, flows, captures, where=member.name, report=report)
    labels = {}
    for name in columns.labels:
        texts = np.array([*(row[name] for row in rows), ""])[row_of]  # the last of flows with none
        labels[name] = labels_of(name, member.name, texts)
    known = int((row_of >= 0).sum())
    left_out = f"; not read as labels: {', '.join(columns.left_out)}" if columns.left_out else ""
    report.ok(
        member.name,
        f"{counted(len(rows), 'row')}; labels in {', '.join(columns.labels)}; "
        f"{known:,} of {counted(len(flows), 'flow')} have a row{left_out}",
    )
    return labels


def match(
    rows: tuple[Row, ...],
    columns: Columns,
    flows: Flows,
    captures: tuple[str, ...],
    *,
    where: str,
    report: Report,
) -> np.ndarray:
    """(F,) the row of each flow, -1 of none."""
    capture = _captures(rows, columns.capture, captures)
    elsewhere = np.flatnonzero(capture < 0)
    if elsewhere.size:
        report.warn(
            where,
            f"{counted(elsewhere.size, 'row')} of captures that are not here, as "
            f"{_some(rows, elsewhere, columns.capture)}",
        )
    usable = capture >= 0
    if columns.ends is None:
        by_capture = np.full(len(captures), -1)
        there = np.flatnonzero(usable)[::-1]  # of several rows the first stays
        by_capture[capture[there]] = there
        return by_capture[flows.capture]
    l4, one, other, sound = _tuples(rows, columns, where=where, report=report)
    usable &= sound
    at = np.flatnonzero(usable)
    mine = keys(
        flows.capture if columns.capture else np.zeros_like(flows.capture),
        flows.l4 if columns.l4 else np.zeros_like(flows.l4),
        endpoints(flows.src, flows.sport),
        endpoints(flows.dst, flows.dport),
    )[0]
    theirs = keys(capture[at], l4[at], one[at], other[at])[0]
    _, number = np.unique(np.concatenate([theirs, mine]), return_inverse=True)
    first_row = np.full(number.max(initial=0) + 1, -1)
    first_row[number[: at.size][::-1]] = at[::-1]
    found = first_row[number[at.size :]]
    _tell(rows, columns, at, number, found, where=where, report=report)
    return found


def _captures(rows: tuple[Row, ...], column: str | None, captures: tuple[str, ...]) -> np.ndarray:
    """(R,) the capture that each row names, with or without folder and suffix; else -1."""
    if column is None:
        return np.zeros(len(rows), np.int64)
    numbers: dict[str, int] = {}
    for shorten in (
        str,
        lambda name: PurePosixPath(name).name,
        lambda name: PurePosixPath(name).stem,
    ):
        names = [shorten(name) for name in captures]
        once = Counter(names)
        for at, name in enumerate(names):
            if once[name] == 1:
                numbers.setdefault(name, at)
    return np.array([numbers.get(row[column].strip("./"), -1) for row in rows], np.int64)


def _tuples(
    rows: tuple[Row, ...], columns: Columns, *, where: str, report: Report
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(R,) protocol, (R, 18) both ends, and (R,) which rows are of TCP or UDP."""
    ends = columns.ends
    l4 = [PROTOCOLS.get(row[columns.l4].lower(), 0) if columns.l4 else 0 for row in rows]
    sound = np.array([bool(number) or not columns.l4 for number in l4])
    if not sound.all():
        report.ok(where, f"{counted(int((~sound).sum()), 'row')} of neither TCP nor UDP left out")
    packed = np.zeros((len(rows), 2, 18), np.uint8)
    faults = 0
    for at in np.flatnonzero(sound):
        row = rows[at]
        try:
            for side, (ip, port) in enumerate((("src", "sport"), ("dst", "dport"))):
                packed[at, side] = np.frombuffer(_end(row[ends[ip]], row[ends[port]]), np.uint8)
        except ValueError as fault:
            faults += 1
            if faults <= MAX_FAULTS:
                report.error(where, f"row {at + 2}: {fault}")
    if faults > MAX_FAULTS:
        report.error(where, f"{faults - MAX_FAULTS:,} more of these")
    return np.array(l4, np.uint8), packed[:, 0].copy(), packed[:, 1].copy(), sound


def _end(address: str, port: str) -> bytes:
    try:
        known = ip_address(address.strip("[]"))
    except ValueError:
        raise ValueError(f"{address[:40]!a} is no IP address") from None
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"port {port[:20]!a}; expected 0 to 65535")
    mapped = known.packed if known.version == 6 else bytes(10) + b"\xff\xff" + known.packed
    return mapped + int(port).to_bytes(2, "big")


def _tell(
    rows: tuple[Row, ...],
    columns: Columns,
    at: np.ndarray,
    number: np.ndarray,
    found: np.ndarray,
    *,
    where: str,
    report: Report,
) -> None:
    """Rows without a flow, and rows of one flow that contradict each other."""
    shown = columns.ends["src"]
    lost = at[~np.isin(number[: at.size], number[at.size :])]
    if lost.size:
        report.warn(
            where,
            f"{counted(lost.size, 'row')} of flows that are not in the captures, as "
            f"{_some(rows, lost, shown)}",
        )
    first = np.full(number.max(initial=0) + 1, -1)
    first[number[: at.size][::-1]] = at[::-1]
    kept = first[number[: at.size]]
    again = [
        row
        for row, other in zip(at[kept != at], kept[kept != at], strict=True)
        if any(rows[row][name] != rows[other][name] for name in columns.labels)
    ]
    if again:
        report.warn(
            where,
            f"{counted(len(again), 'row')} of flows that have other labels above, as "
            f"{_some(rows, again, shown)}; the first row of a flow counts",
        )


def _some(rows: tuple[Row, ...], at: np.ndarray | list[int], column: str) -> str:
    shown = ", ".join(f"row {row + 2} ({rows[row][column][:60]})" for row in at[:SHOWN])
    return shown + (", …" if len(at) > SHOWN else "")


def labels_of(name: str, source: str, texts: np.ndarray) -> Labels:
    """Of (F,) texts, empty where there is no label."""
    classes, codes = np.unique(texts, return_inverse=True)
    empty = int(classes.size > 0 and classes[0] == "")
    return Labels(name, source, tuple(classes[empty:].tolist()), (codes - empty).astype(np.int32))
