"""Time by what it goes into, and the largest memory of a while."""

from __future__ import annotations

import mmap
import sys
import time

import pytest
import torch

from engine.methods.flat_lora import cost

CPU = torch.device("cpu")
LARGE = 64 << 20  # bytes
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_laps_add_up_to_the_time_that_passed():
    began = time.perf_counter()
    laps = cost.Laps(CPU)
    for _ in range(2):
        time.sleep(0.01)
        laps.end("forward")
        time.sleep(0.02)
        laps.end("backward")
    passed = time.perf_counter() - began
    assert laps.seconds["forward"] >= 0.02
    assert laps.seconds["backward"] >= 0.04
    assert sum(laps.seconds.values()) <= passed


@linux
def test_memory_that_came_and_went_counts_and_what_went_before_does_not():
    def touched() -> None:  # mapped by hand: an allocator may hold as much, resident, of old
        with mmap.mmap(-1, LARGE) as pages:
            pages.write(bytes(LARGE // 2))
            pages.write(bytes(LARGE // 2))

    touched()
    peak = cost.Peak(CPU)
    before = peak.bytes()
    touched()
    assert peak.bytes() - before > 0.9 * LARGE
    assert cost.Peak(CPU).bytes() - before < 0.5 * LARGE


@linux
def test_the_memory_of_an_earlier_attempt_counts():
    assert cost.Peak(CPU, earlier=1 << 50).bytes() == 1 << 50


@linux
def test_memory_is_unknown_where_the_mark_cannot_be_put_back(monkeypatch, tmp_path):
    monkeypatch.setattr(cost, "PROCESS", tmp_path / "none")
    peak = cost.Peak(CPU)
    assert peak.bytes() is None
    monkeypatch.undo()
    assert cost.Peak(CPU, earlier=None).bytes() is None
