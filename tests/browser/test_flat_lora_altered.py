"""Flat-LoRA's inspector of a job that tells something else than the one that ran: its files and
series are altered on their way."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, noted
from tests.browser.flat_lora import VARIANTS, names, opened

pytestmark = pytest.mark.browser


def with_memory_and_an_overflow(found: dict) -> None:
    """LoRA's memory is not known, and its loss not finite in one draw of three, nor at the end of
    a line."""
    for place, variant in enumerate(found.get("variants", [])):
        variant["peak_bytes"] = None if place == 1 else (100 + place) * 2**20
    if "lora" in found and "sharpness" in found["lora"]:
        lora = found["lora"]
        lora["sharpness"]["test.at30"] |= {"mean": None, "error": None}
        lora["sharpness"]["test.at30"]["values"][1] = None
        lora["landscapes"]["line"]["full"]["loss"][0][-1] = None


@pytest.fixture(scope="module")
def altered(contexts, bench) -> Iterator[Watched]:
    """One page of a job of which one number is missing and one has overflowed."""
    watched = noted(contexts(signed_in=True, width=1280, theme="light"))
    yield opened(watched, bench.names["flat_lora"], with_memory_and_an_overflow)
    watched.page.close()


def test_a_step_and_its_memory_stand_beside_what_trains(altered):
    page = altered.page
    parts = ["noise", "forward", "backward", "optimiser, rest"]
    assert names(page, "[data-step-time]") == parts
    heights = page.locator("[data-step-time]").evaluate("figure => figure.data.map(({ y }) => y)")
    assert heights[0][0] > 0
    assert heights[0][1:] == [None, None]  # noise is Flat-LoRA's alone
    assert all(seconds > 0 for part in heights[1:] for seconds in part)
    memory = page.locator("[data-memory]").evaluate("figure => figure.data[0].y")
    assert memory == [100, None, 102]
    trained = page.locator("[data-trained]").evaluate("figure => figure.data[0].y")
    assert trained[0] == trained[1] < trained[2]
    assert altered.faults() == []


def test_a_loss_that_overflowed_is_not_flat(altered):
    page = altered.page
    row = page.locator('[data-sharpness-of="test.at30 lora"]')
    expect(row.locator("td").nth(1)).to_have_text("not finite in 1 of 3 draws")
    expect(row.locator("td").nth(2)).to_have_text("not finite")
    whole = page.locator('[data-sharpness-of="test.at10 lora"] td').nth(2)
    expect(whole).to_contain_text("±")
    curve = page.locator("[data-sharpness-curves] figure").first
    expect(curve.locator(".chart-note")).to_have_text("Not finite: LoRA at σ = 0.3.")
    line = page.locator("[data-lines] figure").first
    ends = line.evaluate("figure => figure.data.map(({ name, y }) => [name, y.at(-1)])")
    assert [name for name, end in ends if end is None] == ["LoRA, lowest", "LoRA, highest", "LoRA"]
    assert altered.faults() == []


def as_causal(found: dict) -> None:
    """The files as a decoder's job writes them: no class, perplexity instead of accuracy."""
    if "variants" in found:
        found |= {"kind": "causal", "classes": []}
        for variant in found["variants"]:
            variant["scores"] = {"test_loss": 2.0, "perplexity": 7.389}
    elif "models" in found:
        found["models"] = {}
        for row in found["rows"]:
            row |= {"label": None, "answer": {}}


def test_a_language_model_has_no_classes(open_page, bench):
    watched = opened(open_page(signed_in=True), bench.names["flat_lora"], as_causal)
    page = watched.page
    heads = page.locator("[data-scores] thead th").all_inner_texts()
    assert heads[1:3] == ["Loss, nat", "Perplexity"]
    expect(page.locator("[data-judged]")).to_be_hidden()
    expect(page.locator("[data-second]")).to_be_hidden()
    expect(page.get_by_label("Variants disagree")).to_be_hidden()
    assert page.locator("[data-hardest] thead th").all_inner_texts() == ["Row", "Text", *VARIANTS]
    assert watched.faults() == []


def with_little(found: dict) -> None:
    """The files of a job on images without adapters, that was asked for as little as can be."""
    if "variants" in found:
        found |= {"kind": "images", "overhead": None, "variants": found["variants"][-1:]}
        found["variants"][0].pop("peak_bytes", None)
    elif "models" not in found:
        for one in found.values():
            one |= {"hessian": None, "landscapes": {}, "spectra": [], "budget": []}


def told_whole(route) -> None:
    """As an older job has them."""
    found = json.loads(route.fetch().text())
    kept = {name: one for name, one in found["series"].items() if ".seconds." not in name}
    route.fulfill(json=found | {"series": kept})


def test_what_is_not_there_says_why(open_page, bench):
    watched = open_page(signed_in=True)
    page = watched.page
    page.route("**/series?*", told_whole)
    opened(watched, bench.names["flat_lora"], with_little)
    for said in ("curvature", "landscape", "layers"):
        expect(page.locator(f"[data-no-{said}]")).to_be_visible()
        expect(page.locator(f"[data-{said}]")).to_be_hidden()
    expect(page.locator("[data-say-part]")).to_be_hidden()
    expect(page.locator('[data-figure="Overhead"]')).to_have_text("–")
    expect(page.locator('[data-figure="Noise ρ"]')).to_have_count(0)
    assert names(page, "[data-step-time]") == ["a step"]
    expect(page.locator("[data-memory]")).to_be_hidden()
    expect(page.locator("[data-hardest] tbody tr").first).to_be_visible()
    assert watched.faults() == []
