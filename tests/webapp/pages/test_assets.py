"""What no template, style or script of ours may hold. Read as text: nothing escapes a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static/css").rglob("*.css"))
SCRIPTS = sorted((ROOT / "static/js").rglob("*.js"))
DRAWINGS = sorted((ROOT / "static").rglob("*.svg"))
NAMESPACE = "http://www.w3.org/2000/svg"  # a name, never fetched


def lines(paths: list[Path], pattern: str) -> list[str]:
    found = re.compile(pattern, re.IGNORECASE)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if found.search(line.replace(NAMESPACE, ""))
    ]


def test_there_is_something_to_read():
    assert len(TEMPLATES) > 20
    assert len(STYLES) >= 5
    assert len(SCRIPTS) > 10


@pytest.mark.parametrize("paths", [TEMPLATES, STYLES, SCRIPTS, DRAWINGS], ids=len)
def test_no_file_names_a_foreign_host(paths):
    # Examples in placeholders and prose may name example.org, which nobody owns.
    assert lines(paths, r"(https?:)?//(?!example\.org)[a-z0-9-]+\.[a-z]{2,}") == []


def test_templates_hold_no_script_style_or_handler_of_their_own():
    assert lines(TEMPLATES, r"<script(?![^>]*\bsrc=)") == []
    assert lines(TEMPLATES, r"<style\b|\sstyle=") == []
    assert lines(TEMPLATES, r"\son[a-z]+\s*=\s*[\"']") == []
    assert lines(TEMPLATES, r"\|\s*safe\b|autoescape off") == []


def test_styles_need_no_force_and_no_ids():
    assert lines(STYLES, r"!important") == []
    assert lines(STYLES, r"^\s*#[a-z]") == []
    assert lines(STYLES, r"\b(margin|padding|border)-(left|right|top|bottom)\b") == []


def test_scripts_never_make_code_out_of_text():
    assert lines(SCRIPTS, r"\beval\(|new Function\(|document\.write\(") == []


def test_only_sans_serif_and_mono_of_our_own_are_loaded():
    fonts = sorted(path.name for path in (ROOT / "static/fonts").glob("*.woff2"))
    assert fonts == ["inter-greek.woff2", "inter-latin.woff2", "jetbrains-mono-latin.woff2"]
    for licence in ("Inter-OFL.txt", "JetBrainsMono-OFL.txt"):
        text = (ROOT / "static/fonts" / licence).read_text(encoding="utf-8")
        assert "SIL OPEN FONT LICENSE Version 1.1" in text


def test_every_icon_that_a_template_names_is_drawn():
    drawn = set(
        re.findall(r'<symbol id="([a-z-]+)"', (ROOT / "static/icons/sprite.svg").read_text())
    )
    named = {
        name
        for path in TEMPLATES
        for name in re.findall(r'{% icon "([a-z-]+)"', path.read_text(encoding="utf-8"))
    }
    assert named - drawn == set()
