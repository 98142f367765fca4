"""Random legal programs: every kind of instruction, extreme values, least gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from engine.methods.kaleidoscope import timing
from engine.methods.kaleidoscope.image import Entry, Image, assemble
from engine.methods.kaleidoscope.isa import ACCUMULATORS, Fn, Instruction, Op

ROWS = 40  # of weights and of biases
CHAIN = 4  # tiles that one accumulator sums, at most: a bias near the bound leaves room for them
ROOM = (CHAIN + 1) * 32 * 128 * 128


@dataclass
class Draft:
    """A program while it is drawn."""

    rng: np.random.Generator
    lanes: int
    words: int
    known: set[tuple[int, int]] = field(default_factory=set)  # quarters
    chains: dict[int, int] = field(default_factory=dict)  # tiles summed in an accumulator
    dynamic: bool = False
    summed: bool = False
    program: list[Instruction] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.known |= {(word, quarter) for word in range(self.words) for quarter in range(4)}

    def draw(self, most: int) -> int:
        return int(self.rng.integers(most))

    def flip(self, share: float = 0.5) -> bool:
        return bool(self.rng.random() < share)

    def word(self, mask: int = 0xF) -> int:
        """A word that may be read; one of the last written where that is possible."""
        wanted = {q for q in range(4) if mask >> q & 1}
        fit = [w for w in range(64) if all((w, q) in self.known for q in wanted)]
        recent = [i.dst for i in self.program[-4:] if i.writes and i.dst in fit]
        return int(self.rng.choice(recent if recent and self.flip(0.6) else fit))

    def target(self) -> dict[str, int]:
        mask = 0xF if self.flip() else 1 + self.draw(15)
        return {"mask": mask, "dst": self.draw(64), "table": self.draw(5) if self.flip(0.4) else 0}

    def add(self, op: Op, **fields: int) -> None:
        gap = self.draw(4) if self.flip(0.1) else 0
        instruction = Instruction(op, gap=gap, **fields)
        self.program.append(instruction)
        self.known |= {(instruction.dst, q) for q in range(4) if instruction.writes >> q & 1}


def mvm(d: Draft) -> None:
    acc = d.draw(ACCUMULATORS)
    first = d.chains.get(acc, CHAIN) >= CHAIN or d.flip(0.3)
    d.chains[acc] = 1 if first else d.chains[acc] + 1
    last, dynamic = d.flip(0.7), d.dynamic and d.flip(0.3)
    d.add(
        *(Op.MVM,),
        **(d.target() if last else {}),
        **{"first": first, "last": last, "acc": acc, "a": d.word(), "row": d.draw(ROWS)},
        **{"dynamic": dynamic, "w": 0 if dynamic else d.draw(ROWS), "relu": last and d.flip()},
    )


def elementwise(d: Draft) -> None:
    fn, shift = Fn(d.draw(len(Fn))), d.draw(16) if d.flip() else 0
    d.add(Op.EW, **d.target(), a=d.word(), b=d.word(), fn=fn, shift=shift, relu=d.flip(0.3))


def align(d: Draft) -> None:
    d.add(Op.ALIGN, **d.target(), a=d.word(), b=d.word(), n=d.draw(32), relu=d.flip(0.3))


def gather(d: Draft) -> None:
    n = d.draw(32)
    target = d.target() | {"table": 0}
    base = d.draw(ROWS - 256 // d.lanes + 1)
    d.add(Op.GAT, **target, a=d.word(1 << n // 8), n=n, w=base)


def load(d: Draft) -> None:
    column = d.flip()
    mask = 1 << d.draw(4) if column and d.lanes == 8 else 0
    n = d.draw(32 if column else d.lanes)
    first = not d.dynamic or d.flip(0.2)
    d.dynamic = True
    a = d.word(mask or 0xF)
    d.add(Op.LDW, mask=mask, a=a, n=n, column=column, first=first)


def score(d: Draft) -> None:
    first, d.summed = not d.summed or d.flip(0.2), True
    mask = 1 + d.draw(15)
    d.add(Op.SCORE, mask=mask, a=d.word(mask), b=d.word(mask), first=first, last=d.flip(0.3))


def nothing(d: Draft) -> None:
    d.add(Op.NOP)


KINDS: list[Callable[[Draft], None]] = [
    *([mvm] * 6),
    *([elementwise] * 4),
    *(align, gather, gather, load, load, score, nothing),
]


def finish(d: Draft) -> None:
    """Logits in one to four tiles, or a score."""
    if d.flip(0.2):
        mask = 1 + d.draw(15)
        first = not d.summed or d.flip()
        fields = {"mask": mask, "a": d.word(mask), "b": d.word(mask), "first": first}
        d.add(Op.SCORE, **fields, last=True, end=True)
        return
    tiles = 1 + d.draw(32 // d.lanes)
    for tile in range(tiles):
        end = tile == tiles - 1
        n = d.draw(d.lanes) if end else d.lanes - 1
        fields = {"out": True, "first": True, "last": True, "n": n, "end": end}
        d.add(Op.MVM, **fields, dst=tile, a=d.word(), w=d.draw(ROWS), row=d.draw(ROWS))


def drawn(rng: np.random.Generator, *, lanes: int, length: int = 40) -> Image:
    """An image with one random program and random contents."""
    draft = Draft(rng, lanes, words=1 + int(rng.integers(8)))
    for _ in range(length):
        KINDS[draft.draw(len(KINDS))](draft)
    finish(draft)
    program = timing.settle(draft.program, words=draft.words, lanes=lanes)
    threshold = int(rng.integers(20000))
    return contents(rng, program, lanes=lanes, words=draft.words, threshold=threshold)


def contents(
    rng: np.random.Generator,
    program: list[Instruction],
    *,
    lanes: int,
    words: int,
    threshold: int = 0,
) -> Image:
    """Random memories for a program: small, extreme and sparse rows mixed."""
    bound = 2**31 - 1 - ROOM
    bias = np.where(
        rng.random((ROWS, lanes)) < 0.5,
        rng.integers(-(10**5), 10**5, (ROWS, lanes)),
        rng.choice([-bound - 1, bound], (ROWS, lanes)),
    )
    multiplier = np.where(rng.random(ROWS) < 0.5, rng.integers(1, 32768, ROWS), 1)
    multiplier = np.where(rng.random(ROWS) < 0.3, 32767, multiplier)
    shift = np.where(rng.random(ROWS) < 0.7, rng.integers(1, 32, ROWS), rng.choice([1, 31], ROWS))
    return Image(
        lanes=lanes,
        program=assemble(program),
        weights=extremes(rng, (ROWS, lanes, 32)),
        bias=bias.astype(np.int32),
        multiplier=multiplier.astype(np.uint16),
        shift=shift.astype(np.uint8),
        tables=rng.integers(-128, 128, (4, 256)).astype(np.int8),
        entries=(Entry("random", 0, len(program), words, threshold=threshold),),
    )


def extremes(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """int8 whose rows (of the last axis) are uniform, all −128, −128 or 127, or mostly 0."""
    kind = rng.integers(4, size=(*shape[:-1], 1))
    uniform = rng.integers(-128, 128, shape)
    ends = rng.choice([-128, 127], shape)
    sparse = np.where(rng.random(shape) < 0.1, uniform, 0)
    return np.select([kind == 0, kind == 1, kind == 2], [uniform, -128, ends], sparse).astype(
        np.int8
    )
