"""A job's directory: requests, inputs and what a what-if reads of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.core import registry
from engine.core.errors import UserError
from engine.core.job import Inputs, Job, Request, locate
from engine.core.method import Input, Need


@pytest.fixture
def split(tmp_path):
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"idx_train": [0, 1], "idx_val": [2], "idx_test": [3]}))
    return path


@pytest.fixture
def method():
    return registry.method("fake")


def test_a_request_is_read_as_it_was_written(tmp_path, split, method):
    params = method.params(steps=3, fail_at=1)
    asked = Request(method, params, {"data": split}, 5, "auto", 2)
    asked.write(tmp_path)
    assert Request.read(tmp_path / "job.json") == asked


def test_an_input_is_loaded_once_when_it_is_asked_for(split, method):
    inputs = Inputs(method, {"data": split})
    assert inputs["data"].train.tolist() == [0, 1]
    split.unlink()
    assert inputs["data"].test.tolist() == [3]


def test_a_broken_input_is_named(split, method):
    split.write_text("{")
    with pytest.raises(UserError, match="input data"):
        Inputs(method, {"data": split})["data"]


def test_an_input_without_the_facts_that_it_needs_is_refused(split, method):
    needy = Input("data", "split", "Split", "", needs=(Need("train", 3, "three are needed"),))
    with pytest.raises(UserError, match="input data: three are needed"):
        Inputs(replace(method, inputs=(needy,)), {"data": split})["data"]
    fits = replace(needy, needs=(Need("train", 2, "two are needed"),))
    assert Inputs(replace(method, inputs=(fits,)), {"data": split})["data"] is not None


def test_a_required_input_is_asked_for_by_name(method):
    required = replace(method, inputs=(Input("data", "split", "Split", "", optional=False),))
    with pytest.raises(UserError, match="--input data=PATH"):
        locate(required, {})


def test_a_what_if_reads_only_what_the_job_has_written(tmp_path, method):
    Request(method, method.params(), {}, 0, "cpu", 1).write(tmp_path)
    (tmp_path / "walk.json").write_text("[]")
    job = Job(tmp_path)
    assert job.path("walk.json").read_text() == "[]"
    with pytest.raises(UserError, match="has not written"):
        job.path("other.json")
    for outside in ("../walk.json", "/etc/passwd", "job.json"):
        with pytest.raises(ValueError, match="artifact"):
            job.path(outside)
