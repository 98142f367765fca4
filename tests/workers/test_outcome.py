"""Every way in which a child can end, and the state that it stands for."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from engine.core import events
from webapp.jobs.models import State
from workers.outcome import Outcome, Stop, outcome

DONE = events.Done(n=9, w=0.0, summary={"value": 1.0}, seconds=1.0)
INPUT = events.Fail(n=1, w=0.0, kind="input", message="at least 0, got -1", where="steps")
ERROR = events.Fail(n=9, w=0.0, kind="error", message="ZeroDivisionError: no")


def end(code: int, **given: Any) -> Outcome:
    words: dict[str, Any] = {"stop": Stop.NO, "why": "", "done": None, "fail": None}
    return outcome(code, **{**words, "tail": [], "peak": 0, **given})


def test_done_needs_the_exit_code_and_the_word() -> None:
    assert end(0, done=DONE).state == State.DONE
    assert end(0).state == State.FAILED
    assert "without saying that it was done" in end(0).message


def test_one_that_was_done_before_the_wish_reached_it_is_done() -> None:
    assert end(0, done=DONE, stop=Stop.CANCEL).state == State.DONE
    assert end(0, done=DONE, stop=Stop.DRAIN).state == State.DONE


@pytest.mark.parametrize("code", [130, 1, -signal.SIGTERM, -signal.SIGKILL])
def test_a_cancelled_one_is_cancelled_however_it_ended(code: int) -> None:
    assert end(code, stop=Stop.CANCEL).state == State.CANCELLED


@pytest.mark.parametrize("code", [75, -signal.SIGKILL])
def test_a_drained_one_waits_again(code: int) -> None:
    assert end(code, stop=Stop.DRAIN).state == State.QUEUED


def test_an_error_while_draining_is_still_an_error() -> None:
    assert end(1, stop=Stop.DRAIN, fail=ERROR) == Outcome(State.FAILED, "ZeroDivisionError: no")


def test_a_limit_fails_with_its_sentence() -> None:
    for code in (75, -signal.SIGKILL):
        assert end(code, stop=Stop.LIMIT, why="too much") == Outcome(State.FAILED, "too much")


def test_bad_input_names_the_parameter() -> None:
    assert end(2, fail=INPUT) == Outcome(State.FAILED, "at least 0, got -1", "steps")


def test_a_foreign_signal_is_told_with_memory_and_the_last_lines() -> None:
    ended = end(-signal.SIGSEGV, tail=["loading", "about to fall"], peak=4096)
    assert ended.state == State.FAILED
    assert "SIGSEGV" in ended.message
    assert "4.00 KiB" in ended.message
    assert ended.message.endswith("loading\nabout to fall")
