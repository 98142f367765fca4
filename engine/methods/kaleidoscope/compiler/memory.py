"""Buffers as lives of words: who wrote which byte, and what to do about bytes that nobody wrote.

The network takes a byte that nobody wrote for zero; in the core it is undefined, and a word may
only be read when all its quarters are written. A dense layer does not mind what such bytes hold,
its weights there are zero: some instruction that writes to the word writes the other quarters,
too. For every other reader the quarters are filled with zeros.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.core.errors import UserError
from engine.methods.kaleidoscope.compiler.graph import Byte, Task, Word
from engine.methods.kaleidoscope.integer import (
    PAYLOAD,
    Elementwise,
    Gather,
    Lookup,
    Matrix,
    Network,
    Product,
    Rotate,
    Score,
    Step,
    View,
)
from engine.methods.kaleidoscope.isa import QUARTER, WORD, Fn, Op

Key = tuple[str, int]  # buffer, word in it


class Memory:
    """The words of a network's buffers, as of the step that is being lowered."""

    def __init__(self, network: Network, tasks: list[Task]):
        self._tasks = tasks
        self._exact = {key for step in network.steps for key in _exactly_read(step)}
        self._words = {
            (name, index): Word(f"{name}.{index}")
            for name, size in network.buffers.items()
            for index in range(-(-size // WORD))
        }
        self.payload = [self._words[PAYLOAD, index] for index in range(-(-network.inputs // WORD))]
        for number, word in enumerate(self.payload):
            word.payload, word.complete = number, True
            word.state[:] = Byte.VALUE
        self.payload[-1].state[(network.inputs - 1) % WORD + 1 :] = Byte.FOREIGN

    def holds(self, key: Key) -> np.ndarray:
        """The states of the 32 bytes of a word."""
        return self._words[key].state

    def read(self, key: Key, step: int) -> Word:
        """The word as it is now, with all its quarters written."""
        word = self._words[key]
        if not word.complete:
            word.complete = True
            self._cover(word, exact=key in self._exact, step=step)
        return word

    def write(self, view: View, *, name: str, step: int, pad: Byte) -> dict[int, Word]:
        """Words that a step is about to write, by their number in the buffer.

        `pad` is what the rest of the last quarter receives. Raises UserError where it would
        overwrite bytes that the network keeps.
        """
        return {
            index: self._begin((view.buffer, index), low, high, name=name, step=step, pad=pad)
            for index, low, high in pieces(view)
        }

    def _begin(self, key: Key, low: int, high: int, *, name: str, step: int, pad: Byte) -> Word:
        word = self._words[key]
        end = -(-high // QUARTER) * QUARTER
        if (word.state[high:end] == Byte.VALUE).any():
            raise UserError(
                name, f"it would overwrite bytes {high}..{end - 1} of word {key[1]} of {key[0]!r}; "
                "expected a target that ends at a multiple of 8 bytes"
            )  # fmt: skip
        if word.complete or word.state[low:high].any():
            word = self._renewed(key, low, end, step)
        word.state[low:high], word.state[high:end] = Byte.VALUE, pad
        return word

    def _renewed(self, key: Key, low: int, end: int, step: int) -> Word:
        """Another life of a word, with a copy of those quarters that are not to be written."""
        old, new = self._words[key], Word(f"{key[0]}.{key[1]}")
        kept = old.state == Byte.VALUE
        kept[low:end] = False
        kept = np.repeat(kept.reshape(-1, QUARTER).any(axis=1), QUARTER)
        if kept.any():
            copy = Task(Op.EW, step, new, _mask(kept))
            copy.issue(self.read(key, step), fn=Fn.COPY)
            self._add(copy, new)
            new.state[kept] = old.state[kept]
        self._words[key] = new
        return new

    def _cover(self, word: Word, *, exact: bool, step: int) -> None:
        empty = word.state == Byte.EMPTY
        if not empty.any():
            return
        first = word.writers[0] if word.writers else None
        if first and (first.spreads_zeros or not exact):
            first.mask |= _mask(empty)
            word.state[empty] = Byte.ZERO if first.spreads_zeros else Byte.FOREIGN
        else:
            fill = Task(Op.EW, step, word, _mask(empty))
            fill.issue(self.payload[0], self.payload[0], fn=Fn.SUB)
            self._add(fill, word)
            word.state[empty] = Byte.ZERO

    def _add(self, task: Task, word: Word) -> None:
        self._tasks.append(task)
        word.writers.append(task)


def pieces(view: View) -> Iterator[tuple[int, int, int]]:
    """The words of a view: number in the buffer, first byte, byte after the last."""
    stop = view.offset + view.length
    for index in range(view.offset // WORD, -(-stop // WORD)):
        yield index, max(0, view.offset - index * WORD), min(WORD, stop - index * WORD)


def quarters(low: int, high: int) -> int:
    """Mask of the quarters of bytes low..high-1 of a word."""
    return sum(1 << q for q in range(low // QUARTER, -(-high // QUARTER)))


def rows(matrix: Matrix) -> list[View]:
    """Its rows, one in each word."""
    starts = range(matrix.offset, matrix.offset + matrix.rows * WORD, WORD)
    return [View(matrix.buffer, start, matrix.columns) for start in starts]


def _mask(of: np.ndarray) -> int:
    return sum(1 << int(q) for q in np.flatnonzero(of.reshape(-1, QUARTER).any(axis=1)))


def _exactly_read(step: Step) -> Iterator[Key]:
    """Words of which a step reads bytes that no weight of zero hides."""
    views: list[View] = []
    match step:
        case Elementwise() | Score():
            views = [step.a, step.b]
        case Lookup() | Rotate() | Gather():
            views = [step.source]
        case Product():
            views = [*rows(step.b), *(rows(step.a) if step.transposed else [])]
    for view in views:
        yield from ((view.buffer, index) for index, _, _ in pieces(view))
