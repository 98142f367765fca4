"""Reads a split: a JSON object with three lists of node numbers, counted from 0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data import strict_json
from engine.data.archive import Member, Source, open_source
from engine.data.kind import Report
from engine.data.split.split import PARTS, Split

MAX_JSON = 16 << 20  # bytes: 1,000,000 node numbers of 9 characters are 9 MB
MAX_NODE = 2**31 - 1  # sparse matrices index by 32 bits
MAX_FAULTS = 20  # shown per part; the rest is counted
MAX_BARS = 400  # of the index strip

Keys = dict[str, str]  # part -> its key in the file


def sniff(path: Path) -> bool:
    try:
        with open_source(path) as source:
            return any(_begins_a_split(member) for member in source)
    except UserError:
        return False


def check(path: Path, report: Report) -> None:
    split, keys = _read(path, report)
    if split is None:
        return
    report.facts = {part: int(nodes.size) for part, nodes in split.parts().items()}
    report.facts |= {"max_index": split.max_index, "keys": ", ".join(keys.values())}


def load(path: Path) -> Split:
    report = Report()
    split, _ = _read(path, report)
    if split is None:
        raise report.fault()
    return split


def preview(path: Path) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}.

    A bar per part, and a strip that shows where along the node numbers each part lies.
    """
    split = load(path)
    parts = split.parts()
    counts = [int(nodes.size) for nodes in parts.values()]
    total = sum(counts)
    rows = [
        [part, count, round(count / total, 4), int(nodes[0]), int(nodes[-1])]
        for (part, nodes), count in zip(parts.items(), counts, strict=True)
    ]
    return {
        "figures": [
            {"title": "Nodes per part", "figure": _bars(list(parts), counts)},
            {"title": "Where the parts lie", "figure": _strip(split)},
        ],
        "tables": [
            {
                "title": "Parts",
                "columns": ["part", "nodes", "share", "smallest", "largest"],
                "rows": rows,
            }
        ],
    }


def _read(path: Path, report: Report) -> tuple[Split | None, Keys]:
    with open_source(path) as source:
        member = _the_json(source)
        raw = member.read(MAX_JSON)
    if not raw.strip():
        raise UserError(member.name, "empty; expected a JSON object")
    content = strict_json.read(raw, member.name, expected="lists of node numbers", finite=True)
    if not isinstance(content, dict):
        raise UserError(
            member.name,
            f"{_type(content)} at the top; expected an object with idx_train, idx_val and idx_test",
        )
    keys = _keys(content, member.name)
    others = sorted(set(content) - set(keys.values()))
    if others:
        report.ok(member.name, f"ignored: {', '.join(ascii(key[:40]) for key in others[:8])}")
    parts = {part: _part(content[key], key, report) for part, key in keys.items()}
    if any(nodes is None for nodes in parts.values()):
        return None, keys
    _refuse_overlaps(parts, keys, report)
    if report.failed:
        return None, keys
    return Split(**parts), keys


def _the_json(source: Source) -> Member:
    if source.single:
        return next(iter(source))
    found = [member for member in source if member.name.lower().endswith(".json")]
    if len(found) != 1:
        raise UserError(source.name, f"{len(found)} .json files; expected exactly one")
    return found[0]


def _begins_a_split(member: Member) -> bool:
    """`train` as a key near the beginning of a JSON object."""
    head = member.head(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    return head.startswith(b"{") and any(
        f'"{prefix}{part}"'.encode() in head for part in PARTS for prefix in ("", "idx_")
    )


def _keys(content: dict[str, Any], where: str) -> Keys:
    keys: Keys = {}
    for part in PARTS:
        there = [key for key in (f"idx_{part}", part) if key in content]
        if len(there) > 1:
            raise UserError(where, f"both {there[0]} and {there[1]}; expected one of them")
        if not there:
            masks = f"{part}_mask" in content
            hint = "; a mask is not read: write the node numbers" if masks else ""
            raise UserError(where, f"no idx_{part} (or {part}); expected a list of nodes{hint}")
        keys[part] = there[0]
    return keys


def _part(entries: Any, key: str, report: Report) -> np.ndarray | None:
    if not isinstance(entries, list):
        report.error(key, f"{_type(entries)}; expected a list of node numbers")
        return None
    if not entries:
        report.error(key, "empty; expected at least one node")
        return None
    wrong = [at for at, entry in enumerate(entries) if not _is_node(entry)]
    for at in wrong[:MAX_FAULTS]:
        report.error(f"{key}[{at}]", f"{_shown(entries[at])}; expected a node number from 0")
    if len(wrong) > MAX_FAULTS:
        report.error(key, f"{len(wrong) - MAX_FAULTS} more entries that are no node numbers")
    if wrong:
        return None
    nodes = np.array(entries, dtype=np.int64)
    unique, counts = np.unique(nodes, return_counts=True)
    if unique.size < nodes.size:
        report.error(
            key,
            f"{counted(nodes.size - unique.size, 'repeated entry')}, node {unique[counts > 1][0]} "
            "the first; expected each node once",
        )
        return None
    order = "in order" if (nodes == unique).all() else "not in order, sorted"
    report.ok(key, f"{counted(nodes.size, 'node')} from {unique[0]} to {unique[-1]}, {order}")
    return unique


def _is_node(entry: Any) -> bool:
    return type(entry) is int and 0 <= entry <= MAX_NODE


def _refuse_overlaps(parts: dict[str, np.ndarray], keys: Keys, report: Report) -> None:
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        shared = np.intersect1d(parts[first], parts[second])
        if shared.size:
            report.error(
                keys[second],
                f"{counted(shared.size, 'node')} also in {keys[first]}, node {shared[0]} the "
                "first; expected disjoint parts",
            )


def _type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number"}
    return {**names, float: "a number", type(None): "null"}[type(value)]


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return f"{_type(value)} inside the list"
    text = json.dumps(value) if not isinstance(value, int) or abs(value) < 1 << 64 else "a number"
    return text[:40]


def _bars(parts: list[str], counts: list[int]) -> dict[str, Any]:
    return {
        "data": [{"type": "bar", "x": parts, "y": counts}],
        "layout": {"yaxis": {"title": {"text": "nodes"}}},
    }


def _strip(split: Split) -> dict[str, Any]:
    """The share of each part in equal stretches of the node numbers, stacked."""
    size = split.max_index + 1
    bars = min(MAX_BARS, size)
    edges = np.linspace(0, size, bars + 1)
    width = size / bars
    traces = []
    for part, nodes in split.parts().items():
        counts = np.histogram(nodes, bins=edges)[0]
        traces.append(
            {
                "type": "bar",
                "name": part,
                "x": [round(float(edge), 2) for edge in edges[:-1]],
                "y": [round(float(count / width), 4) for count in counts],
                "offset": 0,
                "width": width,
            }
        )
    layout = {
        "barmode": "stack",
        "bargap": 0,
        "xaxis": {"title": {"text": "node number"}},
        "yaxis": {"title": {"text": "share of the nodes"}, "range": [0, 1]},
    }
    return {"data": traces, "layout": layout}
