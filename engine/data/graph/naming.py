"""What nodes are called in a file, and the number that each gets here.

The same rules hold for every format that names its nodes:

* ids that are exactly 0..N-1 are node numbers; exactly 1..N are node numbers plus one;
* other ids are names: nodes are numbered in the order in which the file lists them.

Without ids, row k of features and labels is node k and edges name node numbers, from 0, or
from 1 if 0 is absent and N is present. Edges alone: the ids that occur, in order.
"""

from __future__ import annotations

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.graph.build import MAX_FAULTS, Edges
from engine.data.graph.pairs import Pairs
from engine.data.graph.rows import Column, Matrix
from engine.data.kind import Report


def number_nodes(
    features: Matrix | None, labels: Column | None, report: Report
) -> np.ndarray | None:
    """The id of each node, None without both files; puts the rows of both in order."""
    both = [part for part in (features, labels) if part is not None]
    if not both:
        return None
    for part in both:
        if part.ids is not None:
            refuse_repeats(part)
            to_numbers(part, report)
    leader = next((part for part in both if part.ids is not None), None)
    if leader is None:
        _refuse_other_length(both)
        return np.arange(both[0].rows)
    for part in both:
        if part is not leader:
            _follow(part, leader, report)
    return leader.ids


def _refuse_other_length(both: list[Matrix | Column]) -> None:
    first, last = both[0], both[-1]
    if first.rows != last.rows:
        raise UserError(
            last.where,
            f"{counted(last.rows, 'row')}; {first.where} has {first.rows:,}: expected as many",
        )


def refuse_repeats(part: Matrix | Column) -> None:
    names, first = np.unique(np.asarray(part.ids), return_index=True)
    if names.size < part.rows:
        again = np.setdiff1d(np.arange(part.rows), first)[0]
        raise UserError(
            part.where,
            f"row {part.first_row + again}: node {show(part.ids[again])} is there twice{part.hint}",
        )


def to_numbers(part: Matrix | Column, report: Report) -> None:
    """Ids that are a full count from 0 or 1 are node numbers: sort by them."""
    if part.ids.dtype.kind != "i":
        report.ok(part.where, "nodes have names and are numbered by row")
        return
    low, high = int(part.ids.min()), int(part.ids.max())
    if high - low != part.rows - 1 or low not in (0, 1):
        report.warn(
            part.where,
            f"ids from {low} to {high} for {counted(part.rows, 'node')}: taken as names, and nodes "
            "are numbered by row",
        )
        return
    if low == 1:
        report.warn(part.where, "ids count from 1: node 1 of the file is node 0 here")
    part.reorder(np.argsort(part.ids))


def _follow(part: Matrix | Column, leader: Matrix | Column, report: Report) -> None:
    """Put `part` in the order of `leader`, by id where it has ids and else by row."""
    if part.ids is None:
        _refuse_other_length([leader, part])
        if not leader.sorted_by_id:
            report.warn(part.where, f"no id column: row by row as in {leader.where}")
        return
    if part.ids.dtype.kind != leader.ids.dtype.kind:
        raise UserError(
            part.where, f"ids unlike those of {leader.where}; expected the same in both"
        )
    order = np.argsort(leader.ids)
    at = np.searchsorted(leader.ids[order], part.ids).clip(max=leader.rows - 1)
    strange = np.flatnonzero(leader.ids[order][at] != part.ids)
    if strange.size:
        raise UserError(
            part.where,
            f"node {show(part.ids[strange[0]])} is not in {leader.where} "
            f"({strange.size:,} of these); expected the same nodes in both",
        )
    part.place(order[at], leader.rows, report)


def resolve(pairs: Pairs, ids: np.ndarray | None, *, report: Report) -> tuple[Edges, np.ndarray]:
    """Node numbers for what the edges name, and the id of each node."""
    if ids is None:
        numbers, ids = _fromedges_of(pairs, report)
        return edges_of(pairs, numbers), ids
    if pairs.names is not None:
        numbers = look_up(pairs, np.asarray(pairs.names), ids, report=report)[pairs.ends]
    else:
        numbers = _look_up_numbers(pairs, ids, report)
    return edges_of(pairs, numbers), ids


def names_of(ids: np.ndarray) -> np.ndarray | None:
    """Ids as people know them, (N,) text; None where they are the numbers of the nodes."""
    if ids.dtype.kind == "i" and (ids == np.arange(ids.size)).all():
        return None
    return ids.astype(str)


def edges_of(pairs: Pairs, numbers: np.ndarray) -> Edges:
    return Edges(pairs.where, numbers[:, 0], numbers[:, 1], pairs.weights)


def _fromedges_of(pairs: Pairs, report: Report) -> tuple[np.ndarray, np.ndarray]:
    if pairs.names is not None:
        names, numbers = np.unique(np.asarray(pairs.names), return_inverse=True)
        report.ok(pairs.where, f"{counted(names.size, 'named node')}, numbered by alphabet")
        return numbers[pairs.ends], names
    present, numbers = np.unique(pairs.ends, return_inverse=True)
    low, high = int(present[0]), int(present[-1])
    if low == 1 and high == present.size:
        report.warn(pairs.where, "ids count from 1: node 1 of the file is node 0 here")
    elif high >= present.size:
        report.warn(
            pairs.where,
            f"{counted(present.size, 'id')} between {low} and {high}, with gaps: numbered from 0 "
            "in order",
        )
    return numbers.reshape(pairs.ends.shape), present


def _look_up_numbers(pairs: Pairs, ids: np.ndarray, report: Report) -> np.ndarray:
    """Edges of numbers against ids of numbers."""
    positional = bool((ids == np.arange(ids.size)).all())
    low, high = int(pairs.ends.min()), int(pairs.ends.max())
    if positional and low >= 1 and high == ids.size:
        report.warn(
            pairs.where,
            f"node {ids.size} occurs and node 0 does not, of {counted(ids.size, 'node')}: ids are "
            "taken to count from 1",
        )
        return pairs.ends - 1
    if positional and high < ids.size:
        return pairs.ends
    return look_up(pairs, pairs.ends, ids, report=report)


def look_up(pairs: Pairs, named: np.ndarray, ids: np.ndarray, *, report: Report) -> np.ndarray:
    """The node of each name; names that no node has are errors with their rows."""
    order = np.argsort(ids)
    at = np.searchsorted(ids[order], named).clip(max=ids.size - 1)
    missing = ids[order][at] != named
    if missing.any():
        by_row = pairs.ends if pairs.names is not None else np.arange(named.size).reshape(-1, 2)
        wrong = missing.ravel()[by_row]
        rows = np.flatnonzero(wrong.any(axis=1))
        for row in rows[:MAX_FAULTS]:
            name = named.ravel()[by_row[row, np.argmax(wrong[row])]]
            report.error(
                pairs.where,
                f"{pairs.place.format(pairs.first_row + row)}: node {show(name)} does not exist; "
                f"expected {_span(ids)}",
            )
        if rows.size > MAX_FAULTS:
            report.error(pairs.where, f"{rows.size - MAX_FAULTS:,} more of these")
    return order[at]


def _span(ids: np.ndarray) -> str:
    if ids.dtype.kind == "i" and (ids == np.arange(ids.size)).all():
        return f"0 to {ids.size - 1}"
    return f"one of the {ids.size:,} ids, as {show(ids[0])}"


def show(name: object) -> str:
    return str(name) if isinstance(name, int | np.integer) else ascii(str(name)[:30])
