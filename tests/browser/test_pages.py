"""Every page in a real Chromium: axe-core, both themes, two widths, no error, no breach."""

from __future__ import annotations

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.browser.conftest import axe
from tests.browser.stage import SECRET

pytestmark = pytest.mark.browser

SIGNED_OUT = {"sign-in": "/sign-in/", "link": f"/link/{SECRET}/"}
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
    "job-retry", "job-resume", "job-delete", "job-edit", "dataset-edit", "dataset-delete",
    "version-download", "artifact-download", "artifact-raw", "group-edit",
}  # fmt: skip
NO_WALK = ("api/v1/",)  # except its documentation


def names(resolver: URLResolver, before: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            if not path.startswith(NO_WALK):
                found.add(pattern.name)
        else:
            found |= names(pattern, path)
    return found


def test_every_address_is_looked_at_or_is_no_page():
    listed = set(PAGES) | set(SIGNED_OUT) | NO_PAGES
    assert names(get_resolver()) - listed == set()


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
REFUSALS = {"missing": 404, "jobs, wrong query": 422}


def look(watched, *, status: int = 200) -> None:
    page = watched.page
    page.wait_for_load_state("networkidle")
    assert page.evaluate(WIDER) == [], "the page scrolls sideways"
    assert axe(page) == []
    own = f"status of {status} "
    assert [fault for fault in watched.faults() if own not in fault or status == 200] == []


@pytest.mark.parametrize(("width", "theme"), [(320, "dark"), (1280, "light")])
@pytest.mark.parametrize("name", [*PAGES, *MORE])
def test_a_page_is_fit_to_be_used(open_page, bench, *, name, width, theme):
    template = PAGES.get(name) or MORE[name]
    watched = open_page(template.format(**bench.names), signed_in=True, width=width, theme=theme)
    look(watched, status=REFUSALS.get(name, 200))


@pytest.mark.parametrize(("width", "theme"), [(320, "light"), (1280, "dark")])
@pytest.mark.parametrize("name", SIGNED_OUT)
def test_a_page_before_the_sign_in_is_fit_to_be_used(open_page, *, name, width, theme):
    look(open_page(SIGNED_OUT[name], width=width, theme=theme))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "template", ["/", "/jobs/{done}/", "/datasets/{dataset}/", "/teams/{team}/"]
)
def test_open_dialogs_are_fit_to_be_used(open_page, bench, *, template, theme):
    watched = open_page(template.format(**bench.names), signed_in=True, theme=theme)
    openers = watched.page.locator("[data-opens]")
    seen = 0
    for opener in openers.all():
        if not opener.is_visible():
            continue
        opener.click()
        dialog = watched.page.locator("dialog[open]")
        dialog.wait_for()
        assert axe(watched.page) == []
        watched.page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")
        seen += 1
    assert seen
    assert watched.faults() == []
