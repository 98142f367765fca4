from __future__ import annotations

import re

import pytest
from django.urls import Resolver404, resolve

from webapp.pages.docs import pages

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
