"""Pages that were opened while something was under way complete themselves, without a reload."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.screenshots import Api

pytestmark = pytest.mark.browser

SOON = 90_000  # ms that a job or a check may wait on a busy machine


@pytest.fixture
def visit(open_page):
    """A page, the API with its session, and a mark that a reload would wipe out."""

    def make(address: str):
        watched = open_page(address, signed_in=True)
        watched.page.evaluate("window.same = true")
        return watched

    return make


def test_a_groups_page_counts_what_is_done_and_draws_its_curves(open_page, visit):
    page = open_page("/jobs/new/?method=fake", signed_in=True).page
    api = Api(page.context, page)
    asked = {
        "project": api.get("/projects")[0]["id"],
        "method": "fake",
        "params": {"steps": 20, "seconds_per_step": 0.1},
        "seeds": [0, 1],
    }
    group = api.post("/jobs", asked)["jobs"][0]["group"]
    watched = visit(f"/groups/{group}/")
    page = watched.page
    expect(page.get_by_role("heading", name="Curves")).to_have_count(0)
    expect(page.locator(".page-head")).to_contain_text("2 done", timeout=SOON)
    expect(page.locator("#group-curves figure .main-svg").first).to_be_visible(timeout=10_000)
    assert page.evaluate("window.same")
    assert watched.faults() == []


def test_a_running_job_is_changed_and_its_page_hears_when_it_took_it(open_page, visit):
    page = open_page("/jobs/new/?method=fake", signed_in=True).page
    api = Api(page.context, page)
    asked = {
        "project": api.get("/projects")[0]["id"],
        "method": "fake",
        "params": {"steps": 2000, "seconds_per_step": 0.1},
    }
    (job,) = api.post("/jobs", asked)["jobs"]
    watched = visit(f"/jobs/{job['id']}/config/")
    page = watched.page
    page.get_by_label("Scale").fill("2.5", timeout=SOON)  # the form comes when the job runs
    with page.expect_navigation():
        page.get_by_role("button", name="Change", exact=True).click()
    page.evaluate("window.same = true")
    expect(page.locator("#job-params")).to_contain_text("attempt 1", timeout=SOON)
    assert page.evaluate("window.same")
    page.get_by_label("Seconds per step").fill("0")
    page.get_by_label("Seconds per step").press("Enter")
    expect(page.locator("#job-head")).to_have_attribute("data-state", "done", timeout=SOON)
    expect(page.get_by_label("Scale")).to_have_count(0)
    expect(page.locator("#job-params")).to_contain_text("seconds_per_step = 0.0")
    assert watched.faults() == []


def test_a_datasets_page_shows_the_checked_version_everywhere(visit):
    page = visit("/datasets/new/").page
    split = {"idx_train": [0, 1], "idx_val": [2], "idx_test": [3, 4]}
    page.locator("#id_file").set_input_files(
        {"name": "fresh.json", "mimeType": "application/json", "buffer": json.dumps(split).encode()}
    )
    page.locator("#id_name").fill("A fresh split")
    with page.expect_navigation():
        page.locator("[data-upload] button.primary").click()
    page.evaluate("window.same = true")
    expect(page.locator("#versions")).to_contain_text("ready", timeout=SOON)
    expect(page.get_by_role("link", name="Use in a job")).to_be_visible()
    assert page.evaluate("window.same")
