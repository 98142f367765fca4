"""Graphs in text: a file of edges, and beside it one of features and one of labels.

How nodes are named is settled here. A file may carry an id column (a header that says so,
or names that are no numbers; for labels, a second column). Then:

* ids that are exactly 0..N-1 are node numbers; exactly 1..N are node numbers plus one;
* other ids are names: nodes are numbered by the rows of the file that has them.

Without an id column, row k of features and labels is node k and edges name node numbers,
from 0, or from 1 if 0 is absent and N is present. Edges alone: the ids that occur, in order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from engine.core.errors import UserError
from engine.data.archive import Member, Source, refuse_foreign
from engine.data.graph.build import FEW, MAX_FAULTS, Edges, Parts
from engine.data.graph.pairs import Pairs, read_pairs
from engine.data.graph.rows import Column, Matrix, read_features, read_labels
from engine.data.kind import Report

ROLES = {
    "edges": r"edges?|edge_?list|links",
    "features": r"features?|feats?|attributes?|attrs?",
    "labels": r"labels?|classes|targets?",
}
_TEXT = (".csv", ".tsv", ".txt", ".dat", "")


@dataclass(frozen=True)
class Files:
    edges: Member
    features: Member | None
    labels: Member | None


def files_of(source: Source, report: Report) -> Files:
    """Which member plays which role, by its name alone."""
    alone = next(iter(source), None)
    if alone and (source.single or (len(source.members) == 1 and not role_of(alone.name))):
        return Files(alone, None, None)
    found: dict[str, list[Member]] = {role: [] for role in ROLES}
    others: list[Member] = []
    for member in source:
        role = role_of(member.name)
        (found[role] if role else others).append(member)
    if others:
        report.ok(source.name, f"not part of a graph, left out: {_listed(others)}")
    for role, members in found.items():
        if len(members) > 1:
            names = _listed(members)
            raise UserError(source.name, f"{len(members)} files of {role} ({names}); expected one")
    if not found["edges"]:
        for member in source:
            refuse_foreign(member.head(), member.name)
        raise UserError(
            source.name, "no file of edges; expected edges.csv (.tsv, .txt) or a name in .edge"
        )
    chosen = {role: members[0] if members else None for role, members in found.items()}
    return Files(**chosen)  # type: ignore[arg-type]


def _listed(members: list[Member]) -> str:
    names = ", ".join(member.name for member in members[:FEW])
    return names + (f" and {len(members) - FEW:,} more" if len(members) > FEW else "")


def role_of(name: str) -> str | None:
    """`edges.csv`, `cora_edges.txt`, `acm.edge`: the last word of the stem, or the suffix."""
    base = name.rsplit("/", 1)[-1].lower()
    stem, dot, suffix = base.rpartition(".")
    if not dot:
        stem, suffix = base, ""
    for role, words in ROLES.items():
        if re.fullmatch(words, suffix):
            return role
        if f".{suffix}".rstrip(".") in _TEXT and re.fullmatch(rf"(.*[._ -])?({words})", stem):
            return role
    return None


def read_text(source: Source, report: Report) -> Parts | None:
    files = files_of(source, report)
    features = read_features(files.features, report) if files.features else None
    labels = read_labels(files.labels, report) if files.labels else None
    if report.failed:
        return None
    nodes, ids = _nodes(features, labels, report)
    pairs = read_pairs(files.edges, report, named=_named(ids))
    if pairs is None:
        return None
    edges, nodes = _resolve(pairs, ids, nodes, report=report)
    if report.failed:
        return None
    parts = Parts(nodes, edges)
    if features:
        parts.features, parts.features_where = features.values, features.where
    if labels:
        parts.labels, parts.labels_where = labels.values, labels.where
        parts.first_row = 0 if labels.ids is not None else labels.first_row
    return parts


def _named(ids: np.ndarray | None) -> bool | None:
    """Whether edges name nodes by text; None where the edges themselves must tell."""
    return None if ids is None else ids.dtype.kind != "i"


def _nodes(
    features: Matrix | None, labels: Column | None, report: Report
) -> tuple[int | None, np.ndarray | None]:
    """How many nodes there are, and the id of each; puts the rows of both files in order."""
    both = [part for part in (features, labels) if part is not None]
    if not both:
        return None, None
    for part in both:
        if part.ids is not None:
            _refuse_repeats(part)
            _to_numbers(part, report)
    leader = next((part for part in both if part.ids is not None), None)
    if leader is None:
        _refuse_other_length(both)
        return both[0].rows, np.arange(both[0].rows)
    for part in both:
        if part is not leader:
            _follow(part, leader, report)
    return leader.rows, leader.ids


def _refuse_other_length(both: list[Matrix | Column]) -> None:
    first, last = both[0], both[-1]
    if first.rows != last.rows:
        raise UserError(
            last.where, f"{last.rows:,} rows; {first.where} has {first.rows:,}: expected as many"
        )


def _refuse_repeats(part: Matrix | Column) -> None:
    names, first = np.unique(np.asarray(part.ids), return_index=True)
    if names.size < part.rows:
        again = np.setdiff1d(np.arange(part.rows), first)[0]
        raise UserError(
            part.where,
            f"row {part.first_row + again}: node {_show(part.ids[again])} is there twice",
        )


def _to_numbers(part: Matrix | Column, report: Report) -> None:
    """Ids that are a full count from 0 or 1 are node numbers: sort by them."""
    if part.ids.dtype.kind != "i":
        report.ok(part.where, "nodes have names and are numbered by row")
        return
    low, high = int(part.ids.min()), int(part.ids.max())
    if high - low != part.rows - 1 or low not in (0, 1):
        report.warn(
            part.where,
            f"ids from {low} to {high} for {part.rows:,} nodes: taken as names, and nodes are "
            "numbered by row",
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
            f"node {_show(part.ids[strange[0]])} is not in {leader.where} "
            f"({strange.size:,} such nodes); expected the same nodes in both",
        )
    part.place(order[at], leader.rows, report)


def _resolve(
    pairs: Pairs, ids: np.ndarray | None, nodes: int | None, *, report: Report
) -> tuple[Edges, int]:
    """Node numbers for what the edges name."""
    if ids is None:
        numbers, nodes = _from_edges(pairs, report)
        return _edges(pairs, numbers), nodes
    if pairs.names is not None:
        numbers = _look_up(pairs, np.asarray(pairs.names), ids, report=report)[pairs.ends]
    else:
        numbers = _look_up_numbers(pairs, ids, report)
    return _edges(pairs, numbers), nodes or 0


def _edges(pairs: Pairs, numbers: np.ndarray) -> Edges:
    return Edges(pairs.where, numbers[:, 0], numbers[:, 1], pairs.weights)


def _from_edges(pairs: Pairs, report: Report) -> tuple[np.ndarray, int]:
    if pairs.names is not None:
        names, numbers = np.unique(np.asarray(pairs.names), return_inverse=True)
        report.ok(pairs.where, f"{names.size:,} named nodes, numbered by alphabet")
        return numbers[pairs.ends], names.size
    present, numbers = np.unique(pairs.ends, return_inverse=True)
    low, high = int(present[0]), int(present[-1])
    if low == 1 and high == present.size:
        report.warn(pairs.where, "ids count from 1: node 1 of the file is node 0 here")
    elif high >= present.size:
        report.warn(
            pairs.where,
            f"{present.size:,} ids between {low} and {high}, with gaps: numbered from 0 in order",
        )
    return numbers.reshape(pairs.ends.shape), present.size


def _look_up_numbers(pairs: Pairs, ids: np.ndarray, report: Report) -> np.ndarray:
    """Edges of numbers against ids of numbers."""
    positional = bool((ids == np.arange(ids.size)).all())
    low, high = int(pairs.ends.min()), int(pairs.ends.max())
    if positional and low >= 1 and high == ids.size:
        report.warn(
            pairs.where,
            f"node {ids.size} occurs and node 0 does not, of {ids.size:,} nodes: ids are taken "
            "to count from 1",
        )
        return pairs.ends - 1
    if positional and high < ids.size:
        return pairs.ends
    return _look_up(pairs, pairs.ends, ids, report=report)


def _look_up(pairs: Pairs, named: np.ndarray, ids: np.ndarray, *, report: Report) -> np.ndarray:
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
                f"row {pairs.first_row + row}: node {_show(name)} does not exist; expected "
                f"{_span(ids)}",
            )
        if rows.size > MAX_FAULTS:
            report.error(pairs.where, f"{rows.size - MAX_FAULTS:,} more rows with such nodes")
    return order[at]


def _span(ids: np.ndarray) -> str:
    if ids.dtype.kind == "i" and (ids == np.arange(ids.size)).all():
        return f"0 to {ids.size - 1}"
    return f"one of the {ids.size:,} ids, as {_show(ids[0])}"


def _show(name: object) -> str:
    return str(name) if isinstance(name, int | np.integer) else ascii(str(name)[:30])
