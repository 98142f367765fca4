"""Typed readers of the environment: a bad value stops the start, with its name and cause."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """The variable, or the content of the file that NAME_FILE names (for secrets)."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: {error}") from None
    return os.environ.get(name, default)


def number(name: str, default: float, *, least: float = 0) -> float:
    raw = text(name)
    try:
        value = float(raw) if raw else float(default)
    except ValueError:
        raise ImproperlyConfigured(f"{name}: a number was expected, got {raw!r}") from None
    if value < least:
        raise ImproperlyConfigured(f"{name}: at least {least:g} was expected, got {raw!r}")
    return value


def flag(name: str, *, default: bool) -> bool:
    raw = text(name).lower()
    if not raw:
        return default
    if raw not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name}: true or false was expected, got {raw!r}")
    return raw in TRUE


def words(name: str, default: str = "") -> list[str]:
    """A list written with commas."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]
