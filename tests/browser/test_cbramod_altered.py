"""CBraMod's inspector of a job that tells something else than the one that ran: its files and its
answers are altered on their way."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.bench import wait_until
from tests.browser.cbramod import ANSWERS, RUNS, opened
from tests.browser.conftest import altered

pytestmark = pytest.mark.browser


@pytest.fixture
def inspector(open_page, bench):
    """The inspector with its files, on a page that is prepared before it is opened."""

    def make(prepare):
        watched = open_page(signed_in=True)
        prepare(watched.page)
        return opened(watched, bench.names["cbramod"])

    return make


def test_a_refused_question_is_told(inspector):
    def refuse(page: Page) -> None:
        def socket(route) -> None:
            server = route.connect_to_server()

            def pass_on(message: str) -> None:
                asked = json.loads(message)
                if asked.get("question") in ("occlusion", "trace"):
                    said = {"answered": asked["ask"], "ok": False, "error": "not today"}
                    route.send(json.dumps(said))
                else:
                    server.send(message)

            route.on_message(pass_on)

        page.route_web_socket("**/ws/live", socket)

    page = inspector(refuse).page
    refused = page.locator("[data-occlusion-fault]")

    def asked() -> bool:
        # What is drawn above it meanwhile may push it out of sight, where it asks nothing.
        page.locator("#why").scroll_into_view_if_needed()
        page.wait_for_timeout(200)
        return refused.inner_text() != ""

    wait_until(asked, "the question is refused", patience=RUNS / 1000)
    expect(refused).to_have_text("No answer: not today.")
    signal = page.locator("[data-signal-fault]")
    expect(signal).to_have_text("No signal: not today.", timeout=RUNS)


def test_without_places_on_the_head_the_page_says_so(inspector):
    def change(found) -> None:
        if "topography" in found:
            found["topography"] = None

    watched = inspector(lambda page: altered(page, change))
    page = watched.page
    expect(page.locator("[data-unplaced]")).to_contain_text("so there are no maps: FP1, FP2")
    expect(page.locator("[data-window-note]")).to_contain_text("Answered in", timeout=RUNS)
    page.locator("#why").scroll_into_view_if_needed()
    page.locator("[data-occlusion-channels] .main-svg").first.wait_for(timeout=ANSWERS)
    assert page.locator("svg.head").count() == 0
    assert watched.faults() == []


def test_a_pre_training_has_neither_winner_nor_answers(inspector):
    def change(found) -> None:
        if "topography" in found:
            found |= {"task": "pretrain", "classes": [], "models": [], "winner": None}
            found |= {"confusion": {}, "subjects": [], "folds": []}
            for part, key in (("psd", "db"), ("bands", "values")):
                found[part][key] = found[part][key][:1]
            found["psd"]["groups"] = ["all"]
        else:
            for column in ("label", "answer", "probability"):
                found[column] = [None] * len(found[column])

    watched = inspector(lambda page: altered(page, change))
    page = watched.page
    for part in ("verdict", "answers", "occlusion"):
        expect(page.locator(f"[data-{part}]")).to_be_hidden()
    expect(page.locator("[data-window-title]")).to_have_text("S01_closed, 0 to 5 s")
    expect(page.locator("[data-bands] h3")).to_have_text("Power of the rhythms: dB re 1 µV²")
    colours = page.locator("#embedding-colour option").all_inner_texts()
    assert colours == ["subject", "recording", "part in the last fold"]
    assert watched.faults() == []


def test_a_network_that_never_guessed_is_told_of(inspector):
    def change(found) -> None:
        if "topography" in found:
            found["reconstruction"] = None

    page = inspector(lambda page: altered(page, change)).page
    expect(page.locator("[data-reconstruction-told]")).to_contain_text("it was not pre-trained")
    expect(page.locator("#share")).to_have_value("0")
