"""The facts of data as a page tells them."""

from __future__ import annotations

from typing import Any

from engine.core.method import Facts
from engine.data.kind import kinds


def told(kind: str, facts: Facts) -> list[dict[str, Any]]:
    """In the order of the kind's card, with its titles; unknown ones after them."""
    card = kinds().get(kind)
    known = {fact.key: fact for fact in card.facts} if card else {}
    order = [key for key in known if key in facts]
    order += [key for key in facts if key not in known]
    return [
        {
            "title": known[key].title if key in known else key,
            "unit": known[key].unit if key in known else "",
            "value": _plain(facts[key]),
        }
        for key in order
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_plain(one)}" for key, one in value.items())
    return value
