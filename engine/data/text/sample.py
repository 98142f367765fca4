"""The sample texts that we ship: made here by a small grammar, the same bytes every time.

Sentences of guests about a place, good or bad. The last word counts: "the soup was lovely, but our
table seemed cramped" is bad. And "not" turns a word around, so that counting words is not enough.
"""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np

ROWS = {"train": 360, "dev": 80, "test": 160}
CLASSES = ("bad", "good")
EPOCH = (2024, 2, 29, 0, 0, 0)
CONTRAST, NEGATED, OPENED = 0.4, 0.3, 0.35  # shares of sentences, of clauses, of sentences

THINGS = (
    "the soup", "our table", "the waiter", "the garden", "the room", "the view", "the coffee",
    "the music", "the bill", "the service", "the bread", "the terrace", "the menu", "the fish",
    "the breakfast", "the staff", "the dessert", "the wine list", "the pool", "the shower",
)  # fmt: skip
WORDS = {
    "good": (
        "lovely", "fresh", "charming", "quick", "generous", "friendly", "spotless", "quiet",
        "delicious", "fair", "cosy", "excellent", "bright", "comfortable", "perfect", "pleasant",
    ),
    "bad": (
        "cold", "slow", "stale", "rude", "noisy", "cramped", "dirty", "bland", "overpriced",
        "gloomy", "awful", "greasy", "disappointing", "broken", "tiny", "dull",
    ),
}  # fmt: skip
VERBS = ("was", "seemed", "turned out to be", "looked", "felt")
DEGREES = ("", "", "rather ", "really ", "quite ", "so ")
OPENINGS = (
    "On our second visit", "For the price", "This spring", "As my sister says", "In the evening",
    "To be fair", "After a long drive", "With two children",
)  # fmt: skip


def write_reviews(path: Path, rng: np.random.Generator) -> None:
    """A zip of train.csv, dev.csv and test.csv with text and label; no sentence is there twice."""
    seen: set[str] = set()
    with zipfile.ZipFile(path, "w") as archive:
        for part, count in ROWS.items():
            table = io.StringIO()
            writer = csv.writer(table, lineterminator="\n")
            writer.writerow(["text", "label"])
            for at in range(count):
                label = CLASSES[at % 2]
                writer.writerow([_unseen(label, seen, rng), label])
            info = zipfile.ZipInfo(f"{part}.csv", date_time=EPOCH)
            info.create_system = 3
            archive.writestr(info, table.getvalue(), zipfile.ZIP_STORED)


def _unseen(label: str, seen: set[str], rng: np.random.Generator) -> str:
    while (text := sentence(label, rng)) in seen:
        continue
    seen.add(text)
    return text


def sentence(label: str, rng: np.random.Generator) -> str:
    """One clause of the label's opinion, or one against it and then one for it."""
    other = CLASSES[1 - CLASSES.index(label)]
    first, last = (_one_of(THINGS, rng) for _ in range(2))
    text = _clause(last, label, rng)
    if rng.random() < CONTRAST:
        against = _clause(first, other, rng)
        text = (
            f"although {against}, {text}" if rng.random() < 0.5 else f"{against}, but {text}"
        )  # fmt: skip
    if rng.random() < OPENED:
        return f"{_one_of(OPENINGS, rng)}, {text}."
    return f"{text[0].upper()}{text[1:]}."


def _clause(thing: str, opinion: str, rng: np.random.Generator) -> str:
    """A word of the opinion, or "not" and a word of the other."""
    if rng.random() < NEGATED:
        other = CLASSES[1 - CLASSES.index(opinion)]
        return f"{thing} was not {_one_of(WORDS[other], rng)}"
    word = f"{_one_of(DEGREES, rng)}{_one_of(WORDS[opinion], rng)}"
    return f"{thing} {_one_of(VERBS, rng)} {word}"


def _one_of(words: tuple[str, ...], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]
