"""What a dataset's page shows of traffic: classes, first bytes, times, sizes, captures.

Figures leave colours and fonts to the page's template.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from engine.data.traffic.labels import LabelTable
from engine.data.traffic.records import LINKS
from engine.data.traffic.traffic import L4, Labels, Traffic, running

ROWS = 60  # of a table
CLASSES = 30  # bars; the smallest classes are summed up as "other"
SCHEMES = 3  # ways to label that get a figure and a table
SHOWN_FLOWS, SHOWN_BYTES = 32, 32  # of the first bytes
BINS = 100  # of time
SIZE_STEP, LARGEST = 64, 1536  # bytes; the last bar has all above
LONGEST_NAME = 30  # characters

Figure = dict[str, Any]
Table = dict[str, Any]


def picture(found: Traffic | LabelTable) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    if isinstance(found, LabelTable):
        return _of_table(found)
    schemes = list(found.labels.values())[:SCHEMES]
    payload = found.flows.with_payload
    figures = [
        _entry(f"Flows with payload, by {one.name}", _bars(one.counts(payload), x=one.name))
        for one in schemes
    ]
    figures += [
        _entry("Packets of a flow", _flow_sizes(found)),
        _entry("Bytes of a packet on the wire", _packet_sizes(found)),
        _entry(*_over_time(found)),
    ]
    if payload.any():
        figures.append(_entry("First bytes of some flows", _first_bytes(found)))
    tables = [_classes(one, found) for one in schemes]
    return {"figures": figures, "tables": [*tables, _captures(found)]}


def _entry(title: str, figure: Figure) -> dict[str, Any]:
    return {"title": title, "figure": figure}


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _of_table(table: LabelTable) -> dict[str, Any]:
    counts = {
        name: Counter(row[name] for row in table.rows if row[name]) for name in table.columns.labels
    }
    figures = [
        _entry(f"Rows by {name}", _bars(dict(some), x=name, y="rows"))
        for name, some in list(counts.items())[:SCHEMES]
    ]
    tables = [
        {"title": name, "columns": ["class", "rows"], "rows": [*map(list, some.most_common(ROWS))]}
        for name, some in counts.items()
    ]
    return {"figures": figures, "tables": tables}


def _bars(counts: dict[str, int], *, x: str, y: str = "flows") -> Figure:
    """The largest first, and the rest as one."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(count for _, count in ranked[CLASSES:])
    shown = [(_short(name), count) for name, count in ranked[:CLASSES]]
    shown += [(f"{len(ranked) - CLASSES} other", rest)] if rest else []
    return {
        "data": [
            {
                "type": "bar",
                "x": [name for name, _ in shown],
                "y": [count for _, count in shown],
            }
        ],
        "layout": {
            "xaxis": {"title": {"text": x}, "type": "category"},
            "yaxis": {"title": {"text": y}},
        },
    }


def _first_bytes(found: Traffic) -> Figure:
    """A row for each of some flows, class by class; what was not captured stays empty."""
    flows = found.flows
    chosen, names = _some_flows(found)
    z = flows.first_payload[chosen, :SHOWN_BYTES].astype(object)
    z[np.arange(SHOWN_BYTES) >= flows.first_kept[chosen, None]] = None
    return {
        "data": [
            {
                "type": "heatmap",
                "x": list(range(SHOWN_BYTES)),
                "y": names,
                "z": z.tolist(),
                "zmin": 0,
                "zmax": 255,
                "xgap": 1,
                "ygap": 1,
                "colorbar": {"title": {"text": "byte"}},
            }
        ],
        "layout": {
            "height": 120 + 16 * len(names),
            "xaxis": {"title": {"text": "byte of the first payload"}},
            "yaxis": {"autorange": "reversed", "type": "category", "dtick": 1},
        },
    }


def _some_flows(found: Traffic) -> tuple[np.ndarray, list[str]]:
    """Flows with payload and what they are called: as many of each class, from several captures."""
    flows = found.flows
    there = np.flatnonzero(flows.with_payload)
    if not found.labels:
        at = np.unique(np.linspace(0, there.size - 1, SHOWN_FLOWS).astype(int))
        return there[at], [f"{flow}: {flows.name(flow)}" for flow in there[at].tolist()]
    labels = min(found.labels.values(), key=lambda one: abs(len(one.classes) - SHOWN_FLOWS // 3))
    there = there[labels.codes[there] >= 0]
    sizes = Counter(labels.codes[there].tolist())
    shown = [code for code, _ in sizes.most_common(SHOWN_FLOWS // 2)]
    each = SHOWN_FLOWS // max(1, len(shown))
    chosen: list[int] = []
    for code in shown:
        mine = there[labels.codes[there] == code]
        chosen += mine[np.unique(np.linspace(0, mine.size - 1, each).astype(int))].tolist()
    names = [f"{_short(labels.classes[labels.codes[flow]])}, flow {flow}" for flow in chosen]
    return np.array(chosen, int), names


def _flow_sizes(found: Traffic) -> Figure:
    """In bins that double: 1, 2–3, 4–7, …"""
    bins = np.floor(np.log2(found.flows.packets)).astype(int)
    names = ["1", *(f"{1 << at}–{(2 << at) - 1}" for at in range(1, int(bins.max()) + 1))]
    return {
        "data": [
            {
                "type": "bar",
                "name": title,
                "x": names,
                "y": np.bincount(bins[found.flows.l4 == l4], minlength=len(names)).tolist(),
            }
            for l4, title in L4.items()
        ],
        "layout": {
            "barmode": "stack",
            "xaxis": {"title": {"text": "packets, both directions"}, "type": "category"},
            "yaxis": {"title": {"text": "flows"}},
        },
    }


def _packet_sizes(found: Traffic) -> Figure:
    packets = found.packets
    place = np.minimum(packets.length, LARGEST) // SIZE_STEP
    count = LARGEST // SIZE_STEP + 1
    return {
        "data": [
            {
                "type": "bar",
                "name": title,
                "x": (np.arange(count) * SIZE_STEP + SIZE_STEP // 2).tolist(),
                "y": np.bincount(place[mask], minlength=count).tolist(),
                "width": SIZE_STEP,
            }
            for title, mask in _by_protocol(found).items()
        ],
        "layout": {
            "barmode": "stack",
            "bargap": 0,
            "xaxis": {"title": {"text": f"bytes, the last bar {LARGEST:,} and more"}},
            "yaxis": {"title": {"text": "packets"}},
        },
    }


def _by_protocol(found: Traffic) -> dict[str, np.ndarray]:
    masks = {title: found.packets.l4 == l4 for l4, title in L4.items()}
    other = found.packets.flow < 0
    return {**masks, "no flow": other} if other.any() else masks


def _over_time(found: Traffic) -> tuple[str, Figure]:
    """Of the capture with the most packets: how many there are in each stretch of time."""
    largest = max(range(len(found.captures)), key=lambda at: found.captures[at].packets)
    mine = found.packets.capture == largest
    seconds, pauses = running(found.packets.time_ns[mine])
    edges = np.linspace(0, max(float(seconds.max()), 1e-6), BINS + 1)
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": title,
            "x": np.round(edges[:-1], 6).tolist(),
            "y": np.histogram(seconds[mask[mine]], edges)[0].tolist(),
            "line": {"shape": "hv"},
        }
        for title, mask in _by_protocol(found).items()
    ]
    without = ", without pauses of over an hour" if pauses else ""
    layout = {
        "xaxis": {"title": {"text": f"s since the first packet{without}"}},
        "yaxis": {"title": {"text": f"packets in {edges[1]:.3g} s"}},
    }
    title = f"Packets over time, {_short(found.captures[largest].name)}"
    return title, {"data": data, "layout": layout}


def _classes(labels: Labels, found: Traffic) -> Table:
    flows = found.flows
    total, payload = labels.counts(), labels.counts(flows.with_payload)
    captures = labels.captures(flows)
    packets = np.bincount(
        labels.codes[labels.codes >= 0],
        weights=flows.packets[labels.codes >= 0],
        minlength=len(labels.classes),
    )
    rows: list[list[Any]] = [
        [name, total[name], payload[name], captures[name], int(packets[at])]
        for at, name in enumerate(labels.classes)
    ]
    rows.sort(key=lambda row: (-row[1], row[0]))
    return {
        "title": f"Classes by {labels.name}{_first(len(rows))}",
        "columns": ["class", "flows", "with payload", "captures", "packets"],
        "rows": rows[:ROWS],
    }


def _captures(found: Traffic) -> Table:
    flows = np.bincount(found.flows.capture, minlength=len(found.captures))
    payload = np.bincount(
        found.flows.capture[found.flows.with_payload], minlength=len(found.captures)
    )
    rows = [
        [
            one.name,
            one.packets,
            int(flows[at]),
            int(payload[at]),
            round(one.seconds, 3),
            ", ".join(LINKS.get(link, f"link type {link}") for link in sorted(one.links)),
            sum(one.skipped.values()),
        ]
        for at, one in enumerate(found.captures[:ROWS])
    ]
    return {
        "title": f"Captures{_first(len(found.captures))}",
        "columns": [
            "capture",
            "packets",
            "flows",
            "with payload",
            "seconds",
            "links",
            "of no flow",
        ],
        "rows": rows,
    }


def _first(count: int) -> str:
    return f", the first {ROWS} of {count:,}" if count > ROWS else ""
