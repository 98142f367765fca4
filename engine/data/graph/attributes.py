"""Named attributes of nodes, given one by one: which are features, and which is the class.

Features are either one list of numbers per node, under a name of `LISTS`, or every attribute
of single numbers, a column each. The class is the first name of `CLASSES` that fits.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.graph.build import FEW, refuse_excess
from engine.data.graph.graph import UNKNOWN
from engine.data.graph.npz import MAX_FEATURES
from engine.data.graph.table import MAX_NAME, SHOWN, is_number
from engine.data.kind import Report

# The surest name first: a node's "label" is often what a drawing calls it, and "y" its place.
CLASSES = ("class", "target", "category", "subject", "label", "labels", "group", "y")
LISTS = ("x", "features", "feature", "feat", "feats", "attributes", "attr")

Value = float | str


@dataclass
class _Column:
    """The numbers of one attribute that are not zero, as in any sparse matrix."""

    nodes: array = field(default_factory=lambda: array("i"))
    numbers: array = field(default_factory=lambda: array("d"))
    given: int = 0  # zeros included


@dataclass
class _Rows:
    """One list of numbers per node."""

    name: str
    width: int
    nodes: list[int] = field(default_factory=list)
    places: list[np.ndarray] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)


@dataclass
class Attributes:
    where: str
    columns: dict[str, _Column] = field(default_factory=dict)
    classes: dict[str, dict[int, Value]] = field(default_factory=dict)  # name: node: value
    rows: _Rows | None = None
    left_out: Counter = field(default_factory=Counter)  # names of attributes that are no numbers
    count: int = 0

    def declare(self, name: str) -> None:
        """Columns come in the order of their first mention."""
        if name not in self.columns:
            if len(self.columns) >= MAX_FEATURES:
                raise UserError(self.where, f"over {MAX_FEATURES:,} attributes, the most allowed")
            self.columns[name] = _Column()

    def add(self, node: int, name: str, value: Value) -> None:
        if name.lower() in CLASSES:
            if value == "":  # unknown, as in a table
                return
            self.classes.setdefault(name, {})[node] = value
        elif isinstance(value, str):
            self.left_out[name] += 1
        else:
            self._add_number(node, name, value)

    def add_list(self, node: int, name: str, cells: list[Any], *, place: str) -> None:
        """A row of features, if the name says so."""
        if name.lower() not in LISTS:
            self.left_out[name] += 1
            return
        if self.rows is None:
            if not 0 < len(cells) <= MAX_FEATURES:
                raise UserError(
                    self.where,
                    f"{place}: {name} of {len(cells):,} numbers; expected 1 to {MAX_FEATURES:,}",
                )
            self.rows = _Rows(name, len(cells))
        row = _row(cells, self.rows, name, where=self.where, place=place)
        self.rows.nodes.append(node)
        self.rows.places.append(np.flatnonzero(row).astype(np.int32))
        with np.errstate(over="ignore"):  # infinite here, and refused with its place later
            self.rows.values.append(row[self.rows.places[-1]].astype(np.float32))
        self._count(self.rows.places[-1].size)

    def labels(self, nodes: int, place: str, first: int, *, report: Report) -> np.ndarray | None:
        """(nodes,) of the first name that fits; the others are features. None: no class."""
        chosen: np.ndarray | None = None
        for name in sorted(self.classes, key=lambda name: CLASSES.index(name.lower())):
            values = self.classes[name]
            fault = "another attribute is the class" if chosen is not None else _unfit(values)
            if fault is None:
                chosen = _spread(values, nodes)
                report.ok(self.where, f"the class is the attribute {name[:SHOWN]!a}")
                if len(values) < nodes:
                    report.warn(self.where, f"no class for {counted(nodes - len(values), 'node')}")
                continue
            texts = sum(isinstance(value, str) for value in values.values())
            if 0 < texts < len(values):
                node = next(node for node, value in values.items() if isinstance(value, str))
                report.error(
                    self.where,
                    f"{place.format(first + node)}: {name[:SHOWN]!a} is text, and a number at "
                    "other nodes; expected one of both",
                )
            report.warn(self.where, f"{name[:SHOWN]!a} is not taken for the class: {fault}")
            for node, value in values.items():
                if isinstance(value, str):
                    self.left_out[name] += 1
                else:
                    self._add_number(node, name, value)
        return chosen

    def features(self, nodes: int, report: Report) -> csr_array | None:
        """(nodes, F), or None where there are none."""
        named = {name: column for name, column in self.columns.items() if column.given}
        if self.rows is None:
            matrix = self._from_columns(named, nodes, report=report) if named else None
        else:
            self.left_out.update(named.keys())
            matrix = self._from_rows(self.rows, nodes, report=report)
        if self.left_out:
            report.warn(
                self.where,
                f"attributes left out: {_listed(list(self.left_out))}; a class is looked for "
                f"under {', '.join(CLASSES)}",
            )
        return matrix

    def _from_rows(self, rows: _Rows, nodes: int, *, report: Report) -> csr_array:
        counts = np.zeros(nodes + 1, dtype=np.int64)
        counts[np.array(rows.nodes) + 1] = [place.size for place in rows.places]
        report.ok(self.where, f"features are the lists {rows.name!a}")
        absent = nodes - len(rows.nodes)
        if absent:
            report.warn(self.where, f"no features for {counted(absent, 'node')}: read as zeros")
        parts = (np.concatenate(rows.values), np.concatenate(rows.places), counts.cumsum())
        return csr_array(parts, shape=(nodes, rows.width))

    def _from_columns(self, named: dict[str, _Column], nodes: int, *, report: Report) -> csr_array:
        rows = np.concatenate([np.asarray(column.nodes) for column in named.values()])
        with np.errstate(over="ignore"):
            values = np.concatenate(
                [np.asarray(column.numbers).astype(np.float32) for column in named.values()]
            )
        sizes = [len(column.nodes) for column in named.values()]
        columns = np.repeat(np.arange(len(named), dtype=np.int32), sizes)
        report.ok(self.where, f"features are the attributes {_listed(list(named))}")
        absent = nodes * len(named) - sum(column.given for column in named.values())
        if absent:
            report.warn(self.where, f"{counted(absent, 'value')} of features absent: read as 0")
        return csr_array((values, (rows, columns)), shape=(nodes, len(named)))

    def _add_number(self, node: int, name: str, value: float) -> None:
        self.declare(name)
        column = self.columns[name]
        column.given += 1
        if value != 0:
            column.nodes.append(node)
            column.numbers.append(value)
            self._count(1)

    def _count(self, more: int) -> None:
        self.count += more
        refuse_excess(self.where, self.count)


def _row(cells: list[Any], rows: _Rows, name: str, *, where: str, place: str) -> np.ndarray:
    if name != rows.name:
        raise UserError(where, f"{place}: features under {name!a}, and {rows.name!a} elsewhere")
    if len(cells) != rows.width:
        raise UserError(
            where, f"{place}: {name} of {len(cells):,} numbers; expected {rows.width:,}, as before"
        )
    if set(map(type, cells)) <= {int, float, bool}:
        try:
            return np.array(cells, dtype=np.float64)
        except OverflowError as fault:
            raise UserError(where, f"{place}: {name} holds a number beyond 64 bits") from fault
    wrong = next(at for at, cell in enumerate(cells) if type(cell) not in (int, float, bool))
    raise UserError(where, f"{place}: {name}[{wrong}]: {_shown(cells[wrong])}; expected a number")


def _shown(value: Any) -> str:
    return ascii(value)[:SHOWN] if isinstance(value, str) else "null or nested"


def _unfit(values: dict[int, Value]) -> str | None:
    """Why these are no classes."""
    texts = [value for value in values.values() if isinstance(value, str)]
    if texts and len(texts) < len(values):
        return "it mixes text and numbers"
    if texts and not all(map(is_number, texts)):
        if len(texts) > 2 and len(set(texts)) == len(texts):
            return "it differs at every node, as a name does"
        if max(map(len, texts)) > MAX_NAME:
            return f"it is longer than {MAX_NAME} characters"
        return None
    numbers = [float(value) for value in values.values()]
    if all(number == number // 1 and abs(number) < 2**53 for number in numbers):  # not NaN
        return None
    return "its values are no whole numbers"


def _spread(values: dict[int, Value], nodes: int) -> np.ndarray:
    """(nodes,) whole numbers or text, unknown where there is no value."""
    places = np.fromiter(values, dtype=np.int64, count=len(values))
    given = list(values.values())
    if isinstance(given[0], str) and not all(map(is_number, given)):
        labels = np.full(nodes, "", dtype=np.array(given).dtype)
    else:
        labels = np.full(nodes, UNKNOWN, dtype=np.int64)
        given = [int(float(value)) for value in given]
    labels[places] = given
    return labels


def _listed(names: list[str]) -> str:
    shown = ", ".join(ascii(name[:SHOWN]) for name in names[:FEW])
    return shown + (f" and {len(names) - FEW:,} more" if len(names) > FEW else "")
