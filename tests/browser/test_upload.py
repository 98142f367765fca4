"""Uploads in a real Chromium: dropped, seen on their way, broken off, paused, gone on with."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WIDTHS, axe

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
    assert 0 == shares[0] < shares[-1] < 1
    for share, words in sending:
        sent = re.fullmatch(
            r"([\d.]+) (KiB|MiB) of 3\.0 MiB( · [\d.]+ [KM]iB/s · \d+ s left)?", words
        )
        assert float(sent[1]) / {"KiB": 3 << 10, "MiB": 3}[sent[2]] == pytest.approx(
            share, abs=0.02
        )
    assert (full, last) == (1, "3.0 MiB of 3.0 MiB")
    assert any("left" in words for _, words in sending)
    assert form.faults() == []


PART = 8 << 20  # bytes; as the page has it
PARTS = "**/api/v1/uploads/*"


@pytest.fixture
def recording(tmp_path):
    """A file of several parts, none like another."""
    path = tmp_path / "walk <1>.json"
    path.write_bytes(random.Random(7).randbytes(2 * PART + PART // 2))
    return path


class Line:
    """The parts that a page sends; `cut` of them, from the second on, are lost on their way."""

    def __init__(self, page, *, cut=0):
        self.offsets, self.cut = [], cut
        page.route(PARTS, self._carry)

    def _carry(self, route):
        request = route.request
        if request.method == "PATCH":
            self.offsets.append(int(request.headers["upload-offset"]))
            if self.offsets[-1] and self.cut:
                self.cut -= 1
                route.abort("connectionreset")
                return
        route.continue_()


def begin(page, path):
    page.set_input_files("#id_file", path)
    page.get_by_role("button", name="Upload").click()


def kept(page, path):
    """The page comes to the dataset, which has the bytes of the file."""
    page.wait_for_url(re.compile(r"/datasets/[0-9a-z]{26}/"))
    dataset = page.url.rstrip("/").rpartition("/")[2]
    shown = page.request.get(f"/api/v1/datasets/{dataset}").json()
    content = path.read_bytes()
    assert shown["versions"][0]["sha256"] == hashlib.sha256(content).hexdigest()
    assert shown["versions"][0]["file_name"] == path.name


def state(page):
    return page.locator("[data-progress-state]")


def broken_off(page, path):
    """One part has arrived; the line is dead."""
    line = Line(page, cut=1000)
    begin(page, path)
    expect(state(page)).to_contain_text("The connection broke")
    return line


def test_after_a_broken_connection_it_goes_on_by_itself(form, recording):
    page = form.page
    line = Line(page, cut=2)
    begin(page, recording)
    expect(state(page)).to_contain_text("The connection broke. Going on in 1 s.")
    expect(state(page)).to_contain_text("The connection broke. Going on in 2 s.")
    kept(page, recording)
    assert line.offsets == [0, PART, PART, PART, 2 * PART]
    assert form.page.evaluate("window.breaches") == []


@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_paused_and_goes_on_by_keyboard(open_page, recording, width):
    watched = open_page("/datasets/new/", signed_in=True, width=width)
    page = watched.page
    broken_off(page, recording)
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(state(page)).to_contain_text("Paused")
    expect(page.get_by_role("button", name="Go on")).to_be_focused()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.unroute(PARTS)
    page.keyboard.press("Enter")
    kept(page, recording)


def test_after_a_reload_the_same_file_is_asked_for(form, recording, tmp_path):
    page = form.page
    broken_off(page, recording)
    page.unroute(PARTS)
    page.reload()
    row = page.locator("[data-begun]")
    expect(row).to_contain_text("walk <1>.json")
    assert axe(page) == []
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[0]

    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / recording.name
    other.write_bytes(b"x")
    choose(page, other)
    expect(row.get_by_role("alert")).to_contain_text(f"of {recording.stat().st_size} bytes")
    expect(row.get_by_role("alert")).to_contain_text("got walk <1>.json of 1 bytes")

    line = Line(page)
    choose(page, recording)
    kept(page, recording)
    assert line.offsets == [PART, 2 * PART]


def test_a_file_that_looks_the_same_and_is_not_is_found_out(form, recording):
    page = form.page
    broken_off(page, recording)
    page.unroute(PARTS)
    page.reload()
    times = recording.stat()
    content = bytearray(recording.read_bytes())
    content[0] ^= 1  # in the part that has arrived
    recording.write_bytes(content)
    os.utime(recording, ns=(times.st_atime_ns, times.st_mtime_ns))
    choose(page, recording)
    expect(page.locator("[data-progress-fault]")).to_contain_text("other bytes came")
    page.get_by_role("button", name="Give up", exact=True).click()
    expect(page.locator("[data-unfinished]")).to_be_hidden()
    assert page.request.get("/api/v1/uploads").json() == []


def test_one_is_given_up(form, recording):
    page = form.page
    broken_off(page, recording)
    page.unroute(PARTS)
    page.get_by_role("button", name="Give up").click()
    expect(page.locator("[data-progress]")).to_be_hidden()
    expect(page.get_by_role("button", name="Upload")).to_be_focused()
    assert page.request.get("/api/v1/uploads").json() == []


def test_what_is_wrong_is_told_before_a_byte_is_sent(form, recording):
    page = form.page
    line = Line(page)
    page.fill("#id_name", "a\u202eb")
    begin(page, recording)
    expect(page.get_by_role("alert")).to_contain_text("name: ")
    expect(page.locator("#id_name")).to_be_focused()
    assert line.offsets == []


def choose(page, path):
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Go on").click()
    chooser.value.set_files(path)
