"""How tests open Flat-LoRA's inspector, and what they read from it."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Watched

RUNS = 300_000  # ms that the job may take on a busy machine, behind those before it
VARIANTS = ["Flat-LoRA", "LoRA", "Full fine-tuning"]


def noted(context: BrowserContext) -> Watched:
    """A new page, for as long as a module's tests look at it."""
    watched = Watched(context.new_page())
    watched.page.on("console", watched.note)
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    return watched


def opened(watched: Watched, job: str, change: Callable[[dict], None] | None = None) -> Watched:
    """The inspector with everything drawn; `change` alters the files on their way."""
    page = watched.page
    if change:

        def changed(route) -> None:
            found = json.loads(route.fetch().text())
            change(found)
            route.fulfill(json=found)

        page.route("**/download/**", changed)
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
