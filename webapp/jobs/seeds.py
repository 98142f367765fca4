"""Seeds as people write them: "0", "0-4", "0, 2, 5-7"."""

from __future__ import annotations

from webapp.refused import Refused

MOST = 100  # jobs in one group
LARGEST = (1 << 63) - 1  # what the database and the engines take
EXPECTED = f'a number, a range or both ("0", "0-4", "0, 2, 5-7"), at most {MOST} seeds'


def from_text(text: str) -> list[int]:
    seeds: list[int] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        first, dash, last = part.partition("-")
        start, stop = _number(first), _number(last if dash else first)
        if stop < start or stop - start >= MOST:
            raise Refused([("seeds", f"{EXPECTED}, got {part!r:.40}")])
        seeds += range(start, stop + 1)
    return seeds


def faults(seeds: list[int]) -> list[tuple[str, str]]:
    if not 1 <= len(seeds) <= MOST:
        return [("seeds", f"between 1 and {MOST} seeds, got {len(seeds)}")]
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST:
            return [("seeds", f"whole numbers from 0 to {LARGEST}, got {seed!r:.40}")]
    if len(set(seeds)) != len(seeds):
        return [("seeds", "each seed once")]
    return []


def _number(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > LARGEST:
        raise Refused([("seeds", f"{EXPECTED}, got {text!r:.40}")])
    return int(text)
