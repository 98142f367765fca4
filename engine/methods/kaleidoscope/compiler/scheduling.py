"""List scheduling: in each cycle the most urgent instruction that may issue, issues.

Nothing in the core depends on data, so the schedule is the run, to the cycle. A task is the more
urgent the longer its way to the verdict. So that this greedy choice never blocks itself, a tile
takes an accumulator only when all that it waits for has at least begun, and its target's place
together with it. Where the 64 words are too few for it, the tasks begin in the order of the steps.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.methods.kaleidoscope.compiler.graph import Issue, Task, Word, needs
from engine.methods.kaleidoscope.isa import (
    ACCUMULATORS,
    FIRST_ISSUE,
    GATHER_READ,
    WORDS,
    Instruction,
    Op,
)


@dataclass(frozen=True)
class Slot:
    """An instruction, still without its gap, in its cycle."""

    cycle: int
    task: Task
    instruction: Instruction


class OutOfWords(Exception):
    """More activation words are needed at once than there are."""


def schedule(tasks: Sequence[Task], payload: Sequence[Word]) -> list[Slot]:
    """`tasks` in an order that they can run in, the one with the verdict last; `payload` is what
    arrives. Raises OutOfWords if even that order needs too many."""
    try:
        return _Run(tasks, payload, in_order=False).slots
    except OutOfWords:
        return _Run(tasks, payload, in_order=True).slots


class _Run:
    """The core's resources, cycle by cycle, and the slots so far."""

    def __init__(self, tasks: Sequence[Task], payload: Sequence[Word], *, in_order: bool):
        self.in_order = in_order
        self.slots: list[Slot] = []
        self.number = {task: number for number, task in enumerate(tasks)}
        self.urgency = _urgencies(tasks)
        self.begun: set[Task] = set()
        self.ended: set[Task] = set()
        self.left = {task: len(task.issues) for task in tasks}  # issues to come
        self.required = {task: {before for before, _ in task.needs()} for task in tasks}

        self.free_accumulators = list(range(ACCUMULATORS))  # heaps: the lowest is taken
        self.free_words = list(range(len(payload), WORDS))
        self.accumulator: dict[Task, int] = {}
        self.place = {word: number for number, word in enumerate(payload)}
        self.users: Counter[Word] = Counter()  # reads and writers to come

        self.position: dict[Issue, int] = {}
        self.waits: dict[Issue, int] = {}  # tasks to end before it
        self.earliest: dict[Issue, int] = {}  # its cycle, by those that have ended
        self.waiting: dict[Task, list[tuple[Issue, int]]] = defaultdict(list)
        self.coming: list[tuple[int, int, Issue]] = []  # heap by cycle: they wait for no task
        self.ready: list[Issue] = []  # their operands stand; sorted by urgency
        self.gathers: set[int] = set()  # cycles
        for task in tasks:
            self._enter(task)
        for word in payload:
            self._release(word)
        self._run()

    def _enter(self, task: Task) -> None:
        if task.target is not None:
            self.users[task.target] += 1
        for issue in task.issues:
            self.position[issue] = len(self.position)
            self.users.update(set(issue.reads))
            self.earliest[issue] = max((word.payload or 0 for word in issue.reads), default=0)
            before: dict[Task, int] = {}
            for other, distance in needs(issue):
                before[other] = max(distance, before.get(other, 0))
            for other, distance in before.items():
                self.waiting[other].append((issue, distance))
            self.waits[issue] = len(before)
            self._arrive(issue)

    def _arrive(self, issue: Issue) -> None:
        if not self.waits[issue]:
            heapq.heappush(self.coming, (self.earliest[issue], self.position[issue], issue))

    def _run(self) -> None:
        cycle = FIRST_ISSUE
        while len(self.slots) < len(self.position):
            while self.coming and self.coming[0][0] <= cycle:
                insort(self.ready, heapq.heappop(self.coming)[2], key=self._order)
            weights_free = cycle - GATHER_READ not in self.gathers
            fitting = (n for n, i in enumerate(self.ready) if self._fits(i, weights_free))
            chosen = next(fitting, None)
            if chosen is not None:
                self._issue(self.ready.pop(chosen), cycle)
                cycle += 1
            elif not weights_free:
                cycle += 1
            elif self.coming:
                cycle = self.coming[0][0]
            elif not self.free_words:
                raise OutOfWords
            else:
                raise RuntimeError("the tasks are in no order that they can run in")

    def _order(self, issue: Issue) -> tuple[int, bool, int]:
        """Among equals, what continues a tile, since it will free an accumulator."""
        urgency = 0 if self.in_order else self.urgency[issue.task]
        return -urgency, issue.task not in self.begun, self.position[issue]

    def _fits(self, issue: Issue, weights_free: bool) -> bool:
        """Whether an issue whose operands stand finds its resources, too."""
        task = issue.task
        if "w" in issue.fields and task.op is Op.MVM and not weights_free:
            return False
        if self.left[task] == 1 and not self.ended.issuperset(task.ends_after):
            return False
        if task in self.begun:
            return True
        if self.in_order and self.number[task] != len(self.begun):
            return False
        if task.target is not None and task.target not in self.place and not self.free_words:
            return False
        if not task.accumulates:
            return True
        return bool(self.free_accumulators) and self.required[task] <= self.begun

    def _issue(self, issue: Issue, cycle: int) -> None:
        task = issue.task
        first = task not in self.begun
        if first:
            self._begin(task)
        self.left[task] -= 1
        last = self.left[task] == 0
        self.slots.append(Slot(cycle, task, self._instruction(issue, first=first, last=last)))
        for word in set(issue.reads):
            self._leave(word)
        if task.op is Op.GAT:
            self.gathers.add(cycle)
        if last:
            self._end(task, cycle)

    def _begin(self, task: Task) -> None:
        self.begun.add(task)
        if task.accumulates:
            self.accumulator[task] = heapq.heappop(self.free_accumulators)
        if task.target is not None and task.target not in self.place:
            self.place[task.target] = heapq.heappop(self.free_words)

    def _end(self, task: Task, cycle: int) -> None:
        self.ended.add(task)
        if task.accumulates:
            heapq.heappush(self.free_accumulators, self.accumulator[task])
        if task.target is not None:
            self._leave(task.target)
        for issue, distance in self.waiting[task]:
            self.earliest[issue] = max(self.earliest[issue], cycle + distance)
            self.waits[issue] -= 1
            self._arrive(issue)

    def _leave(self, word: Word) -> None:
        self.users[word] -= 1
        self._release(word)

    def _release(self, word: Word) -> None:
        """Its place is free when nobody will read or write it: writes come in order of issue."""
        if not self.users[word]:
            heapq.heappush(self.free_words, self.place[word])

    def _instruction(self, issue: Issue, *, first: bool, last: bool) -> Instruction:
        task = issue.task
        places = (self.place[word] for word in issue.reads)
        found: dict[str, Any] = issue.fields | dict(zip("ab", places, strict=False))
        if task.op in (Op.MVM, Op.SCORE, Op.LDW):
            found["first"] = first
        if task.op in (Op.MVM, Op.SCORE):
            found["last"] = last
        if task.accumulates:
            found["acc"] = self.accumulator[task]
            found["row"] = found["row"] if first or last else 0
        if last and task.target is not None:
            found |= {"dst": self.place[task.target], "mask": task.mask}
        return Instruction(task.op, **found | (task.last if last else {}))


def _urgencies(tasks: Sequence[Task]) -> dict[Task, int]:
    """Cycles of the longest way from the end of each task to that of the last."""
    way = dict.fromkeys(tasks, 0)
    for task in reversed(tasks):
        for before, distance in task.needs():
            way[before] = max(way[before], distance + way[task])
    return way
