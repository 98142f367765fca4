"""A value change dump, read back: the signals that tell a packet's way, cycle by cycle."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

CYCLE = {"ps": 4000, "s": 4}  # time units of a clock cycle: Verilator's, Icarus's
MOST = 30  # signals
EXACT = 53  # bits that a JSON number holds
# Last part of the scope, name; in this order: packet, header, table, FIFO, core, verdict.
WANTED = (
    *((r"top", name) for name in ("in_valid", "in_sop", "in_eop", "in_data")),
    *((r"parser", name) for name in ("hdr_valid", "hdr_payload", "hdr_start")),
    *((r"top", name) for name in ("b_valid", "c_valid", "mouse", "elephant", "mouse_depth")),
    *((r"top", name) for name in ("elephant_depth", "trace_busy", "trace_issue", "trace_pc")),
    *((r"top", name) for name in ("trace_op", "job_valid", "job_ready", "word_valid")),
    *((r"top", name) for name in ("verdict_valid", "verdict_class", "verdict_score")),
    *((r"top", name) for name in ("verdict_row", "out_valid", "out_marked", "out_class")),
)


def signals(path: Path, *, start: int) -> list[dict[str, Any]]:
    """[{"name", "width", "kind", "changes": [[cycle, value], …]}]; the dump begins at cycle
    `start`. Values beyond what JSON's numbers hold are text, as 0x1f; an unknown one is "x"."""
    codes: dict[str, list[dict[str, Any]]] = {}
    period = CYCLE["ps"]
    scopes: list[str] = []
    found: dict[tuple[str, str], dict[str, Any]] = {}
    with path.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if unit := re.search(r"(?:^\s*|timescale\s*)1(p?s)\b", line):
                period = CYCLE[unit[1]]
            elif line.lstrip().startswith("$scope"):
                scopes.append(words[2])
            elif line.lstrip().startswith("$upscope"):
                scopes.pop()
            elif line.lstrip().startswith("$var"):
                code, name = words[3], words[4]
                key = (scopes[-1], name)
                if key in WANTED and key not in found:
                    width = int(words[2])
                    found[key] = {
                        "name": name if scopes[-1] == "top" else f"{scopes[-1]}.{name}",
                        "width": width,
                        "kind": "bit" if width == 1 else "bus",
                        "changes": [],
                    }
                    codes.setdefault(code, []).append(found[key])
            elif line.startswith("$enddefinitions"):
                break
        _changes(lines, codes, start=start, period=period)
    ordered = [found[key] for key in WANTED if key in found]
    return ordered[:MOST]


def _changes(
    lines: Any, codes: dict[str, list[dict[str, Any]]], *, start: int, period: int
) -> None:
    """The last value in each cycle; only where it changes."""
    first, cycle = None, start
    for line in lines:
        mark = line[:1]
        if mark == "#":
            time = int(line[1:])
            first = time if first is None else first
            cycle = start + (time - first) // period
        elif line.startswith("$dumpoff"):
            return  # what follows says only that nothing more is known
        elif mark in "01xXzZ" and (known := codes.get(line[1:].strip())):
            _note(known, cycle, line[0])
        elif mark in "bB":
            value, code = line[1:].split()
            if known := codes.get(code):
                _note(known, cycle, value)


def _note(known: list[dict[str, Any]], cycle: int, text: str) -> None:
    value = _value(text)
    for signal in known:
        changes = signal["changes"]
        if changes and changes[-1][0] == cycle:
            changes[-1][1] = value
            if len(changes) > 1 and changes[-2][1] == value:
                changes.pop()
        elif not changes or changes[-1][1] != value:
            changes.append([cycle, value])


def _value(text: str) -> int | str:
    if set(text) - {"0", "1"}:
        return "x"
    number = int(text, 2)
    return number if number < 1 << EXACT else hex(number)
