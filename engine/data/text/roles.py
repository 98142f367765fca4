"""What each column is likely to be: by well-known names first, then by what its cells look like."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain

from engine.data.text.table import Roles

# Names in lower case, with "_" for whatever is no letter or digit.
PAIRS = (
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("text_a", "text_b"),
    ("text", "text2"),
    ("text", "text_pair"),
    ("question1", "question2"),
    ("1_string", "2_string"),  # of MRPC
    ("premise", "hypothesis"),
    ("question", "sentence"),
    ("s1", "s2"),
)
TEXT = (
    "text",
    "sentence",
    "review",
    "review_text",
    "tweet",
    "comment",
    "comment_text",
    "utterance",
    "message",
    "post",
    "document",
    "content",
    "body",
    "article",
    "question",
    "headline",
    "title",
)
LABEL = (
    "label",
    "labels",
    "class",
    "category",
    "gold_label",
    "label_text",
    "sentiment",
    "quality",
    "is_duplicate",
    "acceptable",
    "intent",
    "emotion",
    "polarity",
    "stars",
    "rating",
    "target",
    "y",
)
PROMPT = ("prompt", "instruction", "question", "input", "query")
COMPLETION = ("completion", "response", "output", "answer", "target")
CONTEXT = ("context", "input")

_KNOWN = {*TEXT, *LABEL, *PROMPT, *COMPLETION, *CONTEXT, *chain(*PAIRS)}

MAX_CLASSES = 1_000
LEAST_ROWS_PER_CLASS = 2  # on average: a text that is another in every second row is no class
LONGEST_LABEL = 40  # characters
WORDS = 2  # of a text, on average, at least


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def is_known(name: str) -> bool:
    """Is it what a column with a role is called somewhere?"""
    return plain(name) in _KNOWN


def by_name(names: Sequence[str]) -> Roles:
    """The roles that names tell."""
    there = {plain(name): name for name in reversed(names)}

    def first(known: Sequence[str], *taken: str | None) -> str | None:
        free = (there[name] for name in known if name in there)
        return next((name for name in free if name not in taken), None)

    completion = first(COMPLETION) if first(PROMPT) else None
    prompt = first(PROMPT if completion else PROMPT[:2], completion)
    context = first(CONTEXT, prompt, completion) if prompt else None
    taken = (prompt, completion, context)
    pair = next((pair for pair in PAIRS if all(one in there for one in pair)), None)
    if pair and not prompt:
        text, text2 = there[pair[0]], there[pair[1]]
    else:
        text, text2 = first(TEXT, *taken), None
    label = first(LABEL, *taken)
    return Roles(text, text2, label, prompt, context, completion)


def guessed(columns: Mapping[str, Sequence[str]]) -> tuple[Roles, tuple[str, ...]]:
    """The roles of a table's columns, and the columns of which one could not be chosen as label."""
    roles = by_name(list(columns))
    if roles.prompt or (roles.text and roles.label):
        return roles, ()
    candidates = () if roles.label else tuple(
        name for name, cells in columns.items()
        if name not in (roles.text, roles.text2) and looks_like_labels(cells)
    )  # fmt: skip
    label = roles.label or (candidates[0] if len(candidates) == 1 else None)
    text, text2 = roles.text, roles.text2
    if text is None:
        others = {name: cells for name, cells in columns.items() if name != label}
        texts = [name for name, cells in others.items() if looks_like_texts(cells)]
        if len(others) == 1:
            text = next(iter(others))
        elif len(texts) in (1, 2):
            text, text2 = texts[0], texts[1] if len(texts) == 2 else None
    unsure = candidates if len(candidates) > 1 else ()
    return Roles(text, text2, label), unsure


def looks_like_labels(cells: Sequence[str]) -> bool:
    """Few short values, but more than one, each in several rows."""
    values = set(cells) - {""}
    most = min(MAX_CLASSES, len(cells) // LEAST_ROWS_PER_CLASS)
    return 1 < len(values) <= most and max(map(len, values)) <= LONGEST_LABEL


def looks_like_texts(cells: Sequence[str]) -> bool:
    """Several words a cell, of cells that differ."""
    there = [cell for cell in cells if cell]
    if not there or looks_like_labels(cells):
        return False
    return sum(cell.count(" ") + 1 for cell in there) >= WORDS * len(there)
