"""Yosys' report of one core with 8 lanes."""

from __future__ import annotations

import os

import pytest

from engine.methods.kaleidoscope.resources import available, resources
from engine.methods.kaleidoscope.simulator.process import Limits, Stopped, ToolError


@pytest.fixture(autouse=True)
def _yosys():
    if not available():
        assert "CI" not in os.environ, "CI needs yosys"
        pytest.skip("yosys is not installed")


@pytest.mark.slow
def test_dsp_blocks_are_the_multipliers_of_the_dot_products():
    found = resources(lanes=8)
    assert found.dsp == 8 * 8 * 4
    assert 15_000 <= found.lut <= 45_000
    assert found.block_memory >= 8 * 256 * 256 // 18432  # the weights alone
    assert found.ff > 5_000
    assert found.version.startswith("Yosys")


@pytest.mark.slow
def test_a_synthesis_can_be_limited_and_stopped():
    with pytest.raises(ToolError, match="yosys took more than 1 s"):
        resources(limits=Limits(seconds=1))
    with pytest.raises(Stopped):
        resources(should_stop=lambda: True)
