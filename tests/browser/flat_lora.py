"""How tests open Flat-LoRA's inspector, and what they read from it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.conftest import Watched, altered

RUNS = 300_000  # ms that the job may take on a busy machine, behind those before it
VARIANTS = ["Flat-LoRA", "LoRA", "Full fine-tuning"]


def opened(watched: Watched, job: str, change: Callable[[dict], None] | None = None) -> Watched:
    """The inspector with everything drawn; `change` alters the files on their way."""
    page = watched.page
    if change:
        altered(page, change)
    page.goto(f"/jobs/{job}/inspect/")
    page.locator("[data-results]").wait_for(timeout=RUNS)
    page.locator("[data-hardest] tbody tr").first.wait_for(state="attached")
    return watched


def titles(page: Page, place: str) -> list[str]:
    """Of the charts in a place, without their units."""
    heads = page.locator(f"{place} .chart-title")
    return heads.evaluate_all("all => all.map((one) => one.firstChild.textContent)")


def names(page: Page, place: str) -> list[str]:
    return page.locator(place).evaluate("figure => figure.data.map(({ name }) => name)")
