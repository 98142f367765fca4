"""Every page in a real Chromium: axe-core, both themes, two widths, no error, no breach."""

from __future__ import annotations

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import expect

from tests.browser.conftest import WIDTHS, axe
from tests.browser.stage import SECRET

pytestmark = pytest.mark.browser

SIGNED_OUT = {"sign-in": "/sign-in/", "link": f"/link/{SECRET}/"}
MORE_SIGNED_OUT = {"link, dead": "/link/of-nobody/"}
PAGES = {
    "home": "/",
    "methods": "/methods/",
    "method": "/methods/fake/",
    "queue": "/queue/",
    "docs": "/docs/",
    "doc": "/docs/getting-started/",
    "account": "/account/",
    "team-new": "/teams/new/",
    "team": "/teams/{team}/",
    "audit": "/teams/{team}/audit/",
    "jobs": "/jobs/",
    "job-new": "/jobs/new/?method=fake",
    "job": "/jobs/{done}/",
    "job-charts": "/jobs/{done}/charts/",
    "job-inspect": "/jobs/{done}/inspect/",
    "job-logs": "/jobs/{done}/logs/",
    "job-artifacts": "/jobs/{done}/artifacts/",
    "job-config": "/jobs/{done}/config/",
    "job-attempts": "/jobs/{failed}/attempts/",
    "compare": "/compare/?jobs={done},{running}",
    "group": "/groups/{group}/",
    "datasets": "/datasets/",
    "dataset-new": "/datasets/new/",
    "dataset": "/datasets/{dataset}/",
    "artifact": "/artifacts/{table}/",
    "openapi-view": "/api/v1/docs",
}
# The same pages in another state.
MORE = {
    "job running": "/jobs/{running}/",
    "job running, charts": "/jobs/{running}/charts/",
    "job running, config": "/jobs/{running}/config/",
    "job failed": "/jobs/{failed}/",
    "job waiting": "/jobs/{queued}/",
    "job, long names": "/jobs/{long}/",
    "job, long names, charts": "/jobs/{long}/charts/",
    "compare, long names": "/compare/?jobs={done},{long}",
    "job-new, methods": "/jobs/new/",
    "jobs, wrong query": "/jobs/?q=state:nothing",
    "artifact, figure": "/artifacts/{figure}/",
    "artifact, json": "/artifacts/{facts}/",
    "missing": "/no/such/page/",
}
# What is no page: parts of pages, files, deeds (POST), what machines ask.
NO_PAGES = {
    "home-running", "running-count", "queue-parts", "queue-priority", "healthz", "readyz",
    "sign-out", "password", "token-new", "token-revoke", "team-edit", "team-delete", "team-leave",
    "invite", "uninvite", "member-role", "member-remove", "member-reset", "project-new",
    "project-edit", "project-delete", "jobs-columns", "jobs-bulk", "job-log", "job-cancel",
    "job-retry", "job-resume", "job-delete", "job-edit", "job-foretold", "dataset-edit",
    "dataset-delete", "version-download", "artifact-download", "artifact-raw",
}  # fmt: skip
# Answered to a form that is sent: the page with the form, the form, what is filled in.
MADE = {
    "token": ("/account/", "/account/tokens/", {"name": "Script"}),
    "invitation": ("/teams/{team}/", "/invitations/", {}),
    "reset": ("/teams/{team}/", "/reset/", {}),
}


def names(resolver: URLResolver, before: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            if not path.startswith("api/v1/") or path == "api/v1/docs":
                found.add(pattern.name)
        else:
            found |= names(pattern, path)
    return found


def test_every_address_is_looked_at_or_is_no_page():
    assert names(get_resolver()) == set(PAGES) | set(SIGNED_OUT) | NO_PAGES


# What reaches beyond the right edge of the window, where that makes the page scroll.
WIDER = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > root.clientWidth + 0.5)
    .filter((e) => !e.closest(".table, pre"))
    .slice(0, 8)
    .map((e) => `${e.tagName} ${e.className} ${Math.round(e.getBoundingClientRect().right)}`);
}"""
# Pages that are refusals themselves; the browser notes their status as an error.
REFUSALS = {"missing": 404, "jobs, wrong query": 422, "link, dead": 404}


def look(watched, *, status: int = 200) -> None:
    page = watched.page
    page.wait_for_load_state("networkidle")
    assert page.evaluate(WIDER) == [], "the page scrolls sideways"
    assert axe(page) == []
    own = f"status of {status} "
    assert [fault for fault in watched.faults() if own not in fault or status == 200] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*PAGES, *MORE])
def test_a_page_is_fit_to_be_used(open_page, bench, *, name, width):
    template = PAGES.get(name) or MORE[name]
    watched = open_page(template.format(**bench.names), signed_in=True, width=width)
    look(watched, status=REFUSALS.get(name, 200))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*SIGNED_OUT, *MORE_SIGNED_OUT])
def test_a_page_before_the_sign_in_is_fit_to_be_used(open_page, *, name, width):
    address = SIGNED_OUT.get(name) or MORE_SIGNED_OUT[name]
    look(open_page(address, width=width), status=REFUSALS.get(name, 200))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", MADE)
def test_a_page_that_answers_a_form_is_fit_to_be_used(open_page, bench, *, name, width):
    template, action, fields = MADE[name]
    watched = open_page(template.format(**bench.names), signed_in=True, width=width)
    form = watched.page.locator(f'form[action$="{action}"]').first
    for field, value in fields.items():
        form.locator(f'[name="{field}"]').fill(value)
    form.locator('[type="submit"], button.primary').click()
    expect(watched.page.locator("input[readonly]")).to_be_visible()
    look(watched)


def fit_while_open(page) -> None:
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    assert axe(page) == []
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("template", ["/jobs/{done}/", "/datasets/{dataset}/", "/teams/{team}/"])
def test_open_dialogs_are_fit_to_be_used(open_page, bench, *, template, width):
    watched = open_page(template.format(**bench.names), signed_in=True, width=width)
    openers = watched.page.locator('[data-opens]:not([data-opens="keyboard"]):visible').all()
    assert openers
    for opener in openers:
        opener.click()
        fit_while_open(watched.page)
    assert watched.faults() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_of_keys_is_fit_to_be_used(open_page, width):
    watched = open_page("/", signed_in=True, width=width)
    watched.page.keyboard.press("?")
    fit_while_open(watched.page)
    assert watched.faults() == []
