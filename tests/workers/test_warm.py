"""Whose turn it is with the warm children: none is closed at work, none holds up the heartbeat."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest
from django.utils import timezone

from tests.bench import children_of, wait_until
from webapp.jobs.models import Job, State
from workers import ask


class Fake(ask.WarmChild):
    """A child without a process, which loads when `may_load` says so."""

    made: list[Fake]
    may_load: Event

    def __init__(self, job: Job):
        super().__init__(job)
        self.closed = False
        self.made.append(self)

    def load(self) -> None:
        assert self.may_load.wait(20)
        self.ready = True

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def made(monkeypatch, settings) -> Iterator[list[Fake]]:
    """The children made so far; there is room for one."""
    settings.ASK_CHILDREN = 1
    monkeypatch.setattr(Fake, "made", [], raising=False)
    monkeypatch.setattr(Fake, "may_load", Event(), raising=False)
    monkeypatch.setattr(ask, "WarmChild", Fake)
    Fake.may_load.set()
    yield Fake.made
    ask.close_all()


@pytest.fixture
def asking() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def a_job(name: str, attempt: int = 1) -> Job:
    return Job(pk=name, attempt=attempt)


def asked(job: Job) -> Fake:
    with ask._held(job) as child:
        return child


def waits(question: Future) -> bool:
    time.sleep(0.1)
    return not question.done()


def test_the_child_is_kept_for_the_next_question(made: list[Fake]) -> None:
    assert asked(a_job("a")) is asked(a_job("a"))
    assert len(made) == 1


def test_one_of_an_earlier_attempt_is_replaced(made: list[Fake]) -> None:
    old, new = asked(a_job("a")), asked(a_job("a", attempt=2))
    assert (old.closed, new.closed) == (True, False)


def test_the_one_asked_longest_ago_makes_room(made: list[Fake], settings) -> None:
    settings.ASK_CHILDREN = 2
    first, second = asked(a_job("a")), asked(a_job("b"))
    asked(a_job("a"))
    asked(a_job("c"))
    assert (first.closed, second.closed) == (False, True)


def test_one_that_answers_makes_no_room_until_it_is_done(made: list[Fake], asking) -> None:
    with ask._held(a_job("a")) as busy:
        other = asking.submit(asked, a_job("b"))
        assert waits(other)
        assert not busy.closed
    assert not other.result(10).closed
    assert busy.closed


def test_who_waits_too_long_for_a_turn_is_told(made: list[Fake], monkeypatch) -> None:
    monkeypatch.setattr(ask, "TURN", 0.05)
    with ask._held(a_job("a")), pytest.raises(ask.Gone, match=r"busy for 0\.05 seconds"):
        asked(a_job("b"))


def test_two_questions_about_one_job_share_a_child_that_still_loads(made, asking) -> None:
    Fake.may_load.clear()
    first, second = (asking.submit(asked, a_job("a")) for _ in range(2))
    assert waits(first)
    assert waits(second)
    Fake.may_load.set()
    assert first.result(10) is second.result(10)
    assert len(made) == 1


def test_the_heartbeat_waits_for_no_child_that_loads(made, asking, settings, db) -> None:
    settings.ASK_IDLE = 0
    Fake.may_load.clear()
    loading = asking.submit(asked, a_job("a"))
    wait_until(lambda: bool(made), "it is loading", patience=10)
    began = time.monotonic()
    ask.close_idle()
    assert time.monotonic() - began < 5
    Fake.may_load.set()
    assert not loading.result(10).closed
    ask.close_idle()
    assert made[0].closed


def test_one_whose_question_fails_is_closed(made: list[Fake]) -> None:
    with pytest.raises(ask.Gone), ask._held(a_job("a")) as child:
        raise ask.Gone
    assert child.closed
    assert asked(a_job("a")) is not child


def test_nothing_is_left_of_a_process_that_is_not_ready_in_time(
    make_job, home, monkeypatch
) -> None:
    monkeypatch.setattr(ask, "LOADING", 0.0)
    now = timezone.now()
    job = make_job(state=State.DONE, params={}, started=now, ended=now)
    with pytest.raises(ask.Gone, match="no answer within 0 seconds"):
        asked(job)
    assert ask.warm_jobs() == set()
    assert children_of(job.pk, "ask") == []
