"""The RTL of the core against the machine model: values, cycles and memory, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from engine.methods.kaleidoscope import machine
from engine.methods.kaleidoscope.isa import Op
from tests.methods.kaleidoscope.programs import drawn, extremes
from tests.methods.kaleidoscope.simulated import binary, compare, simulate, unknown

PROGRAMS = {8: 24, 32: 8}  # of each kind of core; all 200 are in tests/verify
JOBS = 3


def program(seed: int, lanes: int):
    rng = np.random.default_rng([seed, lanes])
    image = drawn(rng, lanes=lanes)
    payload = extremes(rng, (JOBS, image.entries[0].words, 32))
    return image, payload, machine.run(image, payload)


@pytest.mark.parametrize("lanes", PROGRAMS)
def test_random_programs_agree_with_the_model(lanes, tmp_path):
    simulator = binary("verilator", lanes=lanes)
    seen = set()
    for seed in range(PROGRAMS[lanes]):
        image, payload, outcome = program(seed, lanes)
        records = simulate(simulator, image, payload, tmp_path)
        assert compare(records, outcome).total == 0, f"program {seed}\n{image.listing()}"
        seen |= {i.op for i in image.instructions()}
    assert seen == set(Op)


@pytest.mark.parametrize("lanes", PROGRAMS)
def test_icarus_and_verilator_agree_cycle_for_cycle(lanes, tmp_path):
    tools = [binary("verilator", lanes=lanes), binary("icarus", lanes=lanes)]
    for seed in range(3):
        image, payload, outcome = program(seed, lanes)
        ours, theirs = (simulate(tool, image, payload, tmp_path) for tool in tools)
        assert unknown(theirs, outcome) == 0
        assert compare(theirs, outcome).total == 0
        for name in ("accepted", "verdict", "issues", "writes", "written", "logits", "cycles"):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
