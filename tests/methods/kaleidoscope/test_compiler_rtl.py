"""Compiled networks in the RTL: every logit, every word of every step, and every cycle."""

from __future__ import annotations

import numpy as np
import pytest

from engine.methods.kaleidoscope.compiler.program import compile_network
from engine.methods.kaleidoscope.families import FAMILIES
from engine.methods.kaleidoscope.integer import WORD, Logits, golden, memory_after
from engine.methods.kaleidoscope.isa import WRITE
from tests.methods.kaleidoscope.networks import family_network, random_network
from tests.methods.kaleidoscope.running import payload_of, words_of
from tests.methods.kaleidoscope.simulated import binary, simulate

JOBS = 4


@pytest.mark.parametrize("lanes", [8, 32])
@pytest.mark.parametrize("name", [*FAMILIES, *range(8)])
def test_the_rtl_is_the_golden_model(name, lanes, tmp_path):
    network = random_network(name) if isinstance(name, int) else family_network(name)
    compiled = compile_network(network, lanes=lanes)
    payload = payload_of(network, JOBS)
    simulator = binary("verilator", lanes=lanes)
    found = simulate(simulator, compiled.image, words_of(network, payload), tmp_path)
    trace = golden(network, payload)

    assert set(found.verdict - found.accepted) == {compiled.cycles}
    if isinstance(network.outcome, Logits):
        logits = found.logits[:, : len(network.classes)]
        np.testing.assert_array_equal(logits, trace.outcome)
        np.testing.assert_array_equal(found.klass, trace.answers)
    else:
        np.testing.assert_array_equal(found.score, trace.outcome)
        anomaly = trace.outcome > network.outcome.threshold
        np.testing.assert_array_equal(found.anomaly, anomaly)

    job = np.searchsorted(found.accepted, found.writes[:, 0]) - 1
    at = found.writes[:, 0] - found.accepted[job] - WRITE
    written = dict(zip(zip(job, at, found.writes[:, 3], strict=True), found.written, strict=True))
    for store in compiled.stores:
        memory = memory_after(network, trace, store.step + 1)
        expected = memory[store.buffer][:, store.start : store.stop]
        low, cycle = store.start % WORD, compiled.listing[store.pc].at
        words = np.array([written[job, cycle, store.word] for job in range(JOBS)])
        data = words[:, low : low + store.stop - store.start]
        np.testing.assert_array_equal(data, expected, err_msg=network.steps[store.step].name)
