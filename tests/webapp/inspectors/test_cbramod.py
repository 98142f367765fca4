"""The page of CBraMod's inspector, before its script runs: what it says, and what it hands over."""

from __future__ import annotations

import re
from functools import partial

import pytest

from webapp.inspectors import cbramod, framework
from webapp.jobs.models import State

pytestmark = pytest.mark.django_db

WAITS = "The network is still learning"
ENDED = "This job ended before its recordings and windows were written down"


@pytest.fixture
def opened(inspected):
    return partial(inspected, "cbramod")


def waiting(text: str) -> str:
    """The opening tag of the note that says what the page waits for."""
    return re.search(r"<p [^>]*data-waiting[^>]*>", text)[0]


def test_it_is_an_inspector_of_its_own():
    found = framework.inspector_of("cbramod")
    assert (found.template, found.script) == ("inspectors/cbramod.html", "js/inspectors/cbramod.js")


def test_while_the_job_runs_the_page_says_what_it_waits_for(opened):
    text, data = opened(State.RUNNING)
    assert WAITS in text
    assert ENDED not in text
    assert "hidden" not in waiting(text)
    assert data["files"] == {}
    assert data["wanted"] == list(cbramod.FILES)


def test_one_file_of_two_is_not_enough(opened):
    text, data = opened(State.RUNNING, cbramod.FILES[0])
    assert "hidden" not in waiting(text)
    assert list(data["files"]) == [cbramod.FILES[0]]


def test_a_job_that_ended_without_files_says_so(opened):
    text, _ = opened(State.FAILED)
    assert ENDED in text
    assert WAITS not in text
    assert "hidden" not in waiting(text)


def test_with_both_files_nothing_is_waited_for(opened):
    text, data = opened(State.DONE, *cbramod.FILES)
    assert "hidden" in waiting(text)
    assert set(data["files"]) == set(cbramod.FILES)


def test_the_reference_lines_come_from_the_summary(opened):
    summary = {"line.zero": 0.0114, "line.gaussian": None, "masked_mse": 0.0075}
    _, data = opened(State.DONE, summary=summary)
    assert data["lines"] == {"line.zero": 0.0114}


@pytest.mark.parametrize(
    ("params", "told"), [({}, False), ({"scale": "fixed"}, False), ({"scale": "subject"}, True)]
)
def test_a_scale_of_its_own_is_told(opened, params, told):
    text, _ = opened(State.DONE, *cbramod.FILES, params=params)
    assert ("each channel of a subject is brought to" in text) is told


@pytest.mark.parametrize(
    ("params", "told"), [({}, False), ({"head": "time_pool", "sequence": 20}, False),
                         ({"head": "sleep", "sequence": 4}, True)]
)  # fmt: skip
def test_a_sequence_that_windows_are_answered_in_is_told(opened, params, told):
    text, _ = opened(State.DONE, *cbramod.FILES, params=params)
    assert ("within its own sequence of 4," in text) is told


@pytest.mark.parametrize(
    ("params", "loss"), [({}, "nats"), ({"target": "class"}, "nats"),
                         ({"target": "number"}, "squared standard deviations of the labels")]
)  # fmt: skip
def test_the_loss_is_in_the_unit_of_what_is_learnt(opened, params, loss):
    _, data = opened(State.RUNNING, params=params)
    assert data["loss"] == loss


def test_every_control_has_a_name(opened):
    text, _ = opened(State.DONE)
    page = text[text.index("data-results") :]
    labelled = set(re.findall(r'<label [^>]*for="([^"]+)"', page))
    controls = re.findall(r"<(?:input|select)\b[^>]*\bid=\"([^\"]+)\"", page)
    assert len(controls) == len(set(controls)) > 10
    assert set(controls) <= labelled
