"""What a graph's page shows: degrees, classes, features, and a drawing of one neighbourhood.

Figures leave colours and fonts to the page's template. In the drawing, the trace of the
edges has `meta.role` "edges" and each trace of nodes has "nodes", for the page to tell apart.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from engine.data.graph.graph import UNKNOWN, Graph

DRAWN_NODES = 400
DRAWN_EDGES = 2000  # 2000 x 3 points x 2 numbers x 7 characters = 84 kB of JSON
WIDEST = 12  # neighbours followed per node, so that a hub does not fill the drawing
MAX_CLASSES = 40  # bars, rows and traces; the smallest classes are summed up as "other"
LONGEST_NAME = 30  # characters of a class's name, so that legends leave room for the drawing
STEPS = 60  # of the force layout
BINS = 20

Figure = dict[str, Any]


def picture(graph: Graph) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    figures = [_entry("A neighbourhood of the graph", _drawing(graph))]
    figures.append(_entry("Degrees", _degrees(graph)))
    tables = []
    if graph.labels is not None:
        figures.append(_entry("Class sizes", _classes(graph)))
        tables.append(_class_table(graph))
    if graph.features is not None:
        figures.append(_entry("Features per node", _density(graph)))
    return {"figures": figures, "tables": tables}


def _entry(title: str, figure: Figure) -> dict[str, Any]:
    return {"title": title, "figure": figure}


def _bars(names: list[str], counts: np.ndarray, *, x: str, y: str = "nodes") -> Figure:
    return {
        "data": [{"type": "bar", "x": names, "y": [int(count) for count in counts]}],
        "layout": {
            "xaxis": {"title": {"text": x}, "type": "category"},
            "yaxis": {"title": {"text": y}},
        },
    }


def _degrees(graph: Graph) -> Figure:
    """Degrees in bins that double: 0, 1, 2–3, 4–7, …"""
    degrees = graph.degrees
    bins = np.where(degrees > 0, np.floor(np.log2(np.maximum(degrees, 1))).astype(int) + 1, 0)
    counts = np.bincount(bins)
    names = ["0", "1"] + [f"{1 << at}–{(2 << at) - 1}" for at in range(1, counts.size)]
    first = 0 if counts[0] else 1
    return _bars(names[first : counts.size], counts[first:], x="degree")


def _called(graph: Graph, label: int) -> str:
    """A class by its number, and by its name where the file gives it one: 1 (right)."""
    if graph.class_names is None:
        return str(label)
    name = str(graph.class_names[label])
    return f"{label} ({name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + '…'})"


def _class_counts(graph: Graph) -> tuple[list[int | str], np.ndarray]:
    """Classes by number, and how many nodes each has; what is summed up has a word."""
    labels = graph.labels[graph.labels != UNKNOWN]
    counts = np.bincount(labels, minlength=graph.classes)
    order = np.sort(np.argsort(-counts, kind="stable")[:MAX_CLASSES])
    classes: list[int | str] = order.tolist()
    shown = counts[order]
    rest = counts.sum() - shown.sum()
    unknown = graph.nodes - labels.size
    for name, count in (("other", rest), ("unknown", unknown)):
        if count:
            classes, shown = [*classes, name], np.append(shown, count)
    return classes, shown


def _classes(graph: Graph) -> Figure:
    classes, counts = _class_counts(graph)
    names = [one if isinstance(one, str) else _called(graph, one) for one in classes]
    return _bars(names, counts, x="class")


def _class_table(graph: Graph) -> dict[str, Any]:
    """Per class: its nodes, their mean degree, and how many of its edge ends stay inside."""
    classes, counts = _class_counts(graph)
    ends = graph.labels[graph.edge_list()]
    both = np.concatenate((ends, ends[:, ::-1]))
    rows = []
    for one, count in zip(classes, counts.tolist(), strict=True):
        if isinstance(one, str):
            rows.append([one, count, count / graph.nodes, None, None])
            continue
        own = both[both[:, 0] == one]
        inside = float((own[:, 1] == one).mean()) if len(own) else None
        degree = len(own) / count if count else None
        rows.append([_called(graph, one), count, count / graph.nodes, degree, inside])
    columns = ["class", "nodes", "share", "mean degree", "edges inside the class"]
    return {"title": "Classes", "columns": columns, "rows": rows}


def _density(graph: Graph) -> Figure:
    counts = np.diff(graph.features.indptr)
    low, high = int(counts.min()), int(counts.max())
    heights, edges = np.histogram(counts, bins=min(BINS, high - low + 1), range=(low, high + 1))
    centres = (edges[:-1] + edges[1:]) / 2
    return {
        "data": [
            {
                "type": "bar",
                "x": [round(float(centre), 2) for centre in centres],
                "y": [int(height) for height in heights],
                "width": round(float(edges[1] - edges[0]), 4),
            }
        ],
        "layout": {
            "bargap": 0,
            "xaxis": {"title": {"text": "features that are not zero"}},
            "yaxis": {"title": {"text": "nodes"}},
        },
    }


def _drawing(graph: Graph) -> Figure:
    kept = _neighbourhood(graph)
    part = graph.subgraph(kept)
    places = layout(part)
    pairs = part.edge_list()
    if len(pairs) > DRAWN_EDGES:
        pairs = pairs[np.linspace(0, len(pairs) - 1, DRAWN_EDGES).astype(int)]
    data = [_edge_trace(places, pairs), *_node_traces(graph, kept, places)]
    hidden = {"visible": False}
    layout_ = {
        "xaxis": hidden,
        "yaxis": {**hidden, "scaleanchor": "x"},
        "hovermode": "closest",
        "showlegend": len(data) > 2,
    }
    return {"data": data, "layout": layout_}


def _neighbourhood(graph: Graph) -> np.ndarray:
    """Up to DRAWN_NODES nodes around the node of most edges, near ones first."""
    matrix = graph.adjacency
    start = int(graph.degrees.argmax())
    seen, waiting = {start}, deque([start])
    while waiting and len(seen) < DRAWN_NODES:
        node = waiting.popleft()
        around = matrix.indices[matrix.indptr[node] : matrix.indptr[node + 1]]
        for other in around[:: max(1, -(-around.size // WIDEST))].tolist():
            if other not in seen and len(seen) < DRAWN_NODES:
                seen.add(other)
                waiting.append(other)
    return np.array(sorted(seen))


def layout(graph: Graph) -> np.ndarray:
    """(N, 2) places in the unit square: spectral, then pulled and pushed by springs."""
    count = graph.nodes
    linked = graph.adjacency.toarray()
    places = _spectral(linked)
    ideal = 1 / np.sqrt(count)
    for step in range(STEPS):
        apart = places[:, None] - places[None]  # (N, N, 2)
        distance = np.maximum(np.sqrt((apart**2).sum(-1)), 1e-3 * ideal)
        force = (ideal / distance) ** 2 - linked * distance / ideal
        move = (apart * force[..., None]).sum(1)
        length = np.maximum(np.sqrt((move**2).sum(-1, keepdims=True)), 1e-12)
        places = places + move / length * np.minimum(length, 0.1 * (1 - step / STEPS))
    low, high = places.min(0), places.max(0)
    return (places - low) / np.maximum(high - low, 1e-9)


def _spectral(linked: np.ndarray) -> np.ndarray:
    """Two smooth directions of the normalised graph, and a nudge that parts equal nodes."""
    count = len(linked)
    nudge = np.random.default_rng(0).normal(size=(count, 2)) * 1e-2
    if count < 3:
        return nudge
    scale = 1 / np.sqrt(np.maximum(linked.sum(1), 1))
    vectors = np.linalg.eigh(linked * scale[:, None] * scale)[1][:, -3:-1]
    signs = np.sign(vectors[np.abs(vectors).argmax(0), [0, 1]])
    return vectors * signs + nudge


def _edge_trace(places: np.ndarray, pairs: np.ndarray) -> Figure:
    points: dict[str, list[float | None]] = {"x": [], "y": []}
    for axis, name in enumerate("xy"):
        for one, other in places[pairs][:, :, axis].round(3).tolist():
            points[name] += [one, other, None]
    return {
        "type": "scatter",
        "mode": "lines",
        **points,
        "line": {"width": 0.6},
        "opacity": 0.4,
        "hoverinfo": "skip",
        "showlegend": False,
        "meta": {"role": "edges"},
    }


def _node_traces(graph: Graph, kept: np.ndarray, places: np.ndarray) -> list[Figure]:
    if graph.labels is None:
        return [_node_trace("nodes", kept, places, graph=graph)]
    labels = graph.labels[kept]
    shown = np.unique(labels)
    traces = []
    for label in shown[:MAX_CLASSES]:
        own = labels == label
        name = "unknown" if label == UNKNOWN else f"class {_called(graph, label)}"
        traces.append(_node_trace(name, kept[own], places[own], graph=graph))
    rest = np.isin(labels, shown[MAX_CLASSES:])
    if rest.any():
        traces.append(_node_trace("other", kept[rest], places[rest], graph=graph))
    return traces


def _node_trace(name: str, nodes: np.ndarray, places: np.ndarray, *, graph: Graph) -> Figure:
    degrees = graph.degrees[nodes]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": places[:, 0].round(3).tolist(),
        "y": places[:, 1].round(3).tolist(),
        "marker": {"size": np.minimum(4 + np.sqrt(degrees), 16).round(1).tolist()},
        "text": [
            f"node {node}, degree {degree}"
            for node, degree in zip(nodes.tolist(), degrees.tolist(), strict=True)
        ],
        "hoverinfo": "text+name",
        "meta": {"role": "nodes"},
    }
