"""The Markdown pages of docs/, shown in the app."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.pages import prose

FOLDER = Path(settings.BASE_DIR) / "docs"
FIRST = (
    "getting-started",
    "data-formats",
    "teams",
    "the-door",
    "api",
    "adding-a-method",
    "beyond-one-machine",
)


@dataclass(frozen=True)
class Page:
    slug: str
    title: str
    summary: str  # its first paragraph
    path: Path

    @property
    def address(self) -> str:
        """What its page is called in the app."""
        return f"results-{self.slug}" if self.path.parent.name == "results" else self.slug


def pages() -> list[Page]:
    """The pages in the order in which one reads them; results last."""
    found = {path.stem: _page(path) for path in sorted(FOLDER.glob("*.md"))}
    first = [found.pop(slug) for slug in FIRST if slug in found]
    return [*first, *found.values()]


def results() -> list[Page]:
    return [_page(path) for path in sorted((FOLDER / "results").glob("*.md"))]


def _page(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    paragraph = re.search(r"^[A-Za-z`*\[].*?(?=\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    summary = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", paragraph[0]) if paragraph else ""
    return Page(slug=path.stem, title=title[1] if title else path.stem, summary=summary, path=path)


@require_safe
@login_required
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "docs/docs.html", {"pages": pages(), "results": results()})


@require_safe
@login_required
def doc(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of docs/, or `results-<method>` for one of docs/results/.

    Figures of a page lie beside it as `<page>.<name>.json`: data, layout, title and unit.
    """
    known = {page.address: page.path for page in (*pages(), *results())}
    if slug not in known:
        raise Http404
    path = known[slug]
    shown = {
        "doc": prose.render(_linked(path.read_text(encoding="utf-8"))),
        "slug": slug,
        "figures": [
            json.loads(figure.read_text(encoding="utf-8"))
            for figure in sorted(path.parent.glob(f"{path.stem}.*.json"))
        ],
    }
    return render(request, "docs/doc.html", shown)


# Links between files, and where they lead in the app.
LINKS = (
    (r"(?:\./)?results/([a-z0-9_-]+)\.md", r"/docs/results-\1/"),
    (r"(?:\.\./)+engine/methods/([a-z0-9_]+)/README\.md", r"/methods/\1/"),
    (r"(?:\./|\.\./docs/)?([a-z0-9_-]+)\.md", r"/docs/\1/"),
)


def _linked(text: str) -> str:
    """Links between files become links between pages."""
    for file, page in LINKS:
        text = re.sub(rf"\]\({file}(#[^)]*)?\)", rf"]({page}\2)", text)
    return text
