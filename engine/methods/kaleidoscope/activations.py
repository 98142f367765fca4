"""What every step of a network wrote in a core, read back from the writes to its activations."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from engine.methods.kaleidoscope import machine
from engine.methods.kaleidoscope.deployed import Deployed
from engine.methods.kaleidoscope.integer import (
    WORD,
    Matrix,
    Step,
    Trace,
    View,
    read,
    read_rows,
)
from engine.methods.kaleidoscope.isa import WRITE
from engine.methods.kaleidoscope.model_rig import words
from engine.methods.kaleidoscope.simulator import records
from engine.methods.kaleidoscope.simulator.build import Binary
from engine.methods.kaleidoscope.simulator.run import run

APART = 32  # cycles between a verdict and the next job

Written = list[np.ndarray]  # of each step but the last, int8 (n, bytes)
Word = Callable[[int, int], np.ndarray]  # of an instruction and a word, int8 (n, 32)


def of_rtl(
    deployed: Deployed,
    binary: Binary,
    data: np.ndarray,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Written, np.ndarray]:
    """Steps of payloads uint8 (n, inputs), one after the other on one core, and their outcome."""
    apart = deployed.compiled.cycles + APART
    jobs = [
        records.Job(payload, at=number * apart)
        for number, payload in enumerate(words(deployed, data))
    ]
    with tempfile.TemporaryDirectory(prefix="rtl-") as name:
        folder = Path(name)
        records.write_stimulus(folder, deployed.compiled.image, jobs, level=records.WRITES)
        run(binary, folder, should_stop=should_stop)
        found = records.read_results(folder, jobs=len(jobs))
    at = {row.pc: row.at + WRITE for row in deployed.compiled.listing}
    places = {
        (int(cycle), int(word)): n for n, (cycle, _, _, word, _) in enumerate(found.writes.tolist())
    }

    def word_of(pc: int, word: int) -> np.ndarray:
        rows = [places[int(accepted) + at[pc], word] for accepted in found.accepted]
        return found.written[rows]

    return _steps(deployed, len(data), word_of), outcome(deployed, found.logits, found.score)


def of_model(deployed: Deployed, data: np.ndarray) -> tuple[Written, np.ndarray]:
    """The same by machine.py."""
    found = machine.run(deployed.compiled.image, words(deployed, data))
    written = {(write.pc, write.word): write.data for write in found.writes}
    steps = _steps(deployed, len(data), lambda pc, word: written[pc, word])
    return steps, outcome(deployed, found.logits, found.score)


def outcome(deployed: Deployed, logits: np.ndarray, score: np.ndarray) -> np.ndarray:
    """int32 (n, classes), or (n, 1) of a detector."""
    if deployed.detects:
        return np.asarray(score, np.int32)[:, None]
    return np.asarray(logits, np.int32)[:, : len(deployed.network.classes)]


def expected(deployed: Deployed, trace: Trace) -> np.ndarray:
    """The golden outcome in the same shape."""
    return trace.outcome.reshape(len(trace.outcome), -1)


def first_difference(trace: Trace, written: Written) -> tuple[int, int, int, int, int] | None:
    """(flow, step, index, golden, found) where a step first differs from the golden model."""
    for number, (golden, found) in enumerate(zip(trace.written, written, strict=True)):
        where = np.argwhere(golden != found)
        if len(where):
            flow, index = (int(at) for at in where[0])
            return flow, number, index, int(golden[flow, index]), int(found[flow, index])
    return None


def _steps(deployed: Deployed, n: int, word_of: Word) -> Written:
    network = deployed.network
    found: Written = []
    for number, step in enumerate(network.steps[:-1]):
        memory = {name: np.zeros((n, size), np.int8) for name, size in network.buffers.items()}
        for store in deployed.compiled.stores:
            if store.step == number:
                low = store.start % WORD
                part = word_of(store.pc, store.word)[:, low : low + store.stop - store.start]
                memory[store.buffer][:, store.start : store.stop] = part
        found.append(_target(step, memory))
    return found


def _target(step: Step, memory: Mapping[str, np.ndarray]) -> np.ndarray:
    target = getattr(step, "target", None)
    if isinstance(target, Matrix):
        rows = read_rows(memory, target)
        return rows.reshape(len(rows), -1)
    if isinstance(target, View):
        return read(memory, target)
    raise TypeError(f"{step.name}: an outcome writes no activations")
