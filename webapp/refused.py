"""What a service says when it will not do what was asked: pages and API show the same words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Control characters, and halves of characters, which no database takes.
UNKEPT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

# What no text of people may hold: control characters, and marks that turn the direction of
# reading and so can show one name as another. As parts of regular expressions, for schemas too.
_NOWHERE = r"\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
NOT_IN_LINE = rf"\x00-\x1f\u2028\u2029{_NOWHERE}"
NOT_IN_TEXT = rf"\x00-\x08\x0b\x0c\x0e-\x1f{_NOWHERE}"  # notes have lines and tabs
_STRAY_IN_LINE = re.compile(rf"[{NOT_IN_LINE}\ud800-\udfff]")
_STRAY_IN_TEXT = re.compile(rf"[{NOT_IN_TEXT}\ud800-\udfff]")
_SORTS = {
    "Cf": "a text direction mark",
    "Cs": "half of a character",
    "Zl": "a line break",
    "Zp": "a line break",
}


class Refused(Exception):
    """Every fault as (where, words): a form puts the words beside its field.

    The words go on after a colon: "expected at most 3 tags, got 4", "there is no such limit".
    """

    def __init__(self, faults: Iterable[tuple[str, str]]):
        self.faults = list(faults)
        super().__init__("; ".join(f"{where}: {words}" for where, words in self.faults))


def words_only(
    where: str, text: str, *, longest: int, lines: bool = False
) -> list[tuple[str, str]]:
    """Faults of a text that people type: too long, or with characters that no page can show as
    they are; more than one line only where `lines` are meant."""
    faults = []
    if len(text) > longest:
        faults.append((where, f"expected at most {longest} characters, got {len(text)}"))
    if found := stray(text, lines=lines):
        faults.append((where, found))
    return faults


def stray(text: str, *, lines: bool = False) -> str | None:
    """Words for the first character that may not be in a line, or in a text of `lines`."""
    found = (_STRAY_IN_TEXT if lines else _STRAY_IN_LINE).search(text)
    if found is None:
        return None
    letter = found[0]
    sort = _SORTS.get(unicodedata.category(letter), "a control character")
    if letter in "\n\r":
        sort = "a line break"
    return f"U+{ord(letter):04X} ({sort}) isn't allowed"
