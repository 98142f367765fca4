"""Flat-LoRA's inspector in a real Chromium: a real job of a tiny network, watched and asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WIDTHS, Watched, axe, noted
from tests.browser.flat_lora import RUNS, VARIANTS, names, opened, titles

pytestmark = pytest.mark.browser

LOADS = 60_000  # ms within which its child answers for the first time, or says that it does not
TRIES = 4
LIVE = [
    "Loss of the batches", "Loss of the probe, without noise", "E-sharpness while training",
    "Noise σ", "Accuracy on validation", "Loss on validation", "A step and its noise",
    "Drift of the frozen weights", "Gradient norm", "Step size",
]  # fmt: skip


@pytest.fixture(scope="module")
def shown(contexts, bench) -> Iterator[Watched]:
    """One page for the tests that each look at a part of their own: it takes seconds to draw."""
    watched = noted(contexts(signed_in=True, width=1280, theme="light"))
    yield opened(watched, bench.names["flat_lora"])
    watched.page.close()


def test_everything_appears_while_the_page_is_open(open_page, bench):
    watched = open_page(f"/jobs/{bench.names['flat_lora']}/inspect/", signed_in=True)
    page = watched.page
    page.locator("[data-training] .main-svg").first.wait_for(timeout=RUNS)
    page.locator("[data-results]").wait_for(timeout=RUNS)
    expect(page.locator("[data-waiting]")).to_be_hidden()
    assert titles(page, "[data-training]") == LIVE
    loss = page.locator("[data-training] figure").first
    steps = loss.evaluate("figure => figure.data.map(({ name, x }) => [name, x.length])")
    assert steps == [[name, 12] for name in VARIANTS]  # each counts its own steps
    # The two seeds that were done before say the verdict with this one, once it is done too.
    rows = page.locator("[data-verdict] tbody tr")
    accuracy = rows.filter(has_text="Test accuracy").filter(has_text="Full fine-tuning")
    expect(accuracy).not_to_contain_text("1 seed missing", timeout=RUNS)
    expect(accuracy.locator("svg.forest line")).to_have_count(2)
    counted = [int(seeds) for seeds in accuracy.locator("td").nth(5).inner_text().split(", ")]
    assert sum(counted) == 3
    links = page.locator("#exports-part a")
    expect(links).to_have_text([" export/flat-adapter.zip", " export/flat-model.zip",
                                " export/lora-adapter.zip"])  # fmt: skip
    assert watched.faults() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_inspector_is_fit_to_be_used(open_page, bench, width):
    watched = opened(open_page(signed_in=True, width=width), bench.names["flat_lora"])
    page = watched.page
    assert axe(page) == []
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert watched.faults() == []


def test_the_variants_stand_beside_each_other(shown):
    page = shown.page
    assert page.locator("[data-scores] tbody th").all_inner_texts() == VARIANTS
    trips = page.locator("[data-scores] tbody td:nth-last-child(2)").all_inner_texts()
    assert trips[2] == "–"  # full fine-tuning has no adapter
    assert all(float(trip.replace("−", "-")) <= 1e-5 for trip in trips[:2])
    expect(page.locator('[data-figure="Overhead"]')).to_have_text(re.compile(r"^\d+\.\d\d ×$"))
    rows = page.locator("[data-sharpness] tbody tr[data-sharpness-of]")
    expect(rows).to_have_count(2 * 2 * len(VARIANTS))  # parts, σ
    assert rows.locator("svg.forest circle").count() == rows.count()
    assert titles(page, "[data-lines]") == [
        "Along random directions of the merged weights",
        "Along random directions of LoRA's own space (A, B)",
    ]
    full, own = (page.locator("[data-lines] figure").nth(place) for place in (0, 1))
    ranges = "figure => figure.querySelector('.chart-plot').layout.yaxis.range"
    assert full.evaluate(ranges) == own.evaluate(ranges)
    expect(full.locator(".chart-note")).to_contain_text("from the lowest to the highest of the ")
    live = page.locator("[data-training] figure").nth(LIVE.index("E-sharpness while training"))
    expect(live.locator(".chart-note")).to_have_text("4 draws, up to 32 fixed training rows")
    drawn = live.evaluate("figure => figure.data.map(({ name }) => name)")
    assert drawn == [f"{name}, σ = {sigma}" for sigma in (0.1, 0.3) for name in VARIANTS]
    assert shown.faults() == []


def test_planes_share_their_colours_and_show_the_rise_too(shown):
    page = shown.page
    planes = page.locator("[data-planes] figure")
    expect(planes).to_have_count(4)  # two variants, two spaces
    scale = "all => all.map((one) => [one.data[0].zmin, one.data[0].zmax])"
    before = planes.evaluate_all(scale)
    assert before == [before[0]] * 4
    heights = "all => all.map((one) => one.data[0].z.flat())"
    everything = [z for plane in planes.evaluate_all(heights) for z in plane]
    assert (min(everything), max(everything)) == tuple(before[0])
    expect(planes.first.locator(".chart-note")).to_contain_text("worked out again differ by at mo")
    page.locator("#height").select_option("rise")
    # The middle of a plane is where the variant stands: nothing is above it there.
    middle = "all => all.map((one) => one.data[0].z[2][2])"
    assert planes.evaluate_all(middle) == pytest.approx([0] * 4, abs=1e-5)
    page.locator("#plane-b").select_option("full")
    expect(planes).to_have_count(3)  # full fine-tuning has no space of its own
    assert shown.faults() == []


def test_a_layer_is_chosen(shown):
    page = shown.page
    layers = page.locator("#layer option").count()
    assert names(page, "[data-noise]") == ["drawn", "expected, σ‖W′‖"]
    assert page.locator("#layers-variant option").all_inner_texts() == VARIANTS[:2]
    noise = page.locator("[data-noise]").evaluate("figure => figure.data.map(({ y }) => y)")
    assert noise[0] == pytest.approx(noise[1], rel=0.3)
    law = page.locator("[data-inflation]").evaluate("figure => figure.data[1].y")
    assert law == pytest.approx([1.09] * layers)
    page.locator("#layer").select_option("3")
    name = page.locator("#layer option").nth(3).inner_text().removeprefix("4: ")
    expect(page.locator("[data-spectrum] .chart-note")).to_contain_text(
        f"{name}. ΔW = s(BA − B₀A₀)"
    )
    expect(page.locator("[data-rows-histogram] .chart-note")).to_contain_text(name)
    page.locator("[data-noise]").get_by_role("button", name="Table").click()
    expect(page.locator("[data-noise] tbody tr")).to_have_count(layers)
    expect(page.locator("[data-noise] tbody tr").nth(3)).to_contain_text(name)
    assert shown.faults() == []


def answered(page: Page, note: str, fault: str, again: Callable[[], None]) -> None:
    """On a busy machine the child may take longer to load than a question waits."""
    for _ in range(TRIES):
        told = page.locator(f"{note}, {fault}").filter(has_text=re.compile("nswer"))
        told.first.wait_for(timeout=LOADS)
        if "nswered" in page.locator(note).inner_text():
            return
        again()
    pytest.fail(page.locator(fault).inner_text())


def test_weights_are_changed_and_a_text_is_asked(shown):
    page = shown.page
    page.locator("[data-change]").scroll_into_view_if_needed()
    unchanged = page.get_by_role("button", name="Unchanged")
    answered(page, "[data-change-note]", "[data-change-fault]", unchanged.click)
    rows = page.locator("[data-changed] tbody tr")
    assert rows.locator("th").all_inner_texts() == VARIANTS
    heads = page.locator("[data-changed] thead th").all_inner_texts()
    assert heads[1:] == ["Accuracy before", "after", "Δ", "Loss, nat before", "after", "Δ"]
    changes = rows.locator("td:last-child")
    expect(changes).to_have_text(["0"] * len(VARIANTS))  # nothing is changed yet
    page.locator("#c-sigma").fill("0.9")
    expect(changes.first).not_to_have_text("0")
    page.get_by_role("button", name="Walk over bits").click()
    expect(page.locator("[data-walked] figure")).to_have_count(2)
    assert titles(page, "[data-walked]") == ["Accuracy under rounding", "Loss under rounding"]
    ends = "all => all.map((one) => one.data?.map(({ x }) => x.at(-1)).join())"
    expect(page.get_by_role("button", name="Walk over bits")).to_be_enabled(timeout=LOADS)
    page.wait_for_timeout(600)  # two drawings later
    assert page.locator("[data-walked] figure").evaluate_all(ends) == ["4,4,4"] * 2
    expect(page.locator("[data-walked] .chart-note").first).to_have_text(
        re.compile(r"^On \d+ test rows, with sigma 0\.9\.$")
    )

    expect(page.get_by_label("Second text, of a pair")).to_be_hidden()  # it learnt single ones
    page.get_by_label("Text", exact=True).fill("the cat sees a cat")
    page.locator("[data-say]").get_by_role("button", name="Ask").click()
    expect(page.locator("[data-say-note]")).to_contain_text("Answered in", timeout=LOADS)
    said = page.locator("[data-said] tbody tr")
    expect(said).to_have_count(len(VARIANTS))
    for row in said.all():
        answer, *shares = row.locator("td").all_inner_texts()
        assert sum(map(float, shares)) == pytest.approx(1, abs=2e-3)
        heads = page.locator("[data-said] thead th").all_inner_texts()[2:]
        assert answer == heads[shares.index(max(shares))]
    page.get_by_label("Text", exact=True).fill(" ")
    page.locator("[data-say]").get_by_role("button", name="Ask").click()
    expect(page.locator("[data-say-fault]")).to_contain_text("expected a text", timeout=LOADS)
    assert shown.faults() == []


def test_answers_are_told_class_by_class_and_row_by_row(shown):
    page = shown.page
    matrix = page.locator('[data-confusion="a"]').evaluate("figure => figure.data[0].z")
    rows = int(page.locator('[data-figure="Rows"]').inner_text())
    assert sum(map(sum, matrix)) == rows
    assert names(page, "[data-calibration]") == [*VARIANTS, "as sure as right"]
    listed = page.locator("[data-hardest] tbody tr")
    expect(listed).to_have_count(rows)
    wrong = rows - sum(row[place] for place, row in enumerate(matrix))
    page.get_by_label("The first is wrong").check()
    expect(listed).to_have_count(wrong)
    expect(page.locator("[data-hardest-count]")).to_contain_text(f"{wrong} of {rows} rows")
    page.locator("#matrix-b").select_option("full")
    expect(page.locator('[data-confusion="b"] .chart-title')).to_contain_text("Full fine-tuning")
    assert shown.faults() == []
