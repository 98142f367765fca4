"""A small graph as GraphML and as node-link JSON, and what its check says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.data.graph import io
from tests.engine.data.making import report_on, said

CHAIN = [[0, 1], [1, 2], [2, 3]]
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="a" for="node" attr.name="a" attr.type="double"/>
<key id="b" for="node" attr.name="b" attr.type="boolean"><default>false</default></key>
<key id="c" for="node" attr.name="class" attr.type="int"/>
<key id="t" for="node" attr.name="title" attr.type="string"/>
<key id="w" for="edge" attr.name="weight" attr.type="double"/>
"""
NODES = """<node id="0"><data key="a">1.5</data><data key="c">0</data></node>
<node id="1"><data key="b">true</data><data key="c">0</data></node>
<node id="2"><data key="a">-1</data><data key="c">1</data></node>
<node id="3"><data key="a">0</data><data key="c">1</data></node>
"""
EDGES = "".join(f'<edge source="{at}" target="{at + 1}"/>' for at in range(3))
TAIL = "</graph></graphml>"


def graphml(
    folder: Path,
    *,
    nodes: str = NODES,
    edges: str = EDGES,
    head: str = HEAD,
    graph: str = '<graph edgedefault="undirected">',
    tail: str = TAIL,
) -> Path:
    path = folder / "graph.graphml"
    path.write_text(head + graph + nodes + edges + tail, encoding="utf-8")
    return path


def content(**changes: Any) -> dict[str, Any]:
    """0 - 1 - 2 - 3 as node-link JSON."""
    found: dict[str, Any] = {
        "directed": False,
        "multigraph": False,
        "graph": {},
        "nodes": [
            {"id": 0, "x": [1, 0], "label": 0},
            {"id": 1, "x": [0, 1], "label": 0},
            {"id": 2, "x": [1, 0.5], "label": 1},
            {"id": 3, "x": [0, True], "label": 1},
        ],
        "links": [{"source": at, "target": at + 1} for at in range(3)],
    }
    return {key: value for key, value in (found | changes).items() if value is not None}


def saved(folder: Path, whole: Any) -> Path:
    path = folder / "graph.json"
    path.write_text(whole if isinstance(whole, str) else json.dumps(whole), encoding="utf-8")
    return path


def nodes(*changed: dict[str, Any]) -> dict[str, Any]:
    """The JSON graph with attributes of its first nodes changed; None takes one away."""
    whole = content()
    for node, change in zip(whole["nodes"], changed, strict=False):
        node |= change
        for key in [key for key, value in change.items() if value is None]:
            del node[key]
    return whole


def error(path: Path) -> str:
    return said(report_on(io, path), "error")


def warning(path: Path) -> str:
    return said(report_on(io, path), "warning")
