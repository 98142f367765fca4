"""What the job tells of its variants."""

from __future__ import annotations

from engine.methods.flat_lora import report


def trained(**summary: float) -> dict:
    return {"training": {"summary": summary}}


def test_the_overhead_is_what_noise_adds_to_the_same_steps():
    """Not a ratio of two trainings: here the other one ran while the machine was idle."""
    found = {
        "flat": trained(train_seconds=9.0, noise_seconds=1.0),
        "lora": trained(train_seconds=4.0, noise_seconds=0.0),
    }
    assert report.overhead(found) == 9 / 8
    assert report.overhead({"flat": found["flat"]}) == 9 / 8


def test_there_is_no_overhead_without_flat_lora():
    assert report.overhead({"lora": trained(train_seconds=4.0, noise_seconds=0.0)}) is None
