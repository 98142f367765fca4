"""Tables that give captures or flows a label: which column says what."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from engine.core.errors import UserError
from engine.data.archive import Member
from engine.data.tables import Row, read_table

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


@dataclass(frozen=True)
class Columns:
    """Names of columns by what they hold."""

    capture: str | None
    l4: str | None
    ends: dict[str, str] | None  # src, sport, dst, dport
    labels: tuple[str, ...]
    left_out: tuple[str, ...]


def plain(text: str) -> str:
    """A text of the user's as a line of a report shows it."""
    return ascii(text[:60])[1:-1]


@dataclass(frozen=True)
class LabelTable:
    """A table of labels as it was read. Row k stands in line k + 2 of the file."""

    name: str
    rows: tuple[Row, ...]
    columns: Columns


def is_labels(member: Member) -> bool:
    """Does the table say which capture or which flow each row is of?"""
    columns = columns_of(read_table(member))
    return bool(columns.labels) and bool(columns.capture or columns.ends)


def read_labels(member: Member) -> LabelTable:
    rows = read_table(member)
    columns = columns_of(rows)
    if not columns.labels or not (columns.capture or columns.ends):
        there = plain(", ".join(rows[0])) if rows else "no row"
        raise UserError(
            member.name,
            "expected a header with capture, l4, src, sport, dst, dport and a column of labels, or "
            f"with capture and labels alone; it has {there}",
        )
    return LabelTable(member.name, rows, columns)


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
