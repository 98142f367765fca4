from __future__ import annotations

import pytest

from webapp.pages.prose import render
from webapp.templatetags.bench import markdown


def test_html_in_the_text_is_shown_and_not_obeyed():
    html = render("<script>alert(1)</script> <b onclick=x>bold</b>").html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<b " not in html


def test_prose_inside_a_page_takes_no_heading_and_no_name_from_it():
    html = markdown("# main\n\n## 日本")
    assert html == "<h4>main</h4>\n<h5>日本</h5>\n"


def test_a_link_that_would_run_a_script_is_no_link():
    assert "<a" not in render("[x](javascript:alert(1))").html


@pytest.mark.parametrize(
    "address", ["http://foreign/x.png", "HTTPS://foreign/x", "//foreign/x.png", "/sign-out/"]
)
def test_an_image_from_elsewhere_is_a_link(address):
    html = render(f"![a *plan*]({address})").html
    assert "<img" not in html
    assert f'<a href="{address}" rel="noreferrer">a plan</a>' in html


@pytest.mark.parametrize(
    "text",
    [
        "![](http://foreign/x.png)",
        "![x][1]\n\n[1]: http://foreign/x.png",
        "![x](data:image/png;base64,AAAA)",
        "![x](\\\\foreign/x.png)",
        "[![x](http://foreign/x.png)](page.md)",
    ],
)
def test_no_way_of_writing_one_loads_it(text):
    assert "<img" not in render(text).html


def test_an_image_without_words_shows_its_address():
    assert ">http://foreign/x.png</a>" in render("![](http://foreign/x.png)").html


def test_an_image_beside_the_text_is_shown():
    assert '<img src="figure.png" alt="a plan"' in render("![a plan](figure.png)").html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("$\\tau$", '<span class="math">τ</span>'),
        ("$x_{ij}^2$", '<span class="math">x<sub>ij</sub><sup>2</sup></span>'),
        ("$a<b$", '<span class="math">a&lt;b</span>'),
        ("$\\mathbf{W}_1$", '<span class="math">W<sub>1</sub></span>'),
        ("$\\unknownsign$", '<span class="math">\\unknownsign</span>'),
    ],
)
def test_simple_formulas_are_set_with_their_signs(text, html):
    assert html in render(text).html


def test_prices_are_no_formulas():
    assert "math" not in render("It costs $5 and then $6.").html


def test_an_equation_of_several_lines_is_one_block():
    html = render("before\n\n$$\na = b\n+ c\n$$\n\nafter").html
    assert '<div class="equation math">a = b\n+ c</div>' in html
    assert "<p>after</p>" in html


def test_an_equation_that_never_ends_stays_text():
    assert "equation" not in render("$$ a = b\n\nmore").html


def test_headings_have_anchors_and_the_first_is_the_title():
    prose = render("# The title\n\n## Part one: `x`\n")
    assert prose.title == "The title"
    assert prose.headings[1].anchor == "part-one-x"
    assert '<h2 id="part-one-x">' in prose.html
