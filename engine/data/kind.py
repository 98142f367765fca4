"""What a data kind is: its card, the report of a check, and how kinds are found.

A kind is a folder `engine/data/<slug>/` with `card.py` (light: `KIND = Kind(...)`) and
`io.py`, which brings

    sniff(path) -> bool                  could this be of my kind? (looks at names and heads)
    check(path, report) -> None          validates; writes faults, warnings and facts
    load(path) -> object                 the typed value that a method works with
    preview(path) -> dict                JSON for the dataset's page

`path` may be a file, a folder or a zip. All of `io.py` runs only in a child process.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from engine.core.errors import UserError

HERE = Path(__file__).resolve().parent
MAX_LINES = 200  # of each level in one report; the rest is counted


@dataclass(frozen=True)
class Fact:
    key: str
    title: str
    unit: str = ""


@dataclass(frozen=True)
class Kind:
    slug: str
    title: str
    summary: str
    suffixes: tuple[str, ...]
    formats: tuple[str, ...]  # one line each, for the upload form and the docs
    facts: tuple[Fact, ...]
    package: str = ""

    def io(self) -> ModuleType:
        """The reader; heavy, so only the door imports it."""
        return import_module(f"{self.package}.io")


@dataclass(frozen=True)
class Line:
    level: Literal["ok", "warning", "error"]
    where: str  # the file, member, row or field
    text: str


@dataclass
class Report:
    """The answer of a check, line by line, with the facts that inputs ask for."""

    lines: list[Line] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    left_out: int = 0

    def ok(self, where: str, text: str) -> None:
        self._add(Line("ok", where, text))

    def warn(self, where: str, text: str) -> None:
        self._add(Line("warning", where, text))

    def error(self, where: str, text: str) -> None:
        self._add(Line("error", where, text))

    @property
    def passed(self) -> bool:
        return not self.failed

    failed: bool = False

    @property
    def warnings(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.level == "warning")

    def fault(self) -> UserError:
        """The first error, for a loader to raise."""
        line = next(line for line in self.lines if line.level == "error")
        return UserError(line.where, line.text)

    def _add(self, line: Line) -> None:
        self.failed |= line.level == "error"
        if sum(known.level == line.level for known in self.lines) < MAX_LINES:
            self.lines.append(line)
        else:
            self.left_out += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.passed,
            "facts": self.facts,
            "report": [asdict(line) for line in self.lines],
            "left_out": self.left_out,
        }


@cache
def kinds() -> dict[str, Kind]:
    found = {}
    for card in sorted(HERE.glob("*/card.py")):
        slug = card.parent.name
        kind = import_module(f"engine.data.{slug}.card").KIND
        found[slug] = Kind(**{**vars(kind), "package": f"engine.data.{slug}"})
    return found


def kind(slug: str) -> Kind:
    try:
        return kinds()[slug]
    except KeyError:
        raise UserError(
            "kind", f"no kind is called {slug!r}; there are: {', '.join(kinds())}"
        ) from None


def check(kind_: Kind, path: Path) -> dict[str, Any]:
    """The whole answer of `python -m engine check`: report, facts, and a preview if it passed."""
    report = Report()
    try:
        kind_.io().check(path, report)
    except UserError as fault:
        report.error(fault.where, fault.expected)
    except MemoryError:
        report.error(path.name, "needs more memory to read than a check may use")
    preview = kind_.io().preview(path) if report.passed else None
    return {"kind": kind_.slug, **report.as_json(), "preview": preview}
