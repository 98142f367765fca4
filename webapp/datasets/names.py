"""File names as they came, made fit to be shown. They are never paths."""

from __future__ import annotations

import unicodedata

LONGEST = 255  # bytes in UTF-8, the most that a file system takes


def clean(name: str) -> str:
    """The last part, in one Unicode form, without control or direction characters."""
    name = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    name = name.replace("\\", "/").rpartition("/")[2]
    name = "".join(
        letter for letter in name if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co")
    ).strip()
    if name in ("", ".", ".."):
        return "file"
    if len(name.encode()) <= LONGEST:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix.encode()) > 20:
        stem, suffix = name, ""
    ending = (dot + suffix if suffix else "").encode()
    return (stem.encode()[: LONGEST - len(ending)]).decode(errors="ignore") + ending.decode()


def kinds_by_name(name: str, kinds: dict) -> list[str]:
    """The kinds that list the suffix: one can be taken for granted, of several a person chooses."""
    lowered = name.lower()
    return [slug for slug, kind in kinds.items() if lowered.endswith(tuple(kind.suffixes))]
