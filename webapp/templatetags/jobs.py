"""Filters of the job pages: values and differences as text."""

from __future__ import annotations

import json
from typing import Any

from django import template

from webapp.jobs import models
from webapp.templatetags.bench import number

register = template.Library()


@register.filter
def called(row: dict[str, Any]) -> str:
    """The name of a job that is no more than a row of the list."""
    grouped = row["group_id"] is not None
    return models.called(row["name"], row["method"], row["seed"], grouped=grouped)


@register.filter
def plain(value: Any) -> str:
    """A parameter's value as people write it: words bare, lists with commas, nothing as –."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(plain, value)) or "none"
    return json.dumps(value, ensure_ascii=False)


@register.filter
def signed(value: float | None) -> str:
    """A difference with its sign."""
    if value is None:
        return "–"
    return f"+{number(value)}" if value > 0 else number(value)


@register.filter
def numeric(value: Any) -> str:
    """A cell of a table, perhaps as text: numbers in few digits, the rest as it stood."""
    if value is None:
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    try:
        read = json.loads(text)
    except ValueError:
        return text
    return number(read) if isinstance(read, int | float) else text
