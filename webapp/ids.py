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


def new_id() -> str:
    global _last
    value = int(time.time() * 1000) << 80 | secrets.randbits(80)
    with _lock:
        if value >> 80 <= _last >> 80:  # the same millisecond, or the clock was set back
            value = _last + 1 + secrets.randbits(STEP)
        _last = value
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -5, -5))
