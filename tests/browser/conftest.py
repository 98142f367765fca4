"""A real Chromium, and pages that note every console error and every breach of the policy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).resolve().parent
AXE = HERE / "vendor/axe.min.js"
# Playwright's own loop lives in the test's thread; Django would refuse its database there.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

# Runs before any script of a page: what the policy blocked is kept where a test can read it.
WATCH = """
window.breaches = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.breaches.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`));
"""


def executable() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = executable()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: set CHROMIUM or install the package")
        pytest.skip("no Chromium: neither CHROMIUM nor the command `chromium`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@dataclass
class Watched:
    """A page, and everything that went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        return self.errors + self.page.evaluate("window.breaches ?? []")


@pytest.fixture
def open_page(browser, live_server) -> Iterator[Callable]:
    """Opens a page of the live server, signed in as somebody where asked."""
    contexts: list[BrowserContext] = []

    def make(
        address: str = "",
        *,
        user=None,
        width: int = 1280,
        theme: str = "light",
        wait: str = "load",
    ) -> Watched:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 800},
            color_scheme=theme,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.add_init_script(WATCH)
        if user is not None:
            context.add_cookies([_session(user, live_server.url)])
        watched = Watched(context.new_page())
        watched.page.on(
            "console",
            lambda message: (
                watched.errors.append(message.text) if message.type == "error" else None
            ),
        )
        watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
        if address:
            watched.page.goto(address, wait_until=wait)
        return watched

    yield make
    for context in contexts:
        context.close()


def _session(user, url: str) -> dict[str, str]:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    return {
        "name": settings.SESSION_COOKIE_NAME,
        "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": url,
    }


def axe(page: Page) -> list[str]:
    """Serious and critical findings of axe-core on the page as it stands."""
    # Evaluated, not added as a script: the page's policy holds for the page's own scripts.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
    )
    return [
        f"{violation['id']}: {violation['help']} — "
        + "; ".join(
            f"{' '.join(map(str, node['target']))} ({node.get('failureSummary', '')[:300]})"
            for node in violation["nodes"][:3]
        )
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]
