"""The dependence graph between lowering and scheduling: tasks, their issues, the words they use.

A word is one life of an activation word: each of its quarters is written once, and every write
comes before every read. What overwrites a word begins another, so that only true dependences
remain and the scheduler may choose the place of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from engine.methods.kaleidoscope.isa import DEPENDENT, WORD, Op


class Byte(IntEnum):
    """What a byte of a word holds; the network takes all but VALUE for zero."""

    EMPTY = 0  # nothing was written: what the core holds there is undefined
    ZERO = 1  # zero in the core, too
    VALUE = 2
    FOREIGN = 3  # the core holds something that the network does not know of


@dataclass(eq=False)
class Word:
    """One life of an activation word; `payload` is the number of a word that arrives."""

    name: str
    payload: int | None = None
    state: np.ndarray = field(default_factory=lambda: np.zeros(WORD, np.uint8))  # of Byte
    writers: list[Task] = field(default_factory=list, repr=False)
    complete: bool = False  # it is read, so nothing writes to it any more


@dataclass(frozen=True)
class Store:
    """Bytes start..stop-1 of a buffer, all of one word: the part of a step's outcome in a task."""

    buffer: str
    start: int
    stop: int


@dataclass(eq=False)
class Issue:
    """One instruction to come, without the fields that the schedule decides."""

    task: Task = field(repr=False)
    reads: tuple[Word, ...]  # a, or a and b
    fields: dict[str, Any]
    after: tuple[Task, ...]  # tasks whose last issue comes before


@dataclass(eq=False)
class Task:
    """Issues that make one result, in any order; the last of them writes it to `target`.

    A tile's sum over its K-blocks, the rows of a dynamic tile, or a single instruction.
    """

    op: Op
    step: int  # of the network
    target: Word | None = None
    mask: int = 0
    store: Store | None = None
    last: dict[str, Any] = field(default_factory=dict)  # fields of the last issue alone
    spreads_zeros: bool = False  # quarters that its mask gains beyond the tile's receive zeros
    issues: list[Issue] = field(default_factory=list)
    ends_after: list[Task] = field(default_factory=list)

    def issue(self, *reads: Word, after: Iterable[Task] = (), **fields: Any) -> None:
        self.issues.append(Issue(self, reads, fields, tuple(after)))

    @property
    def accumulates(self) -> bool:
        """It holds an accumulator from its first issue to its last."""
        return self.op is Op.MVM

    def needs(self) -> Iterator[tuple[Task, int]]:
        """Tasks that end before this one does, and the least distance in cycles."""
        for issue in self.issues:
            yield from needs(issue)
        yield from ((task, 1) for task in self.ends_after)


def needs(issue: Issue) -> Iterator[tuple[Task, int]]:
    """Tasks that end before an issue, and the least distance in cycles."""
    yield from ((task, DEPENDENT) for word in issue.reads for task in word.writers)
    yield from ((task, 1) for task in issue.after)
