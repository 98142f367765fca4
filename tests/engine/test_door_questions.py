"""Questions to a finished job at the door: one, or a session of many."""

from __future__ import annotations

import json
import os

import pytest

from tests.engine.core.doors import (
    Supervised,
    door,
)


def test_a_finished_job_answers_one_question(finished):
    answer = door("ask", finished, "scale", "--set", "factor=10")
    assert answer.returncode == 0
    walk = json.loads((finished / "walk.json").read_text())
    assert json.loads(answer.stdout)["path"] == [10 * value for value in walk]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["nope"], "question: fake has no 'nope'; it has: scale"),
        (["scale", "--set", "factor=-1"], "factor: "),
        (["scale", "--set", "start=99"], "start: expected a step below"),
        ([], "question: expected the name of one, or --stay"),
    ],
)
def test_a_bad_question_is_one_line_and_exit_2(finished, words, named):
    answer = door("ask", finished, *words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert named in answer.stderr


def test_a_session_stays_and_answers_line_by_line(finished):
    with Supervised("ask", finished, "--stay") as session:
        ready = session.until("answer", id="ready")
        assert ready["answer"] == {"questions": ["scale"]}
        session.send({"id": "1", "question": "scale", "set": {"factor": 1}})
        assert len(session.until("answer", id="1", ok=True)["answer"]["path"]) == 5
        session.send({"id": "2", "question": "nope"})
        assert "has no 'nope'" in session.until("answer", id="2", ok=False)["error"]
        session.send({"id": "3", "question": "scale", "set": {"factor": "x"}})
        assert "factor: " in session.until("answer", id="3", ok=False)["error"]
        session.send({"id": "4", "question": "scale", "set": {"start": 99}})
        assert session.until("answer", id="4", ok=False)["where"] == "start"
        session.send(b"[]")
        assert "one JSON object" in session.until("answer", ok=False)["error"]
        session.child.stdin.close()
        code, _, _ = session.end()
        session.child.stdin = open(os.devnull, "wb")  # noqa: SIM115 - closed with the session
    assert code == 0


def test_a_session_works_for_a_person_too(finished):
    question = {"id": "1", "question": "scale", "set": {"factor": 1}}
    answer = door("ask", finished, "--stay", stdin=json.dumps(question) + "\n")
    assert answer.returncode == 0
    assert [json.loads(line)["id"] for line in answer.stdout.splitlines()] == ["ready", "1"]
