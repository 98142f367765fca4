"""From the steps of an integer network to the tasks of a core: one method for each kind of step.

A step reads the words of its sources before it begins those of its target, so that it may write
where it reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.methods.kaleidoscope.compiler.constants import Constants
from engine.methods.kaleidoscope.compiler.graph import Byte, Store, Task, Word
from engine.methods.kaleidoscope.compiler.memory import Memory, pieces, quarters, rows
from engine.methods.kaleidoscope.compiler.tiling import Tile, tile
from engine.methods.kaleidoscope.integer import (
    Dense,
    Elementwise,
    Gather,
    Logits,
    Lookup,
    Network,
    Product,
    Rotate,
    Score,
    View,
)
from engine.methods.kaleidoscope.isa import QUARTER, WORD, Fn, Op

FUNCTIONS = {
    "add": Fn.ADD,
    "sub": Fn.SUB,
    "mul": Fn.MUL,
    "max": Fn.MAX,
    "absdiff": Fn.ABSDIFF,
}
SHIFTED = ("add", "sub", "mul")  # the network does not shift the others


class Lowering:
    """The tasks of a network, in the order of its steps, which is an order they can run in."""

    def __init__(self, network: Network, lanes: int):
        self.network, self.lanes = network, lanes
        self.constants = Constants(lanes, network.tables)
        self.tasks: list[Task] = []
        self.memory = Memory(network, self.tasks)
        self.skipped = [0] * len(network.steps)  # tiles of zeros, by step
        self.dynamic: list[Task] = []  # the users of the dynamic tile as it was last loaded
        self.useful = 0  # multiplications by a weight that is not zero, or by an activation
        for self.at, step in enumerate(network.steps):
            match step:
                case Dense():
                    self._dense(step)
                case Logits():
                    self._logits(step)
                case Elementwise():
                    self._elementwise(step)
                case Lookup():
                    self._lookup(step)
                case Rotate():
                    self._rotate(step)
                case Gather():
                    self._gather(step)
                case Product():
                    self._product(step)
                case Score():
                    self._score(step)
        self._finish()

    @property
    def payload(self) -> list[Word]:
        return self.memory.payload

    # Layers of weights

    def _dense(self, step: Dense) -> None:
        tiles = self._tiles(step, step.target.offset)
        pad = Byte.ZERO
        if step.table is not None and self.network.tables[step.table][128] != 0:
            pad = Byte.FOREIGN
        words = self._begin(step.name, step.target, pad)
        stop = step.target.offset + step.target.length
        last = {"relu": step.relu, "table": self.constants.table(step.table)}
        for one in tiles:
            low, high = max(one.start, step.target.offset), min(one.start + self.lanes, stop)
            task = self._store(Op.MVM, words, View(step.target.buffer, low, high - low), last=last)
            task.spreads_zeros = self.lanes == WORD and pad == Byte.ZERO
            row = self.constants.row(one.bias, step.multiplier, step.shift)
            for word, weight in one.blocks:
                task.issue(word, w=weight, row=row)

    def _logits(self, step: Logits) -> None:
        before: list[Task] = []
        for one in self._tiles(step, 0):
            high = min(one.start + self.lanes, len(step.bias))
            last = {"out": True, "dst": one.start // QUARTER, "n": high - one.start - 1}
            task = self._add(Task(Op.MVM, self.at, last=last, ends_after=before))
            row = self.constants.row(one.bias)
            for word, weight in one.blocks:
                task.issue(word, w=weight, row=row)
            before = [task]

    def _tiles(self, step: Dense | Logits, start: int) -> list[Tile]:
        found = tile(step, start, memory=self.memory, constants=self.constants, step=self.at)
        self.skipped[self.at] = found.skipped
        self.useful += found.useful
        return found.tiles

    # Whole words

    def _elementwise(self, step: Elementwise) -> None:
        pairs = zip(self._exact(step.name, step.a), self._exact(step.name, step.b), strict=True)
        shift = step.shift if step.kind in SHIFTED else 0
        for task, (a, b) in zip(self._whole(step, Op.EW), list(pairs), strict=True):
            task.issue(a, b, fn=FUNCTIONS[step.kind], shift=shift)

    def _lookup(self, step: Lookup) -> None:
        words = self._exact(step.name, step.source)
        for task, word in zip(self._whole(step, Op.EW), words, strict=True):
            task.issue(word, fn=Fn.COPY, table=self.constants.table(step.table))

    def _rotate(self, step: Rotate) -> None:
        (word,) = self._exact(step.name, step.source)
        for task in self._whole(step, Op.ALIGN):
            task.issue(word, word, n=step.count)

    def _score(self, step: Score) -> None:
        a, b = self._exact(step.name, step.a), self._exact(step.name, step.b)
        task = self._add(Task(Op.SCORE, self.at))
        for pair in zip(a, b, strict=True):
            task.issue(*pair, mask=0xF)

    def _whole(self, step: Elementwise | Lookup | Rotate, op: Op) -> list[Task]:
        """One task for each word of the target."""
        words = self._begin(step.name, step.target)
        buffer, offset = step.target.buffer, step.target.offset
        starts = range(offset, offset + step.target.length, WORD)
        return [self._store(op, words, View(buffer, start, WORD)) for start in starts]

    # Bytes and activations as addresses and weights

    def _gather(self, step: Gather) -> None:
        size = step.table.shape[1]
        words = self._exact(step.name, step.source)
        first = self.constants.embedding(step.table)
        targets = self._begin(step.name, step.target)
        for place in range(step.source.length):
            part = View(step.target.buffer, step.target.offset + place * size, size)
            task = self._store(Op.GAT, targets, part)
            index, byte = divmod(step.source.offset % WORD + place, WORD)
            task.issue(words[index], n=byte, w=first)

    def _product(self, step: Product) -> None:
        left, right, pad = self._operands(step)
        columns = step.target.columns
        targets = [(row, self._begin(step.name, row, pad)) for row in rows(step.target)]
        row = self.constants.row(np.zeros(self.lanes, np.int32), step.multiplier, step.shift)
        self.useful += step.a.rows * step.a.columns * columns
        for low in range(0, columns, self.lanes):
            high = min(low + self.lanes, columns)
            load = self._load(right, low, high, transposed=step.transposed)
            for word, (target, words) in zip(left, targets, strict=True):
                part = View(target.buffer, target.offset + low, high - low)
                task = self._store(Op.MVM, words, part, last={"relu": step.relu})
                task.spreads_zeros = self.lanes == WORD and pad == Byte.ZERO
                task.issue(word, after=[load], dynamic=True, row=row)
                self.dynamic.append(task)

    def _load(self, right: list[Word], low: int, high: int, *, transposed: bool) -> Task:
        """Columns low..high-1 of a matrix to the dynamic tile, once its last users are through."""
        load, before = self._add(Task(Op.LDW, self.at)), tuple(self.dynamic)
        self.dynamic = []
        if transposed:
            for n, word in enumerate(right[low:high]):
                load.issue(word, after=before, n=n, mask=0xF)
        else:
            mask = quarters(low, low + self.lanes)
            for n, word in enumerate(right):
                load.issue(word, after=before, n=n, mask=mask, column=True)
        return load

    def _operands(self, step: Product) -> tuple[list[Word], list[Word], Byte]:
        """The rows of both matrices, and what lanes beyond the target's columns receive.

        What lies beyond the columns of `a` meets columns of zeros in the tile, unless b's rows
        became its rows: then it meets what lies beyond theirs.
        """
        a, b = rows(step.a), rows(step.b)
        if step.transposed:
            self._narrow(step)
            left = [self._exact(step.name, row)[0] for row in a]
        else:
            left = [self.memory.read((row.buffer, row.offset // WORD), self.at) for row in a]
        right = [self._exact(step.name, row)[0] for row in b]
        wide = not step.transposed and self._beyond(b, step.b.columns).any()
        return left, right, Byte.FOREIGN if wide else Byte.ZERO

    def _narrow(self, step: Product) -> None:
        """Refuse a transposed product to which bytes beyond the matrices would add."""
        beyond = self._beyond(rows(step.a), step.a.columns)
        if (beyond & self._beyond(rows(step.b), step.b.columns)).any():
            raise UserError(
                step.name, f"both matrices have bytes beyond their {step.a.columns} columns; "
                "expected words that hold nothing else"
            )  # fmt: skip

    def _beyond(self, matrix: list[View], columns: int) -> np.ndarray:
        """bool (bytes beyond the columns,): some row may hold something there."""
        states = [self.memory.holds((row.buffer, row.offset // WORD)) for row in matrix]
        return (np.array(states)[:, columns:] >= Byte.VALUE).any(axis=0)

    # What they share

    def _exact(self, name: str, view: View) -> list[Word]:
        """The words of a view, all of whose bytes are what the network takes them for."""
        words = []
        for index, low, high in pieces(view):
            words.append(self.memory.read((view.buffer, index), self.at))
            if (words[-1].state[low:high] == Byte.FOREIGN).any():
                raise UserError(
                    name, f"it reads bytes of word {index} of {view.buffer!r} that hold no value; "
                    "expected an input of whole words, and layers of a multiple of 8 rows"
                )  # fmt: skip
        return words

    def _begin(self, name: str, target: View, pad: Byte = Byte.ZERO) -> dict[int, Word]:
        return self.memory.write(target, name=name, step=self.at, pad=pad)

    def _store(
        self, op: Op, words: dict[int, Word], part: View, *, last: dict[str, Any] | None = None
    ) -> Task:
        """A task that writes a part of one word of its step's target."""
        low, stop = part.offset % WORD, part.offset + part.length
        word = words[part.offset // WORD]
        store = Store(part.buffer, part.offset, stop)
        mask = quarters(low, low + part.length)
        task = self._add(Task(op, self.at, word, mask, store, last or {}))
        word.writers.append(task)
        return task

    def _add(self, task: Task) -> Task:
        self.tasks.append(task)
        return task

    def _finish(self) -> None:
        """The verdict comes last, after whatever nothing waits for."""
        end = self.tasks[-1]
        end.last["end"] = True
        needed = {before for task in self.tasks for before, _ in task.needs()}
        unneeded = [task for task in self.tasks[:-1] if task not in needed]
        end.ends_after = [*end.ends_after, *unneeded]
