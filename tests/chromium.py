"""The Chromium of a test file. It ends with the file: Django refuses its database to a thread in
which Playwright's loop runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright


def executable() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def required() -> str:
    """Its path; without one, CI fails and another machine skips."""
    path = executable()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: set CHROMIUM or install the package")
        pytest.skip("no Chromium: neither CHROMIUM nor the command `chromium`")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = required()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()
