"""How tests open CBraMod's inspector, and what they read from it."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.conftest import Watched

RUNS = 180_000  # ms that the job may take on a busy machine
ANSWERS = 30_000


def opened(watched: Watched, job: str) -> Watched:
    """The inspector with its files."""
    watched.page.goto(f"/jobs/{job}/inspect/")
    watched.page.locator("[data-results]").wait_for(timeout=RUNS)
    return watched


def picture(page: Page, canvas: str) -> str:
    """What is on a canvas, once it is painted."""
    page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
    return page.locator(canvas).evaluate("canvas => canvas.toDataURL()")


def drawn(page: Page, figure: str) -> list[dict]:
    """The traces of a chart."""
    return page.locator(figure).evaluate(
        "figure => figure.data.map(({ name, x, y }) => ({ name, x: [...x], y: [...y] }))"
    )
