"""What a person sees of a run."""

from __future__ import annotations

import io

import pytest

from engine.core import registry
from engine.core.terminal import Terminal, duration, status


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def tell(terminal: Terminal) -> None:
    terminal("phase", {"name": "train", "total": 10})
    terminal("m", {"value": 0.123456, "value.2": 9.0})
    terminal("p", {"done": 5, "total": 10, "eta": 65.0})
    terminal("log", {"level": "warning", "text": "look here"})
    terminal("p", {"done": 10, "total": 10, "eta": 0.0})
    terminal.end()


def test_a_screen_shows_one_line_that_redraws_itself():
    screen = Screen()
    tell(Terminal(registry.method("fake"), screen))
    last = screen.getvalue().splitlines()[-1].split("\x1b[K")[-1]
    assert last.startswith("train  ████████████████████████  10/10  0 s left")
    assert "value 0.1235" in last
    assert "value.2" not in last  # not a headline
    assert "warning: look here\n" in screen.getvalue()


def test_a_log_gets_one_line_per_phase():
    log = io.StringIO()
    tell(Terminal(registry.method("fake"), log))
    assert log.getvalue() == "fake: train, 10 steps\nwarning: look here\n"


def test_a_status_without_a_total_counts_only():
    assert status("load", {"done": 7}, {}) == "load  7"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (65, "1 min 05 s"), (3600 * 5 + 61, "5 h 01 min")]
)
def test_durations_read_as_a_person_says_them(seconds, text):
    assert duration(seconds) == text
