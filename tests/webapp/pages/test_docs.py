from __future__ import annotations

import json
import re

import pytest
from django.urls import Resolver404, resolve

from webapp.artifacts.figures import clean
from webapp.pages.docs import FOLDER, pages, results

pytestmark = pytest.mark.django_db


def test_every_page_of_the_folder_is_listed_and_opens(client_of, viewer):
    client = client_of(viewer)
    index = client.get("/docs/").content.decode()
    for page in pages():
        assert f"/docs/{page.slug}/" in index
        shown = client.get(f"/docs/{page.slug}/")
        assert shown.status_code == 200
        assert "<h1 id=" in shown.content.decode()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.slug)
def test_links_inside_a_page_lead_somewhere(client_of, viewer, page):
    html = client_of(viewer).get(f"/docs/{page.slug}/").content.decode()
    for address in re.findall(r"<article.*?</article>", html, re.DOTALL)[0].split('href="')[1:]:
        target = address.split('"')[0]
        if target.startswith("/"):
            try:
                resolve(target.split("#")[0].split("?")[0])
            except Resolver404:
                pytest.fail(f"docs/{page.slug}.md links to {target}, which is no page")


@pytest.mark.parametrize("slug", ["nothing", "results-nothing", "..", "settings"])
def test_nothing_but_the_folders_pages_is_shown(client_of, viewer, slug):
    assert client_of(viewer).get(f"/docs/{slug}/").status_code == 404


@pytest.mark.parametrize("page", results(), ids=lambda page: page.slug)
def test_figures_beside_a_page_of_results_are_drawn_on_it(client_of, viewer, page):
    html = client_of(viewer).get(f"/docs/{page.address}/").content.decode()
    found = re.findall(r'<script id="figure-\d" type="application/json">(.*?)<', html)
    assert len(found) == len(list(page.path.parent.glob(f"{page.slug}.*.json")))
    for figure in map(json.loads, found):
        assert figure["title"]
        assert figure["data"] == clean(figure)["data"]
        assert all(trace["x"] and len(trace["x"]) == len(trace["y"]) for trace in figure["data"])


def test_the_ablation_of_gagn_is_among_the_figures():
    figure = json.loads((FOLDER / "results/gagn.ablation.json").read_text())
    assert len(figure["data"]) == 4
    assert len(figure["data"][0]["x"]) == 7


def test_a_methods_page_leads_to_what_was_measured_of_it_and_of_no_other(client_of, viewer):
    client, led = client_of(viewer), {}
    for slug in ("gagn", "fake"):
        html = client.get(f"/methods/{slug}/").content.decode()
        led[slug] = set(re.findall(r'href="/docs/(results-[^"]+)/"', html))
    assert {"results-gagn", "results-gagn-defences"} <= led["gagn"]
    assert led["fake"] == set()
