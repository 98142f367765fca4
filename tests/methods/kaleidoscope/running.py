"""A compiled network against its golden model, byte by byte."""

from __future__ import annotations

import numpy as np

from engine.methods.kaleidoscope import arithmetic, machine
from engine.methods.kaleidoscope.compiler.compiled import Compiled
from engine.methods.kaleidoscope.image import Image
from engine.methods.kaleidoscope.integer import (
    WORD,
    Logits,
    Matrix,
    Network,
    golden,
    memory_after,
)


def payload_of(network: Network, count: int, *, seed: int = 0) -> np.ndarray:
    """Random bytes uint8 (count, inputs), the first rows all low and all high."""
    payload = np.random.default_rng(seed).integers(0, 256, (count, network.inputs), np.uint8)
    payload[0], payload[1] = 0, 255
    return payload


def words_of(network: Network, payload: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """int8 (n, words, 32) as it reaches the core; what lies beyond the input is arbitrary."""
    words = -(-network.inputs // WORD)
    arrives = np.random.default_rng(seed).integers(-128, 128, (len(payload), words * WORD), np.int8)
    arrives[:, : network.inputs] = arithmetic.encode(payload, network.encoding)
    return arrives.reshape(len(payload), words, WORD)


def assert_golden(
    network: Network, compiled: Compiled, *, image: Image | None = None, model: int = 0
) -> None:
    """The machine gives the golden outcome in the predicted cycles, and every step's every byte."""
    payload = payload_of(network, 6)
    trace = golden(network, payload)
    found = machine.run(image or compiled.image, words_of(network, payload), model=model)
    assert found.cycles == compiled.cycles
    if isinstance(network.outcome, Logits):
        np.testing.assert_array_equal(found.logits[:, : len(network.classes)], trace.outcome)
        np.testing.assert_array_equal(found.klass, trace.answers)
    else:
        np.testing.assert_array_equal(found.score, trace.outcome)
        assert found.anomaly.tolist() == (trace.outcome > network.outcome.threshold).tolist()
    start = (image or compiled.image).entries[model].pc
    written = {write.pc - start: write for write in found.writes}
    memories = [memory_after(network, trace, step + 1) for step in range(len(network.steps) - 1)]
    missing = [_bytes(step.target) for step in network.steps[:-1]]
    for store in compiled.stores:
        where = f"{network.steps[store.step].name}, bytes from {store.start}"
        expected = memories[store.step][store.buffer][:, store.start : store.stop]
        low = store.start % WORD
        data = written[store.pc].data[:, low : low + store.stop - store.start]
        np.testing.assert_array_equal(data, expected, err_msg=where)
        missing[store.step] -= set(range(store.start, store.stop))
    assert not any(missing)


def _bytes(target) -> set[int]:
    if not isinstance(target, Matrix):
        return set(range(target.offset, target.offset + target.length))
    starts = range(target.offset, target.offset + target.rows * WORD, WORD)
    return {start + column for start in starts for column in range(target.columns)}
