"""Public ids: 26 characters, sortable by time, unguessable in their second half (ULID form).

The ids of one process always ascend, also within a millisecond: the jobs of a group, made by
one request, keep the order of their seeds.
"""

from __future__ import annotations

import secrets
import threading
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
LENGTH = 26
STEP = 64  # random bits between two ids of one millisecond

_lock = threading.Lock()
_last = 0


SLOTS = 8  # colours in the palette


def slot_of(id_: str) -> int:
    """The palette slot (1 to 8) of what has this id: the same on all pages, and in palette.js."""
    value = 2166136261
    for byte in id_.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value % SLOTS + 1


def new_ids(count: int) -> list[str]:
    """Ids of things that stand side by side, ascending; of each eight no two have one colour."""
    found: list[str] = []
    while len(found) < count:
        one = new_id()
        if slot_of(one) not in map(slot_of, found[len(found) - len(found) % SLOTS :]):
            found.append(one)
    return found


def new_id() -> str:
    global _last
    value = int(time.time() * 1000) << 80 | secrets.randbits(80)
    with _lock:
        if value >> 80 <= _last >> 80:  # the same millisecond, or the clock was set back
            value = _last + 1 + secrets.randbits(STEP)
        _last = value
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -5, -5))
