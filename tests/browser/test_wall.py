"""The wall of charts: what is looked at stands in its address."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def wall(open_page, bench):
    def make(query: str = ""):
        watched = open_page(f"/jobs/{bench.names['done']}/charts/{query}", signed_in=True)
        watched.page.locator("[data-wall] .main-svg").first.wait_for()
        return watched

    return make


def test_a_copied_address_shows_the_same(wall):
    page = wall().page
    page.locator("#wall-search").fill("flat")
    page.locator("#wall-axis").select_option("wall")
    page.locator("#wall-smooth").fill("0.5")
    page.locator("#wall-log").check()
    expect(page).to_have_url(re.compile(r"\?q=flat&x=wall&smooth=0\.5&log=1$"))
    watched = wall(page.url[page.url.index("?") :])
    again = watched.page
    expect(again.locator("#wall-search")).to_have_value("flat")
    expect(again.locator("#wall-axis")).to_have_value("wall")
    expect(again.locator("#wall-smooth")).to_have_value("0.5")
    expect(again.locator("#wall-log")).to_be_checked()
    expect(again.locator("[data-wall] figure")).to_have_count(1)
    assert watched.faults() == []


def test_an_address_that_says_what_cannot_be_is_told_and_drawn_as_usual(wall):
    watched = wall("?smooth=abc&x=moon&log=yes")
    page = watched.page
    told = page.locator("[data-wall-fault]")
    expect(told).to_contain_text("x: expected one of step, relative, wall, got moon")
    expect(told).to_contain_text("smooth: expected a number from 0 to 0.99, got abc")
    expect(told).to_contain_text("log: expected 0 or 1, got yes")
    expect(page.locator("#wall-smooth")).to_have_value("0")
    expect(page.locator("#wall-axis")).to_have_value("step")
    expect(page.locator("#wall-log")).not_to_be_checked()
    page.locator("#wall-search").fill("nowhere")
    expect(page.locator("[data-wall-count]")).to_have_text("No series has “nowhere” in its name")
    assert watched.faults() == []
    assert not wall("?log=0").page.locator("#wall-log").is_checked()


def test_what_is_usual_is_not_in_the_address(wall):
    page = wall("?q=flat&x=wall").page
    page.locator("#wall-search").fill("")
    page.locator("#wall-axis").select_option("step")
    expect(page).to_have_url(re.compile(r"/charts/$"))


def test_an_axis_that_is_not_there_is_the_usual_one(wall):
    expect(wall("?x=sideways").page.locator("#wall-axis")).to_have_value("step")


@pytest.mark.parametrize("axis", ["step", "relative", "wall"])
def test_the_keys_zoom_on_every_axis(wall, axis):
    watched = wall(f"?x={axis}")
    plot = watched.page.locator("[data-wall] .chart-plot").first

    def shown() -> tuple[float, float]:
        """The middle of the stretch that is seen, and its length, as Plotly reckons."""
        low, high = plot.evaluate("""plot => {
          const axis = plot._fullLayout.xaxis;
          return axis.range.map((end) => axis.r2c(end));
        }""")
        return (low + high) / 2, high - low

    middle, whole = shown()
    for key, share in (("+", 0.7), ("+", 0.49), ("-", 0.7), ("0", 1)):
        plot.press(key)
        now, length = shown()
        assert length / whole == pytest.approx(share, rel=1e-3)
        assert (now - middle) / whole == pytest.approx(0, abs=1e-3)
    assert watched.faults() == []
