"""A real Chromium, and pages that note every console error and every breach of the policy."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
)

pytest.register_assert_rewrite("tests.browser.journey")  # its assertions tell both sides too

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
START_WITHIN = 60  # seconds
AXE = HERE / "vendor/axe.min.js"
# Runs before any script of a page: what the policy blocked is kept where a test can read it.
WATCH = """
window.breaches = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.breaches.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`));
"""


@dataclass(frozen=True)
class Looked:
    """The server that pages are looked at on, and what stands on its stage."""

    url: str
    names: dict[str, str]
    cookie: tuple[str, str]  # the owner's session


@pytest.fixture(scope="session")
def bench(tmp_path_factory) -> Iterator[Looked]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    home = tmp_path_factory.mktemp("bench")
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.server", str(port)],
        cwd=ROOT,
        env={
            **kept,
            "TENFOLD_HOME": str(home),
            "TENFOLD_METHODS": str(ROOT / "tests/methods_fixture"),
            "TENFOLD_QUEUES": "cpu,check,ask",  # what waits for a GPU goes on waiting
            "OMP_NUM_THREADS": "1",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert line, f"the server ended with {process.wait()} before it had begun"
        about = json.loads(line)
        _wait_for(f"{url}/healthz", process)
        yield Looked(url, about["names"], tuple(about["cookie"]))
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(address: str, process: subprocess.Popen) -> None:
    for _ in range(START_WITHIN * 10):
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"{address} did not answer within {START_WITHIN} s")


@dataclass
class Watched:
    """A page, and everything that went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location.get('url', '')}")

    def faults(self) -> list[str]:
        return self.errors + self.page.evaluate("window.breaches ?? []")


def noted(context: BrowserContext) -> Watched:
    """A new page whose errors are noted."""
    watched = Watched(context.new_page())
    watched.page.on("console", watched.note)
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    return watched


def altered(page: Page, change: Callable[[dict], None]) -> None:
    """From now on `change` alters a job's files on their way to the page."""

    def changed(route) -> None:
        found = json.loads(route.fetch().text())
        change(found)
        route.fulfill(json=found)

    page.route("**/download/**", changed)


@pytest.fixture(scope="module")
def contexts(browser, bench) -> Iterator[Callable[..., BrowserContext]]:
    """One context per kind of visitor: its pages share what they loaded, as tabs do."""
    made: dict[tuple, BrowserContext] = {}

    def get(*, signed_in: bool, width: int, theme: str) -> BrowserContext:
        key = (signed_in, width, theme)
        if key not in made:
            context = browser.new_context(
                base_url=bench.url,
                viewport={"width": width, "height": 800},
                color_scheme=theme,
                reduced_motion="reduce",
            )
            context.add_init_script(WATCH)
            if signed_in:
                name, value = bench.cookie
                context.add_cookies([{"name": name, "value": value, "url": bench.url}])
            made[key] = context
        return made[key]

    yield get
    for context in made.values():
        context.close()


@pytest.fixture
def open_page(contexts) -> Iterator[Callable[..., Watched]]:
    """Opens a page of the bench, signed in as the owner where asked."""
    opened: list[Watched] = []

    def make(
        address: str = "", *, signed_in: bool = False, width: int = 1280, theme: str = "light"
    ) -> Watched:
        watched = noted(contexts(signed_in=signed_in, width=width, theme=theme))
        opened.append(watched)
        if address:
            watched.page.goto(address)
        return watched

    yield make
    for watched in opened:
        watched.page.evaluate("localStorage.clear()")
        watched.page.close()


WIDTHS = (320, 1280)
THEMES = ("light", "dark")
# Charts are drawn anew where the theme changes: what was scheduled then is painted.
PAINTED = "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
FIND = """async (rules) => (await axe.run(document, {
  resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }),
})).violations"""
# Themes differ in colours alone, so what looks at no colour is asked in the first of them.
OF_COLOURS = ["color-contrast", "link-in-text-block"]


def axe(page: Page) -> list[str]:
    """Serious and critical findings of axe-core on the page as it stands, in each theme."""
    if not page.evaluate("'axe' in window"):
        # Evaluated, not added as a script: the page's policy holds for the page's own scripts.
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.evaluate(PAINTED)
        found += [
            f"{theme}: {_told(violation)}"
            for violation in page.evaluate(FIND, None if theme == THEMES[0] else OF_COLOURS)
            if violation["impact"] in ("serious", "critical")
        ]
    return found


def _told(violation: dict[str, Any]) -> str:
    return f"{violation['id']}: {violation['help']} — " + "; ".join(
        f"{' '.join(map(str, node['target']))} ({node.get('failureSummary', '')[:300]})"
        for node in violation["nodes"][:3]
    )
