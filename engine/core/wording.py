"""What pydantic refuses, in our own words: "expected a whole number, got 'x'"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# By pydantic's type of the error; {names} are filled in from its context.
EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "string_unicode": "a text of valid Unicode",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of {ge} or more",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of {le} or less",
    "multiple_of": "a multiple of {multiple_of}",
    "literal_error": "{expected}",
    "list_type": "a list",
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of {max_length} at most",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
ODD = "another value"  # of what the models here cannot ask for yet
PLAIN = {True: "true", False: "false", None: "nothing"}  # as JSON and people write them


def worded(error: Mapping[str, Any]) -> str:
    """One of a `ValidationError`'s errors; a validator's own ValueError says it all itself.

    What came is left out where the error does not hold it, as those of ninja do not.
    """
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "missing":
        return "expected a value, got nothing"
    if error["type"] == "string_too_short" and error["ctx"]["min_length"] == 1:
        return "expected a text that is not empty"
    bounds = {name: _short(value) for name, value in error.get("ctx", {}).items()}
    expected = EXPECTED.get(error["type"], ODD).format(**bounds)
    return f"expected {expected}" + (f", got {_shown(error)}" if "input" in error else "")


def shortened(value: object) -> str:
    """What came, as a message repeats it: long numbers and texts by their beginning."""
    shown = f"{value!r:.21}"
    return shown if len(shown) < 21 else f"{shown[:20]}…"


def _short(bound: Any) -> Any:
    """1 and not 1.0."""
    return f"{bound:g}" if isinstance(bound, float) else bound


def _shown(error: Mapping[str, Any]) -> str:
    """What came, cut short; of what is too long or too short, how long it is."""
    value = error["input"]
    if error["type"] in ("string_too_short", "string_too_long", "too_short", "too_long"):
        return f"{len(value)}"
    if value is None or isinstance(value, bool):
        return PLAIN[value]
    return shortened(value) if isinstance(value, int) else f"{value!r:.80}"
