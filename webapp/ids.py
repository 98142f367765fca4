"""Public ids: 26 characters, sortable by time, unguessable in their second half (ULID form)."""

from __future__ import annotations

import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
LENGTH = 26


def new_id() -> str:
    value = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -5, -5))
