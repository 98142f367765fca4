"""Graphs in GraphML, streamed: as networkx, igraph, Gephi and yEd write them.

A document type declaration is refused at its first character, so there are no entities to
expand and nothing is fetched. Of GraphML's parts, ports, hyperedges and graphs inside graphs
are refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.archive import Member
from engine.data.graph.build import Parts
from engine.data.graph.listing import Listing, parts_of
from engine.data.graph.table import SHOWN, is_number
from engine.data.kind import Report

NUMBERS = {"int", "integer", "long", "float", "double"}
TRUTHS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}
WEIGHTS = {"weight", "weights"}
REFUSED = {"hyperedge", "port", "endpoint"}
MAX_VALUE = 1 << 16  # characters of one value
MAX_DEPTH = 32
BLOCK = 1 << 20


@dataclass(frozen=True)
class _Key:
    """What a `<key>` declares: an attribute of nodes or of edges."""

    name: str
    kind: str
    on: str  # "node", "edge", "all", …


@dataclass
class _Reader:
    where: str
    listing: Listing
    keys: dict[str, _Key] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)  # the open elements
    graphs: int = 0
    owner: dict[str, str] = field(default_factory=dict)  # attributes of the open node or edge
    values: dict[str, str] = field(default_factory=dict)  # its data by key
    key: str = ""  # of the open data or default
    text: list[str] = field(default_factory=list)
    length: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = name.rsplit(" ", 1)[-1]
        self.path.append(element)
        if len(self.path) > MAX_DEPTH:
            self.refuse(f"elements {MAX_DEPTH} deep")
        if element in REFUSED:
            self.refuse(f"a {element}; expected nodes and edges between two of them")
        if element == "key":
            self._declare(attributes)
        elif element == "graph":
            self.graphs += 1
            if self.graphs > 1:
                self.refuse("a second graph; expected one")
        elif element in ("node", "edge"):
            self.owner, self.values = attributes, {}
        elif element == "data":
            self._open(attributes.get("key", ""))
        elif element == "default":
            self.text, self.length = [], 0

    def characters(self, text: str) -> None:
        if self.path[-1] in ("data", "default"):
            self.length += len(text)
            if self.length > MAX_VALUE:
                self.refuse(f"a value of over {MAX_VALUE:,} characters")
            self.text.append(text)

    def end(self, name: str) -> None:
        element = self.path.pop()
        if element == "data" and self.path[-1] in ("node", "edge"):
            self.values[self.key] = "".join(self.text)
        elif element == "default" and self.key in self.keys:
            self.defaults[self.key] = "".join(self.text)
        elif element == "node":
            self._node()
        elif element == "edge":
            self._edge()

    def refuse(self, what: str) -> NoReturn:
        raise UserError(self.where, what)

    def _declare(self, attributes: dict[str, str]) -> None:
        self.key = attributes.get("id", "")
        if not self.key or self.key in self.keys:
            self.refuse(f"key {self.key[:SHOWN]!a} is there twice, or without an id")
        name = attributes.get("attr.name", self.key)
        key = _Key(name, attributes.get("attr.type", "string"), attributes.get("for", "all"))
        known = {*NUMBERS, "boolean", "string"}
        if key.kind not in known:
            expected = ", ".join(sorted(known))
            self.refuse(f"key {name[:SHOWN]!a}: type {key.kind[:SHOWN]!a}; expected {expected}")
        self.keys[self.key] = key
        if key.on == "node" and key.kind != "string":
            self.listing.attributes.declare(name)

    def _open(self, key: str) -> None:
        if key not in self.keys:
            self.refuse(f"{self._place()}: data of key {key[:SHOWN]!a}, which no <key> declares")
        if self.path[-2] in ("node", "edge") and key in self.values:
            self.refuse(f"{self._place()}: {self.keys[key].name[:SHOWN]!a} is there twice")
        self.key, self.text, self.length = key, [], 0

    def _place(self) -> str:
        on_edge = self.path[-2:-1] == ["edge"] or self.path[-1] == "edge"
        return self.listing.next_edge if on_edge else self.listing.next_node

    def _node(self) -> None:
        place = self.listing.next_node
        node = self.listing.add_node(self.owner.get("id", ""))
        for key, text in self._given(("node", "all")).items():
            value = self._value(key, text, place)
            if value is not None:
                self.listing.attributes.add(node, self.keys[key].name, value)

    def _edge(self) -> None:
        place = self.listing.next_edge
        weight = None
        for key, text in self._given(("edge", "all")).items():
            if self.keys[key].name.lower() in WEIGHTS:
                weight = self._number(key, text, place)
        self.listing.add_edge(self.owner.get("source", ""), self.owner.get("target", ""), weight)

    def _given(self, on: tuple[str, ...]) -> dict[str, str]:
        """The data of the open node or edge, by the order of keys; defaults where it has none."""
        defaults = {key: text for key, text in self.defaults.items() if self.keys[key].on in on}
        return defaults | self.values

    def _value(self, key: str, text: str, place: str) -> float | str | None:
        """None where nothing is written."""
        if self.keys[key].kind == "string":
            return text.strip() or None
        return self._number(key, text, place)

    def _number(self, key: str, text: str, place: str) -> float | None:
        text, known = text.strip(), self.keys[key]
        if not text:
            return None
        if known.kind == "boolean" and text.lower() in TRUTHS:
            return TRUTHS[text.lower()]
        if known.kind == "boolean" or not is_number(text):
            shown = f"{known.name[:SHOWN]!a} is {text[:SHOWN]!a}"
            self.refuse(f"{place}: {shown}; expected a {known.kind}")
        return float(text)


def begins_graphml(member: Member) -> bool:
    return b"<graphml" in member.head(4096)


def read_graphml(member: Member, report: Report) -> Parts | None:
    """The graph, or None after errors in the report."""
    listing = Listing(member.name, "node {}", "edge {}", first=1)
    reader = _Reader(member.name, listing)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = lambda *_: reader.refuse(
        "a <!DOCTYPE>; expected GraphML without one: entities are never expanded"
    )
    try:
        with member.open() as stream:
            while block := stream.read(BLOCK):
                parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as fault:
        raise UserError(
            member.name,
            f"line {fault.lineno}, column {fault.offset}: {expat.ErrorString(fault.code)}; "
            "expected XML",
        ) from fault
    except (LookupError, ValueError) as fault:
        raise UserError(member.name, "an encoding that is not known; expected UTF-8") from fault
    if not reader.graphs:
        raise UserError(member.name, "XML without a <graph>; expected GraphML")
    report.ok(
        member.name,
        f"GraphML: {counted(len(listing.nodes), 'node')}, {counted(len(listing.sources), 'edge')}",
    )
    return parts_of(listing, report)
