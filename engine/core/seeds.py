"""Which seeds a job and a group may have: one rule for the door, the form and the API."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.errors import UserError

LARGEST = 2**32 - 1
MOST = 100  # jobs in one group
EXPECTED = f"expected at most {MOST} whole numbers from 0 to {LARGEST}, such as 0-4 or 0,2,5"


def from_text(text: str) -> list[int]:
    """The seeds of "0-4", "0, 2, 5" or "0-2,7"."""
    return checked([seed for part in text.split(",") if part.strip() for seed in _range(part)])


def checked(seeds: object) -> list[int]:
    """`seeds`, where a group may have them; one seed is a group too."""
    if not isinstance(seeds, list) or not all(_is_seed(seed) for seed in seeds):
        raise UserError("seeds", f"{EXPECTED}, got {seeds!r:.40}")
    if not 1 <= len(seeds) <= MOST:
        raise UserError("seeds", f"expected 1 to {MOST} seeds, got {len(seeds)}")
    if len(set(seeds)) != len(seeds):
        raise UserError("seeds", "expected each seed once")
    return seeds


def _range(part: str) -> Iterator[int]:
    first, dash, last = part.partition("-")
    low = _number(first, part)
    high = _number(last, part) if dash else low
    if not low <= high < low + MOST:
        raise UserError("seeds", f"{EXPECTED}, got {part.strip()!r:.40}")
    yield from range(low, high + 1)


def _number(text: str, part: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LARGEST)):
        raise UserError("seeds", f"{EXPECTED}, got {part.strip()!r:.40}")
    return int(text)


def _is_seed(seed: object) -> bool:
    return type(seed) is int and 0 <= seed <= LARGEST
