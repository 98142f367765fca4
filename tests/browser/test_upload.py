"""The upload of a file in a real Chromium: dropped onto its field, and seen on its way."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SIZE = 3 << 20  # bytes
SPEED = 1 << 20  # bytes a second that the line carries
# What the page shows while it sends, each time that it says something else; outlives the page.
NOTE = """() => {
  const bar = document.querySelector("[data-progress] progress");
  const text = document.querySelector("[data-progress-text]");
  const shown = [];
  new MutationObserver(() => {
    if (bar.checkVisibility()) shown.push([bar.value, text.textContent]);
    sessionStorage.setItem("shown", JSON.stringify(shown));
  }).observe(text, { childList: true });
}"""


@pytest.fixture
def form(open_page):
    return open_page("/datasets/new/", signed_in=True)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "walks.json"
    path.write_text("{}".ljust(SIZE))
    return path


def drag(page, path, *kinds: str, over: str = "[data-drop]") -> None:
    """As a person drags a file from a folder over a part of the page."""
    box = page.locator(over).bounding_box()
    session = page.context.new_cdp_session(page)
    for kind in kinds:
        session.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": box["x"] + box["width"] / 2,
                "y": box["y"] + box["height"] - 5,  # not the input, which takes files by itself
                "data": {"items": [], "files": [str(path)], "dragOperationsMask": 1},
            },
        )


def test_a_dropped_file_is_the_chosen_one_and_gives_its_kind(form, file):
    page = form.page
    field = page.locator("[data-drop]")
    drag(page, file, "dragEnter", "dragOver")
    expect(field).to_have_attribute("data-over", "")
    drag(page, file, "dragOver", over="h1")
    expect(field).not_to_have_attribute("data-over", "")
    drag(page, file, "dragEnter", "dragOver", "drop")
    expect(field).not_to_have_attribute("data-over", "")
    chosen = page.locator("#id_file").evaluate("({ files: [file] }) => [file.name, file.size]")
    assert chosen == ["walks.json", SIZE]
    expect(page.locator("#id_kind")).to_have_value("split")
    assert form.faults() == []


def test_an_upload_tells_how_far_it_is(form, file):
    page = form.page
    drag(page, file, "dragEnter", "dragOver", "drop")
    page.evaluate(NOTE)
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SPEED}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", line)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("button", name="Upload")).to_be_disabled()
    page.wait_for_url(re.compile(r"/datasets/[0-9a-z]{26}/"))
    *sending, (full, last) = json.loads(page.evaluate("sessionStorage.getItem('shown')"))
    shares = [share for share, _ in sending]
    assert len(shares) >= 3
    assert shares == sorted(set(shares))
    assert 0 < shares[0] < shares[-1] < 1
    for share, words in sending:
        sent = re.fullmatch(r"([\d.]+) (KiB|MiB) of 3\.0 MiB", words)
        assert float(sent[1]) / {"KiB": 3 << 10, "MiB": 3}[sent[2]] == pytest.approx(
            share, abs=0.02
        )
    assert (full, last) == (1, "Sent. The server is storing it.")
    assert form.faults() == []
