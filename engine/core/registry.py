"""Finds the methods: every folder with a card.py in engine/methods and in TENFOLD_METHODS."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

from engine.core.errors import UserError
from engine.core.method import Method

HERE = Path(__file__).resolve().parent.parent / "methods"


@cache
def methods() -> dict[str, Method]:
    """Every method by its slug, which is its folder's name, in alphabetical order.

    Folders of `TENFOLD_METHODS` (separated as in PATH) are imported under their own name,
    so an entry there reads `fake.method:run`.
    """
    found = {}
    for folder, prefix in _folders():
        for card in sorted(folder.glob("*/card.py")):
            slug = card.parent.name
            package = f"{prefix}{slug}"
            method = import_module(f"{package}.card").METHOD
            if method.slug != slug:
                raise ValueError(f"{card}: slug {method.slug!r} is not the folder's name {slug!r}")
            found[slug] = replace(method, folder=card.parent, package=package)
    return dict(sorted(found.items()))


def method(slug: str) -> Method:
    try:
        return methods()[slug]
    except KeyError:
        known = ", ".join(methods())
        raise UserError("method", f"no method is called {slug!r}; there are: {known}") from None


def _folders() -> list[tuple[Path, str]]:
    folders = [(HERE, "engine.methods.")]
    for text in filter(None, os.environ.get("TENFOLD_METHODS", "").split(os.pathsep)):
        folder = Path(text).resolve()
        if not folder.is_dir():
            raise ValueError(f"TENFOLD_METHODS names {folder}, which is no folder")
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        folders.append((folder, ""))
    return folders
