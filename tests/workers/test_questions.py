"""What-if questions over the socket: of a finished job, of a running one, of one moved away."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.bench import Bench, children_of, signed_in, wait_until
from webapp.jobs import actions
from webapp.jobs.models import Job, State


@pytest.fixture
def socket(bench: Bench) -> Iterator[ClientConnection]:
    """A signed-in page's socket."""
    address = bench.url.replace("http", "ws") + "/ws/live"
    with connect(address, additional_headers=signed_in(bench), origin=bench.url) as opened:
        yield opened


def ask(socket: ClientConnection, job: Job, question: str, **values: Any) -> dict[str, Any]:
    message = {"ask": "q", "job": job.pk, "question": question, "set": values}
    socket.send(json.dumps(message))
    while True:
        answer = json.loads(socket.recv(timeout=60))
        if answer.get("answered") == "q":
            return answer


@pytest.fixture(scope="module")
def finished(bench: Bench) -> Job:
    return bench.wait_for(bench.submit(steps=20), State.DONE)


def test_a_finished_job_answers_from_its_files(
    bench: Bench, finished: Job, socket: ClientConnection
) -> None:
    answer = ask(socket, finished, "scale", factor=3.0)
    assert answer["ok"], answer
    path = json.loads((bench.home / "jobs" / finished.pk / "walk.json").read_text())
    assert answer["answer"]["path"] == [3.0 * value for value in path]


def test_a_warm_child_answers_within_a_second(finished: Job, socket: ClientConnection) -> None:
    socket.send(json.dumps({"warm": finished.pk}))
    while json.loads(socket.recv(timeout=60)).get("warm") is not True:
        pass
    began = time.monotonic()
    assert ask(socket, finished, "scale", factor=1.5)["ok"]
    assert time.monotonic() - began < 1


def test_a_bad_value_is_named(finished: Job, socket: ClientConnection) -> None:
    answer = ask(socket, finished, "scale", factor=-1)
    assert not answer["ok"]
    assert answer["error"].startswith("factor: ")


def test_an_unknown_question_is_refused(finished: Job, socket: ClientConnection) -> None:
    assert "it has: scale" in ask(socket, finished, "colour")["error"]


def test_the_folder_is_rebuilt_where_it_is_missing(bench: Bench, socket: ClientConnection) -> None:
    job = bench.wait_for(bench.submit(steps=20), State.DONE)
    folder = bench.home / "jobs" / job.pk
    path = json.loads((folder / "walk.json").read_text())
    shutil.rmtree(folder)
    assert ask(socket, job, "scale", factor=2.0)["answer"]["path"] == [2 * value for value in path]


def test_a_deleted_jobs_child_ends(bench: Bench, socket: ClientConnection) -> None:
    user, _ = bench.people()
    job = bench.wait_for(bench.submit(steps=20), State.DONE)
    assert ask(socket, job, "scale", factor=2.0)["ok"]
    assert len(children_of(job.pk, "ask")) == 1
    pk = job.pk
    actions.delete(job, user)
    wait_until(lambda: not children_of(pk, "ask"), "its child has ended")


def test_a_running_job_is_asked_through_its_control_channel(
    bench: Bench, socket: ClientConnection
) -> None:
    user, _ = bench.people()
    job = bench.wait_for(bench.submit(steps=10_000, seconds_per_step=0.01), State.RUNNING)
    wait_until(lambda: Job.objects.get(pk=job.pk).checkpoint_n, "it has kept a part of its walk")
    answer = ask(socket, job, "scale", factor=2.0)
    assert answer["ok"], answer
    assert 0 < len(answer["answer"]["path"]) < 10_000
    assert children_of(job.pk, "ask") == []
    actions.cancel(job, user)
    bench.wait_for(job, State.CANCELLED)


def test_an_inspector_opened_while_the_job_runs_is_warm_once_it_has_ended(
    bench: Bench, socket: ClientConnection
) -> None:
    job = bench.wait_for(bench.submit(steps=200, seconds_per_step=0.01), State.RUNNING)
    socket.send(json.dumps({"warm": job.pk}))
    said = []
    while said[-1:] != [True]:
        message = json.loads(socket.recv(timeout=60))
        if message.get("job") == job.pk and "warm" in message:
            said.append(message["warm"])
    assert said == [None, True]
    assert bench.wait_for(job, State.DONE)
    assert ask(socket, job, "scale", factor=2.0)["ok"]
