"""What a service says when it will not do what was asked: pages and API show the same words."""

from __future__ import annotations

from collections.abc import Iterable


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
    if any(ord(letter) < 32 and letter not in "\n\r\t" for letter in text):
        faults.append((where, "no control characters"))
    return faults
