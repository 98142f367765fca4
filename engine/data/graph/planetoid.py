"""Graphs in the raw form of Planetoid (Yang, Cohen, Salakhutdinov 2016): eight files `ind.NAME.*`.

`allx`, `ally` hold features and classes of the nodes 0..n-1, `tx`, `ty` those of the test
nodes, in the order of `test.index`; `graph` lists the neighbours of each node; `x`, `y` repeat
the first rows of `allx`, `ally` and mark the public training nodes. Seven of the files are
pickles, which `pickled.py` reads without opening them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Member, Source
from engine.data.graph.build import FEW, MAX_FAULTS, Edges, Parts
from engine.data.graph.graph import UNKNOWN
from engine.data.graph.npz import MAX_FEATURES, MAX_NODES, checked_csr
from engine.data.graph.pairs import MAX_ROWS
from engine.data.graph.pickled import read_pickle
from engine.data.kind import Report

ENDINGS = ("x", "y", "tx", "ty", "allx", "ally", "graph", "test.index")
VALIDATION = 500  # nodes of the public split, those after the training nodes
_NAME = re.compile(r"(?:.*/)?ind\.(?P<name>[^/]+?)\.(?P<ending>" + "|".join(ENDINGS) + ")")


@dataclass(frozen=True)
class _Labelled:
    """Rows of features and their classes: one of the pairs x and y, tx and ty, allx and ally."""

    features: csr_array  # (n, F)
    labels: np.ndarray  # (n,) int64, UNKNOWN where the row names no class


def holds_planetoid(source: Source) -> bool:
    return any(map(_NAME.fullmatch, source.members))


def read_planetoid(source: Source, report: Report) -> Parts | None:
    """The graph, or None after errors in the report."""
    files = _files(source)
    known, tests, train = (_labelled(files, prefix) for prefix in ("all", "t", ""))
    start = known.labels.size
    order = _test_index(files["test.index"], start, tests.labels.size)
    nodes = max(start, int(order.max(initial=-1)) + 1)
    _refuse_width(files["tx"], tests.features, known.features)
    _refuse_other_start(files, train, known)
    features, labels = _placed(known, tests, order, nodes)
    edges = _edges(files["graph"], nodes, report)
    if edges is None:
        return None
    absent = nodes - start - order.size
    if absent:
        report.warn(
            files["test.index"].name,
            f"{counted(absent, 'node')} from {start} to {nodes - 1} not named: no features and no "
            "class there",
        )
    report.ok(
        source.name,
        f"Planetoid files; their public split: train 0 to {train.labels.size - 1}, validation "
        f"{VALIDATION} from {train.labels.size} on, test the {order.size:,} nodes of test.index",
    )
    where = {"features_where": files["allx"].name, "labels_where": files["ally"].name}
    return Parts(nodes, edges, features=features, labels=labels, **where)


def _files(source: Source) -> dict[str, Member]:
    matches = [(_NAME.fullmatch(member.name), member) for member in source]
    names = sorted({match["name"] for match, _ in matches if match})
    if len(names) > 1:
        shown = ", ".join(ascii(name) for name in names[:FEW])
        raise UserError(
            source.name, f"Planetoid files of {len(names)} graphs ({shown}); expected 1"
        )
    files: dict[str, Member] = {}
    for match, member in matches:
        if match and files.setdefault(match["ending"], member) is not member:
            raise UserError(source.name, f"ind.{names[0]}.{match['ending']} is there twice")
    missing = [f"ind.{names[0]}.{ending}" for ending in ENDINGS if ending not in files]
    if missing:
        raise UserError(
            source.name, f"Planetoid files without {', '.join(missing)}; expected all eight"
        )
    return files


def _labelled(files: dict[str, Member], prefix: str) -> _Labelled:
    features = _features(files[f"{prefix}x"])
    labels = _classes(files[f"{prefix}y"])
    if features.shape[0] != labels.size:
        raise UserError(
            files[f"{prefix}y"].name,
            f"{labels.size:,} rows; {files[f'{prefix}x'].name} has {features.shape[0]:,}: "
            "expected as many",
        )
    return _Labelled(features, labels)


def _features(member: Member) -> csr_array:
    state = read_pickle(member)
    parts = ("indptr", "indices", "data")
    fits = isinstance(state, dict) and all(
        isinstance(state.get(part), np.ndarray) for part in parts
    )
    if not fits:
        raise UserError(member.name, "expected a scipy csr matrix of features")
    match state.get("_shape"):
        case (int() as rows, int() as columns) if (
            0 < rows <= MAX_NODES and 0 < columns <= MAX_FEATURES
        ):
            arrays = {part: state[part] for part in parts}
            return checked_csr((rows, columns), **arrays, where=f"{member.name} ")
        case shape:
            raise UserError(
                member.name,
                f"shape {str(shape)[:40]}; expected 1 to {MAX_NODES:,} rows and columns",
            )


def _classes(member: Member) -> np.ndarray:
    """(n,) int64: the column of the one in each row."""
    rows = read_pickle(member)
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or not rows.shape[1]:
        raise UserError(member.name, "expected an array with a row per node, a column per class")
    odd = np.argwhere((rows != 0) & (rows != 1))
    if odd.size:
        at, column = odd[0]
        raise UserError(
            member.name, f"row {at}, class {column}: {rows[at, column]}; expected 0 or 1"
        )
    several = np.flatnonzero((rows == 1).sum(axis=1) > 1)
    if several.size:
        raise UserError(
            member.name,
            f"row {several[0]} has several classes ({several.size:,} such rows); expected one each",
        )
    return np.where(rows.any(axis=1), rows.argmax(axis=1), UNKNOWN).astype(np.int64)


def _test_index(member: Member, start: int, expected: int) -> np.ndarray:
    """(expected,) int64: the node of each row of tx, all behind the nodes of allx."""
    lines = member.read(16 << 20).split()
    if len(lines) != expected:
        raise UserError(
            member.name, f"{len(lines):,} nodes; tx has {expected:,} rows: expected as many"
        )
    for row, line in enumerate(lines, start=1):
        if not re.fullmatch(rb"\d{1,9}", line) or not start <= int(line) < MAX_NODES:
            shown = ascii(line[:20].decode("latin-1"))
            raise UserError(
                member.name,
                f"row {row}: {shown}; expected a node behind allx, {start} to {MAX_NODES - 1}",
            )
    order = np.array(lines).astype(np.int64)
    first = np.unique(order, return_index=True)[1]
    if first.size < order.size:
        row = np.setdiff1d(np.arange(order.size), first)[0]
        raise UserError(member.name, f"row {row + 1}: node {order[row]} is there twice")
    return order


def _refuse_width(member: Member, features: csr_array, known: csr_array) -> None:
    if features.shape[1] != known.shape[1]:
        raise UserError(member.name, f"{features.shape[1]:,} features; allx has {known.shape[1]:,}")


def _refuse_other_start(files: dict[str, Member], train: _Labelled, known: _Labelled) -> None:
    """`x` and `y` are the first rows of allx and ally, or the files are not of one graph."""
    rows = train.labels.size
    if rows > known.labels.size or (train.labels != known.labels[:rows]).any():
        raise UserError(files["y"].name, "not the first rows of ally; expected files of one graph")
    _refuse_width(files["x"], train.features, known.features)
    with np.errstate(invalid="ignore"):  # NaN is refused later, with its place
        change = np.abs((train.features - known.features[:rows]).data)
    if (change > 0).any():
        raise UserError(files["x"].name, "not the first rows of allx; expected files of one graph")


def _placed(
    known: _Labelled, tests: _Labelled, order: np.ndarray, nodes: int
) -> tuple[csr_array, np.ndarray]:
    """Features (nodes, F) and labels (nodes,): the rows of allx, and each of tx at its node."""
    labels = np.full(nodes, UNKNOWN)
    labels[: known.labels.size] = known.labels
    labels[order] = tests.labels
    stacked = vstack((known.features, tests.features), format="coo")
    place = np.concatenate((np.arange(known.labels.size), order))
    shape = (nodes, known.features.shape[1])
    return csr_array((stacked.data, (place[stacked.row], stacked.col)), shape=shape), labels


def _edges(member: Member, nodes: int, report: Report) -> Edges | None:
    graph = read_pickle(member)
    if not isinstance(graph, dict) or not graph:
        raise UserError(member.name, "expected a dict with the neighbours of each node")
    strange = next((key for key in graph if not _is_node(key)), None)
    if strange is not None:
        raise UserError(member.name, f"key {str(strange)[:20]!a}; expected a node's number")
    loose = next((key for key, value in graph.items() if type(value) is not list), None)
    if loose is not None:
        raise UserError(member.name, f"node {loose}: expected a list of neighbours")
    counts = np.array([len(row) for row in graph.values()])
    if counts.sum() > MAX_ROWS:
        raise UserError(member.name, f"over {MAX_ROWS:,} neighbours, which is the most allowed")
    targets = [_neighbours(key, row, member.name) for key, row in graph.items()]
    sources = np.repeat(np.array(list(graph), dtype=np.int64), counts)
    edges = Edges(member.name, sources, np.concatenate(targets))
    wrong = np.flatnonzero((edges.sources >= nodes) | (edges.targets >= nodes))
    for at in wrong[:MAX_FAULTS]:
        report.error(
            member.name,
            f"node {edges.sources[at]}: neighbour {edges.targets[at]}; expected both from 0 to "
            f"{nodes - 1}",
        )
    if wrong.size > MAX_FAULTS:
        report.error(member.name, f"{wrong.size - MAX_FAULTS:,} more such neighbours")
    return None if wrong.size else edges


def _is_node(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _neighbours(node: int, row: list[Any], where: str) -> np.ndarray:
    strange = next((value for value in row if not _is_node(value)), None)
    if strange is not None:
        raise UserError(
            where, f"node {node}: neighbour {str(strange)[:20]!a}; expected a node's number"
        )
    return np.array(row, dtype=np.int64)
