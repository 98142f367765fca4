"""200 random programs, Verilator against the model, and 20 of them in Icarus."""

from __future__ import annotations

import numpy as np
import pytest

from engine.methods.kaleidoscope import machine
from tests.methods.kaleidoscope.programs import drawn, extremes
from tests.methods.kaleidoscope.simulated import binary, compare, simulate, unknown

PROGRAMS, JOBS, IN_ICARUS = 200, 5, 20


@pytest.mark.slow
def test_200_random_programs_are_bit_exact(tmp_path):
    """Every fourth on a core of 32 lanes; lengths from 1 instruction to 150."""
    found = 0
    for seed in range(PROGRAMS):
        rng = np.random.default_rng([seed, 2024])
        lanes = 32 if seed % 4 == 3 else 8
        image = drawn(rng, lanes=lanes, length=int(rng.integers(150)))
        payload = extremes(rng, (JOBS, image.entries[0].words, 32))
        outcome = machine.run(image, payload)
        kinds = ["verilator", *(["icarus"] if seed < IN_ICARUS else [])]
        records = [simulate(binary(k, lanes=lanes), image, payload, tmp_path) for k in kinds]
        for of in records:
            found += compare(of, outcome).total
            assert np.array_equal(of.issues, records[0].issues)
        assert unknown(records[-1], outcome) == 0
        assert found == 0, f"program {seed}\n{image.listing()}"
