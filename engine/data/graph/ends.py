"""Which columns of a file of edges are the nodes and the weight: by a header, or by place."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.graph.rows import IDS
from engine.data.graph.table import SHOWN, Table, columns, is_number
from engine.data.kind import Report

# The first pair that a header names in full is taken, as Gephi, pandas and SNAP write them.
PAIRS = (
    *(("source", "target"), ("src", "dst"), ("source", "dest"), ("source", "destination")),
    *(("src", "dest"), ("from", "to"), ("u", "v"), ("head", "tail"), ("node1", "node2")),
    *(("id1", "id2"), ("start", "end"), ("node1id", "node2id"), ("fromnode", "tonode")),
    *(("fromnodeid", "tonodeid"), ("sourceid", "targetid"), ("user1", "user2")),
    *(("sourcenode", "targetnode"), ("citing", "cited"), ("i", "j")),
)
WEIGHTS = {"weight", "weights", "w", "value", "count", "strength"}
_ENDS = {name for pair in PAIRS for name in pair}


@dataclass(frozen=True)
class Layout:
    width: int  # columns of a row
    ends: tuple[int, int]
    weight: int | None


def is_header(first: list[str], second: list[str]) -> bool:
    if any(map(is_number, first)):
        return False
    if {_plain(cell) for cell in first} & _ENDS:
        return True
    return all(map(is_number, second)) and first != second


def layout_of(table: Table, report: Report) -> Layout:
    names = [_plain(name) for name in table.header or []]
    for pair in PAIRS:
        if all(end in names for end in pair):
            return _named(table, names, pair, report)
    if table.columns == 2:
        return Layout(2, (0, 1), None)
    if table.header and (table.columns > 3 or names[0] in IDS or names[2] not in WEIGHTS):
        shown = ", ".join(ascii(name[:SHOWN]) for name in table.header[:5])
        raise table.fault(
            table.first - 1,
            f"{columns(table.columns)} named {shown}; "
            "expected two that are named source and target",
        )
    if table.columns == 3:
        return Layout(3, (0, 1), 2)
    raise table.fault(
        table.first,
        f"{columns(table.columns)}; expected 2 (two nodes) or 3 (and a weight), or a header that "
        "names source and target",
    )


def _named(table: Table, names: list[str], pair: tuple[str, str], report: Report) -> Layout:
    ends = names.index(pair[0]), names.index(pair[1])
    weight = next((at for at, name in enumerate(names) if name in WEIGHTS), None)
    left = [at for at in range(len(names)) if at not in (*ends, weight)]
    if left:
        shown = ", ".join(ascii(table.header[at][:SHOWN]) for at in left[:5])
        more = f" and {len(left) - 5:,} more" if len(left) > 5 else ""
        report.warn(table.name, f"columns that are neither node nor weight left out: {shown}{more}")
    return Layout(table.columns, ends, weight)


def _plain(name: str) -> str:
    """`Node_1`, `node 1` and `node1` are one name."""
    return name.lower().replace("_", "").replace(" ", "").replace("-", "")
