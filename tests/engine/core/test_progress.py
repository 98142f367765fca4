"""Progress is said often enough, not too often, and always to the end."""

from __future__ import annotations

import pytest

from engine.core.progress import EVERY, Progress


@pytest.fixture
def said():
    return []


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    return Clock()


@pytest.fixture
def progress(said, clock):
    return Progress(lambda t, **fields: said.append((t, fields)), clock)


def test_at_most_four_a_second_and_the_last_one_always(progress, said, clock):
    progress.phase("train", total=1000)
    for _ in range(1000):
        clock.now += 0.01
        progress.advance()
    told = [fields["done"] for t, fields in said if t == "p"]
    assert told[-1] == 1000
    assert len(told) <= 10 / EVERY + 1


def test_the_estimate_follows_the_pace(progress, said, clock):
    progress.phase("train", total=100)
    for _ in range(50):
        clock.now += 0.5
        progress.advance()
    assert said[-1] == ("p", {"done": 50, "total": 100, "eta": pytest.approx(25.0)})
    for _ in range(30):
        clock.now += 1.0
        progress.advance()
    assert said[-1][1]["eta"] == pytest.approx(20.0, rel=0.05)


def test_what_was_held_back_is_said_when_the_phase_ends(progress, said, clock):
    progress.phase("load")
    clock.now += 0.01
    progress.advance(3)
    progress.phase("train", total=5)
    assert [t for t, _ in said] == ["phase", "p", "phase"]
    assert said[1][1] == {"done": 3, "total": None, "eta": None}


def test_a_resumed_phase_starts_where_it_was_and_estimates_the_rest(progress, said, clock):
    progress.phase("train", total=100, done=60)
    clock.now += 1.0
    progress.advance(10)
    assert said[1] == ("p", {"done": 60, "total": 100, "eta": None})
    assert said[2] == ("p", {"done": 70, "total": 100, "eta": pytest.approx(3.0)})
