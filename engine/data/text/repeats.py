"""Rows that say the same: within a part, and across parts."""

from __future__ import annotations

import numpy as np

from engine.data.text.table import Texts


def keys(texts: Texts) -> list[tuple[str, ...]]:
    """What makes a row the same as another: its texts, whatever its class; every cell where the
    columns have no roles."""
    roles = texts.roles
    chosen = [roles.text, roles.text2, roles.prompt, roles.context, roles.completion]
    columns = [texts.columns[name] for name in chosen if name] or list(texts.columns.values())
    return list(zip(*(map(plain, column) for column in columns), strict=True))


def plain(cell: str) -> str:
    """As it reads: white space alone tells no two texts apart."""
    return " ".join(cell.split())


def repeats(texts: Texts) -> np.ndarray:
    """Row numbers (k,) int64 of rows whose texts stand in an earlier row of the same part."""
    of_row = keys(texts)
    found: list[int] = []
    for rows in texts.parts.values():
        seen: set[tuple[str, ...]] = set()
        for row in rows.tolist():
            if of_row[row] in seen:
                found.append(row)
            seen.add(of_row[row])
    return np.array(sorted(found), np.int64)


def overlap(texts: Texts, *, inside: str, of: str) -> np.ndarray:
    """Row numbers (k,) int64 of the part `inside` whose texts stand in the part `of` too."""
    of_row = keys(texts)
    there = {of_row[row] for row in texts.parts[of].tolist()}
    return np.array([row for row in texts.parts[inside].tolist() if of_row[row] in there], np.int64)
