"""Every refusal of the API is a sentence of ours that names the field and what was expected."""

from __future__ import annotations

import pytest

from engine.core.registry import methods

MARK = "U+202E (a text direction mark) isn't allowed"
FOREIGN = ("Input should", "Value error", "should match", "should have", "expected no ", "Field r")

# What is wrong in a job that would else be taken; the field, and what is said of it.
JOBS = [
    ({"project": "x"}, "project", "expected an id of 26 digits and small letters, got 'x'"),
    ({"method": "a b"}, "method", "expected 1 to 50 letters, digits, - and _, got 'a b'"),
    ({"method": "nope"}, "method",
     f"no method is called 'nope'; there are: {', '.join(methods())}"),
    ({"method": 5}, "method", "expected a text, got 5"),
    ({"params": []}, "params", "expected an object, got []"),
    ({"params": {"steps": "5"}}, "steps", "expected a whole number, got '5'"),
    ({"params": {"steps": True}}, "steps", "expected a whole number, got true"),
    ({"params": {"steps": 1.5}}, "steps", "expected a whole number, got 1.5"),
    ({"params": {"steps": None}}, "steps", "expected a whole number, got nothing"),
    ({"params": {"steps": -1}}, "steps", "expected a number of 0 or more, got -1"),
    ({"params": {"scale": 0}}, "scale", "expected a number above 0, got 0"),
    ({"params": {"verbose": "yes"}}, "verbose", "expected true or false, got 'yes'"),
    ({"params": {"baselines": "flat"}}, "baselines", "expected a list, got 'flat'"),
    ({"params": {"mode": 3}}, "mode", "expected 'walk' or 'level', got 3"),
    ({"params": {"nope": 3}}, "nope", "this method has no such parameter"),
    ({"inputs": {"data": 5}}, "data", 'expected {"version": ID} or {"artifact": ID}, got 5'),
    ({"inputs": {"nope": {}}}, "nope", "this method has no such input"),
    ({"seed": True}, "seed", "expected a whole number, got true"),
    ({"seed": -1}, "seed", "expected a number of 0 or more, got -1"),
    ({"seed": 1, "seeds": [2]}, "seeds", "expected either seed or seeds, got both"),
    ({"seeds": [1, 1]}, "seeds", "expected each seed once"),
    ({"name": "a\u202eb"}, "name", MARK),
    ({"name": "a\nb"}, "name", "U+000A (a line break) isn't allowed"),
    ({"notes": "a\n\u202eb"}, "notes", MARK),
    ({"tags": ["a\u202eb"]}, "tags.0", MARK),
    ({"tags": [""]}, "tags.0", "expected a text that is not empty"),
    ({"tags": ["a,b"]}, "tags", "expected printable words without comma or quote, got 'a,b'"),
    ({"device": "tpu"}, "device", "expected one of auto, cpu, cuda, got 'tpu'"),
    ({"threads": 0}, "threads", "expected a number of 1 or more, got 0"),
    ({"limits": {"coffee": 1}}, "limits.coffee",
     "there is no such limit; there are: seconds, silence, memory, disk"),
    ({"priority": 5}, "priority", "expected 0 or less: only a maintainer may pass others"),
    ({"nope": 1}, "nope", "there is no such field"),
]  # fmt: skip
OTHERS = [
    ("POST", "/jobs", [], "body", "expected an object, got []"),
    ("POST", "/jobs", {}, "project", "expected a value, got nothing"),
    ("POST", "/teams", {"name": "a\u202eb"}, "name", MARK),
    ("POST", "/teams", {"name": ""}, "name", "expected a text that is not empty"),
    ("POST", "/teams", {"name": "x" * 101}, "name",
     "expected a text of at most 100 characters, got 101"),
    ("POST", "/projects", {"team": "0" * 26, "name": "a\u202eb"}, "name", MARK),
    ("POST", "/tokens", {"name": "a\u202eb"}, "name", MARK),
    ("POST", "/tokens", {"name": "a", "scope": "x"}, "scope",
     "expected 'read' or 'write', got 'x'"),
    ("POST", "/tokens", {"name": "a", "days": 1.5}, "days", "expected a whole number, got 1.5"),
    ("PATCH", "/me", {"name": "a\u202eb"}, "name", MARK),
    ("GET", "/jobs?limit=0", None, "limit", "expected a number of 1 or more, got '0'"),
    ("GET", "/jobs?limit=x", None, "limit", "expected a whole number, got 'x'"),
    ("GET", "/jobs?cursor=x", None, "cursor", "expected the cursor of the page before"),
    ("GET", "/jobs?nope=1", None, "nope",
     "there is no such name; there are: q, sort, cols, cursor, limit"),
    ("GET", "/datasets?kind=A", None, "kind", "expected at most 20 small letters, got 'A'"),
    ("GET", "/datasets?kind=zzz", None, "kind",
     "expected one of eeg, graph, images, model, split, text, traffic, got 'zzz'"),
    ("GET", "/projects?team=x", None, "team",
     "expected an id of 26 digits and small letters, got 'x'"),
    ("GET", "/compare", None, "jobs", "expected a value, got nothing"),
    ("GET", "/compare?jobs=x", None, "jobs", "expected ids of jobs that are here, got 'x'"),
]  # fmt: skip


def said(answer, field: str, words: str) -> None:
    found = answer.json()
    assert answer.status_code == 422
    assert (found["field"], found["message"]) == (field, f"{field}: {words}")
    assert not any(foreign in str(found) for foreign in FOREIGN)


@pytest.mark.parametrize(("wrong", "field", "words"), JOBS)
def test_what_is_wrong_with_a_job(caller, editor, project, wrong, field, words):
    body = {"project": project.pk, "method": "fake", **wrong}
    said(caller(editor).post("/jobs", body), field, words)


@pytest.mark.parametrize(("verb", "path", "body", "field", "words"), OTHERS)
def test_what_is_wrong_elsewhere(caller, editor, verb, path, body, field, words):
    said(caller(editor)(verb, path, body), field, words)


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("series?points=1", "points", "expected a number from 2 to 100000, or all, got '1'"),
        ("series?points=x", "points", "expected a number from 2 to 100000, or all, got 'x'"),
        ("series?after=-1", "after", "expected a number of 0 or more, got '-1'"),
        ("artifacts?role=A1", "role", "expected at most 20 small letters, got 'A1'"),
    ],
)
def test_what_is_wrong_with_a_question_about_a_job(caller, editor, make_job, query, field, words):
    said(caller(editor).get(f"/jobs/{make_job().pk}/{query}"), field, words)


def test_a_state_that_is_wrong_is_a_conflict_in_words(caller, editor, make_job):
    answer = caller(editor).post(f"/jobs/{make_job(state='done').pk}/cancel")
    words = "state: expected a job that waits or runs; this one is done"
    assert (answer.status_code, answer.json()["message"]) == (409, words)
