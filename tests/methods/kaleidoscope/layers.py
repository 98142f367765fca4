"""Hand-scheduled programs whose values and cycles have a closed form."""

from __future__ import annotations

import numpy as np

from engine.methods.kaleidoscope import timing
from engine.methods.kaleidoscope.image import Entry, Image, assemble
from engine.methods.kaleidoscope.isa import Instruction, Op


def dense(*, rows: int, columns: int, dst: int, lanes: int = 8, relu: bool = False):
    """MVMs of a dense layer from words 0.. to `dst`, tile after tile; and one tile of logits."""
    program, blocks = [], columns // 32
    for tile in range(rows // lanes):
        for block in range(blocks):
            first, last = block == 0, block == blocks - 1
            place = {"dst": dst + tile // 4, "mask": 1 << tile % 4} if last else {}
            program.append(
                Instruction(
                    *(Op.MVM,),
                    **{"first": first, "last": last, "relu": relu and last, "a": block},
                    **{"w": tile * blocks + block, "row": tile, **place},
                )
            )
    return program


def verdict(*, a: int, w: int, row: int, n: int = 7, dst: int = 0, end: bool = True):
    fields = {"first": True, "last": True, "out": True, "n": n, "dst": dst, "end": end}
    return Instruction(Op.MVM, a=a, w=w, row=row, **fields)


def image(
    program: list[Instruction],
    *,
    words: int,
    weights: np.ndarray,
    bias: np.ndarray,
    multiplier: int = 1,
    shift: int = 1,
    name: str = "layer",
) -> Image:
    """The settled program with its memories; every tile row has the same multiplier and shift."""
    lanes, rows = weights.shape[1], len(bias)
    program = timing.settle(program, words=words, lanes=lanes)
    return Image(
        lanes=lanes,
        program=assemble(program),
        weights=weights.astype(np.int8),
        bias=bias.astype(np.int32),
        multiplier=np.full(rows, multiplier, np.uint16),
        shift=np.full(rows, shift, np.uint8),
        tables=np.zeros((0, 256), np.int8),
        entries=(Entry(name, 0, len(program), words),),
    )


def mlp32(rng: np.random.Generator) -> Image:
    """32 → 64 → 32 → 11, the blocks of the second layer interleaved over four accumulators."""
    program = dense(rows=64, columns=32, dst=8, relu=True)
    for block in range(2):
        for tile in range(4):
            fields: dict[str, int] = {"a": 8 + block, "w": 8 + 4 * block + tile, "acc": tile}
            fields |= {"row": 8 + tile, "first": block == 0, "last": block == 1}
            fields |= {"relu": True, "dst": 10, "mask": 1 << tile} if block else {}
            program.append(Instruction(Op.MVM, **fields))
    program += [
        verdict(a=10, w=16, row=12, end=False),
        verdict(a=10, w=17, row=13, dst=1, n=2),
    ]
    return image(
        *(program,),
        words=1,
        weights=rng.integers(-128, 128, (18, 8, 32)),
        bias=rng.integers(-3000, 3000, (14, 8)),
        multiplier=20000,
        shift=25,
        name="mlp-32",
    )
