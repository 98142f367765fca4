"""JSON out of untrusted bytes: every way in which it can be wrong is one plain message."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from engine.core.errors import UserError


class _Repeated(ValueError):
    """A key of an object that is there twice."""


class _NotANumber(ValueError):
    """NaN or Infinity, which JSON does not have."""


def read(raw: bytes, where: str, *, expected: str, finite: bool = False, line: int = 1) -> Any:
    """The value; `expected` says what should be in it. `finite` refuses NaN and Infinity, which
    Python's own writer lets out. `line` is the number that a message gives to the first line."""
    try:
        text = raw.decode("utf-8-sig")
        constant = _no_constant if finite else None
        return json.loads(text, object_pairs_hook=_unique, parse_constant=constant)
    except UnicodeDecodeError as fault:
        raise UserError(where, f"not UTF-8 at byte {fault.start}; expected JSON") from fault
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno + line - 1}, column {fault.colno}"
        raise UserError(where, f"not JSON: {fault.msg} ({place})") from fault
    except _Repeated as fault:
        raise UserError(where, f"key {fault} is there twice; expected it once") from fault
    except RecursionError as fault:
        raise UserError(where, f"nested too deeply; expected {expected}") from fault
    except _NotANumber as fault:
        raise UserError(where, f"{fault} is no number; expected {expected}") from fault
    except ValueError as fault:  # all that is left: Python reads no number of over 4,300 digits
        most = "expected numbers of at most 64 bits"
        raise UserError(where, f"a whole number of thousands of digits; {most}") from fault


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise _Repeated(ascii(twice[:40]))
    return content


def _no_constant(name: str) -> float:
    raise _NotANumber(name)
