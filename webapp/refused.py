"""What a service says when it will not do what was asked: pages and API show the same words."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Control characters, and halves of characters, which no database takes.
UNKEPT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


class Refused(Exception):
    """Every fault as (where, what was expected): a form puts it beside its field."""

    def __init__(self, faults: Iterable[tuple[str, str]]):
        self.faults = list(faults)
        super().__init__("; ".join(f"{where}: {expected}" for where, expected in self.faults))


def words_only(where: str, text: str, *, longest: int) -> list[tuple[str, str]]:
    """Faults of a text that people type: too long, or with characters that no page can show."""
    faults = []
    if len(text) > longest:
        faults.append((where, f"at most {longest} characters, got {len(text)}"))
    if UNKEPT.search(text):
        faults.append((where, "no control characters"))
    return faults
