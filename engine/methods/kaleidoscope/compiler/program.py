"""The compiler: an integer network becomes a scheduled program image, its listing and its cycles.

Refused by name: a layer that may overflow, and what the core has no room for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from engine.core.errors import UserError
from engine.methods.kaleidoscope.compiler.compiled import Compiled, Layer, Line, Stored
from engine.methods.kaleidoscope.compiler.lowering import Lowering
from engine.methods.kaleidoscope.compiler.scheduling import OutOfWords, Slot, schedule
from engine.methods.kaleidoscope.image import (
    MODELS,
    PROGRAM_WORDS,
    WEIGHT_ROWS,
    Entry,
    Image,
    assemble,
    join,
)
from engine.methods.kaleidoscope.integer import Network, Score
from engine.methods.kaleidoscope.isa import (
    FIRST_ISSUE,
    PAYLOAD_WORDS,
    TABLES,
    WORD,
    WORDS,
    Instruction,
    Op,
    text,
    verdict_latency,
)
from engine.methods.kaleidoscope.proof import prove
from engine.methods.kaleidoscope.timing import check


def compile_network(network: Network, *, lanes: int) -> Compiled:
    """Raises UserError, naming the layer or the resource, for what the core cannot run."""
    prove(network)
    payload = -(-network.inputs // WORD)
    _require_room(network.name, {"payload words": (payload, PAYLOAD_WORDS)})
    lowering = Lowering(network, lanes)
    constants = lowering.constants
    _require_room(
        network.name,
        {
            "weight tiles": (len(constants.tiles), WEIGHT_ROWS),
            "tile rows": (len(constants.rows), WEIGHT_ROWS),
            "instructions": (sum(len(t.issues) for t in lowering.tasks), PROGRAM_WORDS),
        },
    )
    try:
        slots = schedule(lowering.tasks, lowering.payload)
    except OutOfWords:
        expected = f"it needs more activation words at once than the {WORDS} of the core"
        raise UserError(network.name, expected) from None
    program = list(_with_gaps(slots))
    check(program, words=payload, lanes=lanes)
    names = [step.name for step in network.steps]
    return Compiled(
        image=_image(network, lowering, program),
        cycles=slots[-1].cycle + verdict_latency(lanes),
        listing=tuple(
            Line(pc, slot.cycle, instruction.gap, text(instruction), names[slot.task.step])
            for pc, (slot, instruction) in enumerate(zip(slots, program, strict=True))
        ),
        layers=tuple(_layers(names, slots, lowering.skipped)),
        stores=tuple(_stores(slots)),
        useful=lowering.useful,
    )


def link(models: Sequence[Compiled]) -> Image:
    """One image of several networks for the same kind of core; a model's id is its place.

    Raises UserError where the core has no room for them together.
    """
    images = [model.image for model in models]
    _require_room(
        " + ".join(model.entry.name for model in models),
        {
            "weight tiles": (sum(len(image.weights) for image in images), WEIGHT_ROWS),
            "tile rows": (sum(len(image.bias) for image in images), WEIGHT_ROWS),
            "tables": (len({bytes(t) for image in images for t in image.tables}), TABLES),
            "instructions": (sum(len(image.program) for image in images), PROGRAM_WORDS),
            "models": (len(images), MODELS),
        },
    )
    return join(images)


def _require_room(name: str, needed: dict[str, tuple[int, int]]) -> None:
    for what, (wanted, room) in needed.items():
        if wanted > room:
            raise UserError(name, f"it needs {wanted} {what}; the core holds {room}")


def _with_gaps(slots: Sequence[Slot]) -> Iterator[Instruction]:
    before = FIRST_ISSUE - 1
    for slot in slots:
        yield replace(slot.instruction, gap=slot.cycle - before - 1)
        before = slot.cycle


def _image(network: Network, lowering: Lowering, program: list[Instruction]) -> Image:
    constants, outcome = lowering.constants, network.outcome
    bias, multiplier, shift = zip(*constants.rows, strict=True) if constants.rows else ((),) * 3
    entry = Entry(
        network.name,
        pc=0,
        length=len(program),
        words=len(lowering.payload),
        classes=tuple(network.classes),
        threshold=outcome.threshold if isinstance(outcome, Score) else 0,
    )
    lanes = lowering.lanes
    return Image(
        lanes=lanes,
        program=assemble(program),
        weights=np.array(constants.tiles, np.int8).reshape(-1, lanes, WORD),
        bias=np.array(bias, np.int32).reshape(-1, lanes),
        multiplier=np.array(multiplier, np.uint16),
        shift=np.array(shift, np.uint8),
        tables=np.array(list(network.tables.values()), np.int8).reshape(-1, 256),
        entries=(entry,),
    )


def _layers(names: list[str], slots: Sequence[Slot], skipped: list[int]) -> Iterator[Layer]:
    for step, name in enumerate(names):
        own = [slot for slot in slots if slot.task.step == step]
        tiles = sum(slot.task.op is Op.MVM for slot in own)
        yield Layer(name, tiles, skipped[step], len(own), own[0].cycle, own[-1].cycle)


def _stores(slots: Sequence[Slot]) -> Iterator[Stored]:
    for pc, (slot, store) in enumerate((slot, slot.task.store) for slot in slots):
        if store is not None and slot.instruction.writes:
            where = slot.instruction.dst
            yield Stored(slot.task.step, store.buffer, store.start, store.stop, pc, where)
