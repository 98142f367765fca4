"""Parts of a data set as names of files and folders tell them: train, dev and test."""

from __future__ import annotations

import re

PARTS = ("train", "dev", "test")
_WORDS = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
    "testing": "test",
}


def is_part(name: str) -> bool:
    """Is it the name of a part, and nothing more?"""
    return name.lower() in _WORDS


def part_of(name: str) -> str | None:
    """The last word of a path that names a part: "glue/SST-2/dev.tsv", "mrpc_train.txt"."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((_WORDS[word] for word in reversed(words) if word in _WORDS), None)
