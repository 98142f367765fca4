"""The page of Kaleidoscope's inspector, before its script runs: its words and its data."""

from __future__ import annotations

import re
from functools import partial

import pytest
from django.urls import reverse

from webapp.artifacts.models import Artifact
from webapp.inspectors import framework, kaleidoscope
from webapp.jobs.models import State

pytestmark = pytest.mark.django_db

WAITS = "The network is still trained, compiled or simulated"
ENDED = "This job ended before its simulation was written down"


@pytest.fixture
def opened(inspected):
    return partial(inspected, "kaleidoscope")


def test_it_is_an_inspector_of_its_own():
    found = framework.inspector_of("kaleidoscope")
    assert found.template == "inspectors/kaleidoscope.html"
    assert found.script == "js/inspectors/kaleidoscope.js"


@pytest.mark.parametrize(
    ("state", "files", "told", "hidden"),
    [
        (State.RUNNING, (), WAITS, False),
        (State.RUNNING, kaleidoscope.FILES[:1], WAITS, False),
        (State.FAILED, (), ENDED, False),
        (State.DONE, kaleidoscope.FILES, ENDED, True),
    ],
)
def test_the_page_says_what_it_waits_for(opened, state, files, told, hidden):
    text, data = opened(state, *files)
    note = re.search(r"<p ([^>]*)data-waiting([^>]*)>(.*?)</p>", text)
    assert told in note[3]
    assert ("hidden" in note[2]) is hidden
    assert set(data["files"]) == set(files)
    assert data["wanted"] == list(kaleidoscope.FILES)


def test_downloads_are_those_that_are_there_in_the_order_of_the_list(opened):
    text, _ = opened(State.DONE, "occupancy.csv", "image.npz", "other.bin")
    part = text[text.index('id="downloads-part"') :]
    assert re.findall(r"</svg> ([\w.]+)</a>", part) == ["image.npz", "occupancy.csv"]
    assert "other.bin" not in part
    assert "VCD</a>" not in text  # no waveform, no button beside the viewer


def test_the_waveforms_can_be_loaded_beside_their_viewer(opened):
    text, _ = opened(State.DONE, kaleidoscope.WAVES)
    artifact = Artifact.objects.get(path=kaleidoscope.WAVES)
    address = reverse("artifact-download", args=[artifact.pk])
    assert text.count(f'href="{address}"') == 2


@pytest.mark.parametrize(
    ("state", "told"),
    [(State.RUNNING, "appear here as the job makes them"), (State.DONE, "left none of them")],
)
def test_without_downloads_the_page_says_so(opened, state, told):
    text, _ = opened(state)
    assert told in text[text.index('id="downloads-part"') :]


def test_every_control_has_a_name(opened):
    text, _ = opened(State.DONE)
    page = text[text.index("data-results") :]
    labelled = set(re.findall(r'<label [^>]*for="([^"]+)"', page))
    controls = re.findall(r"<(?:input|select)\b[^>]*\bid=\"([^\"]+)\"", page)
    assert len(controls) == len(set(controls)) > 10
    assert set(controls) <= labelled
