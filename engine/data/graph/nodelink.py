"""Graphs in node-link JSON, as `networkx.node_link_data` and D3 know it: a list of nodes with
attributes, and a list of `links` or `edges` with source and target."""

from __future__ import annotations

from typing import Any

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data import strict_json
from engine.data.archive import Member
from engine.data.graph.build import FEW, Parts
from engine.data.graph.listing import Listing, parts_of
from engine.data.graph.table import SHOWN
from engine.data.kind import Report

# Python's objects take up to 25 times their text; 1,000 features of 0 and 1 for 50,000 nodes
# are 100 MB.
MAX_JSON = 128 << 20
WEIGHTS = ("weight", "weights")


def begins_node_link(member: Member) -> bool:
    """The keys of a node-link object, near the beginning."""
    head = member.head(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    keys = (b'"nodes"', b'"links"', b'"edges"', b'"multigraph"')
    return head.startswith(b"{") and any(key in head for key in keys)


def read_node_link(member: Member, report: Report) -> Parts | None:
    """The graph, or None after errors in the report."""
    content = strict_json.read(
        member.read(MAX_JSON), member.name, expected="lists of nodes and edges"
    )
    nodes, edges, key = _lists(content, member.name)
    listing = Listing(member.name, "nodes[{}]", key + "[{}]")
    named = _named(nodes)
    for at, node in enumerate(nodes):
        _add_node(listing, node, at if not named else None)
    for edge in edges:
        _add_edge(listing, edge)
    if not named:
        report.warn(member.name, "nodes have no id: edges name their places in the list, from 0")
    report.ok(
        member.name, f"node-link JSON: {counted(len(nodes), 'node')}, {counted(len(edges), 'edge')}"
    )
    return parts_of(listing, report)


def _lists(content: Any, where: str) -> tuple[list[Any], list[Any], str]:
    expected = "expected an object with lists of nodes and links (or edges), as networkx writes"
    if not isinstance(content, dict):
        raise UserError(where, f"{_type(content)} at the top; {expected}")
    keys = [key for key in ("links", "edges") if key in content]
    if "nodes" not in content or not keys:
        there = ", ".join(ascii(key[:SHOWN]) for key in list(content)[:FEW]) or "nothing"
        raise UserError(where, f"holds {there}; {expected}")
    if len(keys) == 2:
        raise UserError(where, "holds both links and edges; expected one of them")
    for key in ("nodes", keys[0]):
        if not isinstance(content[key], list):
            raise UserError(where, f"{key}: {_type(content[key])}; expected a list")
    return content["nodes"], content[keys[0]], keys[0]


def _named(nodes: list[Any]) -> bool:
    """D3 and networkx before 2.0 leave out the ids, and edges name places in the list."""
    return any(isinstance(node, dict) and "id" in node for node in nodes)


def _add_node(listing: Listing, node: Any, at: int | None) -> None:
    place = listing.next_node
    if not isinstance(node, dict):
        raise UserError(listing.where, f"{place}: {_type(node)}; expected an object")
    id = at if at is not None else _needed(node, "id", place, listing.where)
    at_node = listing.add_node(_id(id, f"{place}.id", listing.where))
    for name, value in node.items():
        if name == "id" or value is None:
            continue
        if isinstance(value, list):
            listing.attributes.add_list(at_node, name, value, place=place)
        elif isinstance(value, str):
            listing.attributes.add(at_node, name, value)
        elif isinstance(value, int | float):
            listing.attributes.add(
                at_node, name, _float(value, f"{place}: {name[:SHOWN]!a}", listing.where)
            )
        else:
            listing.attributes.left_out[name] += 1


def _add_edge(listing: Listing, edge: Any) -> None:
    place = listing.next_edge
    if not isinstance(edge, dict):
        raise UserError(listing.where, f"{place}: {_type(edge)}; expected an object")
    source, target = (
        _id(_needed(edge, end, place, listing.where), f"{place}.{end}", listing.where)
        for end in ("source", "target")
    )
    weight = next((edge[key] for key in WEIGHTS if edge.get(key) is not None), None)
    if weight is not None:
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise UserError(listing.where, f"{place}.weight: {_type(weight)}; expected a number")
        weight = _float(weight, f"{place}.weight", listing.where)
    listing.add_edge(source, target, weight)


def _needed(found: dict[str, Any], key: str, place: str, where: str) -> Any:
    if key not in found:
        raise UserError(where, f"{place}: no {key}; expected one, as the others have")
    return found[key]


def _id(value: Any, place: str, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise UserError(where, f"{place}: {_type(value)}; expected a whole number or text")
    return str(value)


def _float(value: float, place: str, where: str) -> float:
    try:
        return float(value)
    except OverflowError as fault:
        raise UserError(where, f"{place}: beyond 64 bits; expected a number") from fault


def _type(value: Any) -> str:
    """What JSON calls it."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    names[float] = "a decimal"
    return "null" if value is None else names.get(type(value), "a number")
