"""What of a plotly figure is safe and useful to draw: `clean(figure)`.

A figure that a job made may hold anything. Left are traces that our policy can draw, numbers
and plain text: no picture, map or link that would call another host, no menu or slider (they
carry instructions that could bring those back), no markup but emphasis, and no key that
reaches a prototype.
"""

from __future__ import annotations

import math
import re
from typing import Any

MAX_DEPTH = 20
MAX_TRACES = 500
_DRAWN = """
    scatter bar box violin histogram histogram2d histogram2dcontour contour contourcarpet carpet
    heatmap pie table sankey icicle sunburst treemap waterfall funnel funnelarea candlestick ohlc
    indicator barpolar scatterpolar scatterternary scattersmith scattercarpet parcats
    scatter3d surface mesh3d cone streamtube isosurface volume
"""
_LEFT_OUT = """
    images mapbox map geo updatemenus sliders frames transforms config
    __proto__ constructor prototype
"""
TRACES = frozenset(_DRAWN.split())
UNSAFE_TRACES = {"scattergl": "scatter", "scatterpolargl": "scatterpolar", "heatmapgl": "heatmap"}
DROPPED = frozenset(_LEFT_OUT.split())
ADDRESSES = frozenset({"source", "href", "url", "geojson", "topojsonurl", "accesstoken"})
_TAG = re.compile(r"<(?!/?(?:b|i|em|strong|s|u|sub|sup|br|extra)\s*/?>)", re.IGNORECASE)


class Unsafe(ValueError):
    """Why a figure cannot be drawn; a sentence for people."""


def clean(figure: Any) -> dict[str, Any]:
    """The `data` and `layout` of a figure, made safe; raises Unsafe where nothing is left."""
    if not isinstance(figure, dict) or not isinstance(figure.get("data"), list):
        raise Unsafe("a figure is an object with a list `data`")
    layout = figure.get("layout", {})
    if not isinstance(layout, dict):
        raise Unsafe("`layout` of a figure is an object")
    if len(figure["data"]) > MAX_TRACES:
        raise Unsafe(f"{len(figure['data'])} traces; at most {MAX_TRACES} are drawn")
    traces = [_trace(at, trace) for at, trace in enumerate(figure["data"])]
    return {"data": traces, "layout": _plain(layout, 0)}


def _trace(at: int, trace: Any) -> dict[str, Any]:
    if not isinstance(trace, dict):
        raise Unsafe(f"trace {at} is not an object")
    kind = str(trace.get("type", "scatter"))
    kind = UNSAFE_TRACES.get(kind, kind)
    if kind not in TRACES:
        raise Unsafe(f"trace {at} is of type {kind[:40]!r}, which is not drawn here")
    return {**_plain(trace, 0), "type": kind}


def _plain(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Unsafe(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        return _TAG.sub("&lt;", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item, depth + 1) for key, item in value.items() if _kept(key, item)}
    return value


def _kept(key: str, value: Any) -> bool:
    name = key.lower()
    if name in DROPPED or not key.isidentifier():
        return False
    return not (name in ADDRESSES and isinstance(value, str))  # a sankey's `source` is a list
