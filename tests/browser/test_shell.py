"""The frame of every page in a real Chromium: keys, theme, rail, dialogs, parts that move."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

GROUND = "getComputedStyle(document.documentElement).backgroundColor"
LIGHT, DARK = "rgb(251, 250, 247)", "rgb(20, 23, 26)"


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ("gj", "/jobs/"),
        ("gd", "/datasets/"),
        ("gm", "/methods/"),
        ("gq", "/queue/"),
        ("n", "/jobs/new/"),
    ],
)
def test_keys_lead_to_places(open_page, *, keys, place):
    page = open_page("/", signed_in=True).page
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_url(f"**{place}")


def test_slash_goes_to_the_search_of_the_page_or_of_the_jobs(open_page):
    page = open_page("/methods/", signed_in=True).page
    page.keyboard.press("/")
    page.wait_for_url("**/jobs/#search")
    expect(page.locator("[data-search]")).to_be_focused()


def test_the_open_tab_is_in_sight_on_a_phone(open_page, bench):
    page = open_page(f"/jobs/{bench.names['done']}/attempts/", signed_in=True, width=320).page
    expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=0.95)


def test_an_edge_behind_which_a_table_goes_on_is_shaded(open_page, bench):
    page = open_page(f"/teams/{bench.names['team']}/audit/", signed_in=True, width=320).page
    table = page.locator(".table")
    expect(table).to_have_attribute("data-more", "after")
    table.evaluate("place => place.scrollBy(40, 0)")
    expect(table).to_have_attribute("data-more", "before after")
    table.evaluate("place => place.scrollTo(place.scrollWidth, 0)")
    expect(table).to_have_attribute("data-more", "before")


def test_typing_is_not_a_shortcut(open_page):
    page = open_page("/jobs/", signed_in=True).page
    page.locator("[data-search]").fill("")
    page.locator("[data-search]").press_sequentially("gq n")
    expect(page.locator("[data-search]")).to_have_value("gq n")
    assert page.url.endswith("/jobs/")


def test_c_compares_what_is_selected(open_page):
    page = open_page("/jobs/", signed_in=True).page
    boxes = page.locator('input[name="job"]')
    chosen = [boxes.nth(at).get_attribute("value") for at in (0, 1)]
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.keyboard.press("c")
    page.wait_for_url("**/compare/**")
    assert all(pk in page.url for pk in chosen)


@pytest.mark.parametrize(("code", "said"), [(1006, "is lost"), (4401, "signed out")])
def test_a_page_says_that_its_connection_is_gone(open_page, *, code, said):
    """And stops saying so as soon as it is back; a session that ended does not come back."""
    page = open_page(signed_in=True, width=320).page
    broken = True

    def connect(socket) -> None:
        if broken:
            socket.close(code=code if code != 1006 else 4000)
        else:
            socket.connect_to_server()

    page.route_web_socket("**/ws/live", connect)
    page.goto("/jobs/")
    notice = page.locator("[data-connection]")
    expect(notice).to_contain_text(said, use_inner_text=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    broken = False
    if code == 4401:
        link = notice.get_by_role("link", name="Sign in")
        expect(link).to_have_attribute("href", "/sign-in/?next=/jobs/")
        return
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(notice).to_be_hidden(timeout=20_000)


def test_the_help_opens_and_switches_the_shortcuts_off(open_page):
    page = open_page("/", signed_in=True).page
    page.keyboard.press("?")
    dialog = page.locator("dialog#keyboard")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Shortcuts of single keys are on").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("n")
    page.wait_for_timeout(300)
    assert page.url.endswith("/")


def test_a_click_beside_a_dialog_closes_it(open_page):
    page = open_page("/", signed_in=True).page
    page.keyboard.press("?")
    page.mouse.click(5, 5)
    expect(page.locator("dialog#keyboard")).to_be_hidden()


@pytest.mark.parametrize(("system", "ground"), [("light", LIGHT), ("dark", DARK)])
def test_the_theme_follows_the_system(open_page, *, system, ground):
    assert open_page("/", signed_in=True, theme=system).page.evaluate(GROUND) == ground


def test_a_chosen_theme_is_kept_before_the_first_paint(open_page):
    page = open_page("/", signed_in=True).page
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(GROUND) == DARK
    page.goto("/methods/", wait_until="commit")
    page.locator("body").wait_for()
    assert page.evaluate(GROUND) == DARK
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")


def test_the_rail_folds_on_a_narrow_screen(open_page):
    page = open_page("/", signed_in=True, width=320).page
    link = page.get_by_role("link", name="Datasets", exact=True)
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(link).to_be_visible()
    link.click()
    page.wait_for_url("**/datasets/")


def test_the_skip_link_is_first_and_leads_to_the_content(open_page):
    page = open_page("/", signed_in=True).page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_place_where_one_is_is_marked(open_page):
    page = open_page("/methods/fake/", signed_in=True).page
    current = page.locator("nav[aria-label=Main] [aria-current]")
    expect(current).to_have_text(re.compile("Methods"))


def test_home_renews_what_runs_by_itself(open_page):
    watched = open_page("/", signed_in=True)
    with watched.page.expect_response("**/home/running/") as answer:
        pass
    assert answer.value.ok
    assert watched.faults() == []


def test_the_rails_number_of_running_jobs_is_kept_true(open_page):
    watched = open_page("/docs/", signed_in=True)
    number = watched.page.locator("[data-running]")
    number.evaluate("place => (place.textContent = 'long ago')")
    expect(number).to_have_text(re.compile(r"^\s*[1-9]\d*\s*$"), timeout=10_000)
    assert watched.faults() == []


def test_the_kind_follows_the_file_until_somebody_chooses_one(open_page):
    page = open_page("/datasets/new/", signed_in=True).page
    kind = page.locator("#id_kind")

    def pick(name: str) -> None:
        page.locator("#id_file").set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": b"{}"}
        )

    pick("split.json")
    expect(kind).to_have_value("split")
    pick("cora.graphml")
    expect(kind).to_have_value("graph")
    pick("weights.PTH")
    expect(kind).to_have_value("model")
    kind.select_option("split")
    pick("other.graphml")
    expect(kind).to_have_value("split")


def test_a_name_that_several_kinds_share_leaves_the_choice_open(open_page):
    watched = open_page("/datasets/new/", signed_in=True)
    page = watched.page
    kind, hint = page.locator("#id_kind"), page.locator("[data-kinds]")
    expect(hint).to_be_hidden()
    page.locator("#id_file").set_input_files(
        {"name": "set.zip", "mimeType": "application/zip", "buffer": b"PK"}
    )
    expect(kind).to_have_value("")
    expect(hint).to_have_text(
        "The file's name does not tell which: EEG, Graph, Images, Model, Text, Traffic."
    )
    page.get_by_role("button", name="Upload").click()
    told = "kind: expected one of EEG, Graph, Images, Model, Text, Traffic;"
    expect(page.locator("#fault_kind")).to_contain_text(told)
    expect(kind).to_be_focused()
    kind.select_option("eeg")
    expect(hint).to_be_hidden()
    assert watched.faults() == []
