"""charts.js in a real Chromium, under the policy that every page of ours has."""

from __future__ import annotations

import json

import pytest

from webapp.middleware import POLICY

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en" data-theme="auto"><head>
<meta charset="utf-8"><title>x</title>
<script src="/static/js/theme.js"></script>
<link rel="stylesheet" href="/static/css/tokens.css">
<link rel="stylesheet" href="/static/css/base.css">
<link rel="stylesheet" href="/static/css/components.css">
<link rel="stylesheet" href="/static/css/charts.css">
<script src="/static/vendor/plotly.min.js" defer></script>
<script type="module" src="/static/js/charts.js"></script></head>
<body><button data-theme-choice="dark">dark</button>
<script type="application/json" id="one">%s</script>
<figure class="chart" data-figure="one"></figure></body></html>"""

LOSS = {
    "title": "Loss",
    "unit": "nats",
    "data": [
        {"x": [0, 1, 2, 3], "y": [2.0, 1.5, 1.25, 1.0], "name": "train", "mode": "lines"},
        {"x": [0, 1, 2], "y": [2.1, 1.6, None], "name": "<b>=val</b>", "mode": "lines"},
    ],
    "layout": {"xaxis": {"title": "step"}, "template": {"data": {}}},
}


@pytest.fixture
def drawn(open_page):
    """A page with one figure, drawn."""

    def make(figure: dict = LOSS, **options):
        watched = open_page(**options)
        watched.page.route(
            "**/figure",
            lambda route: route.fulfill(
                body=PAGE % json.dumps(figure).replace("<", "\\u003c"),
                content_type="text/html",
                headers={"Content-Security-Policy": POLICY},
            ),
        )
        watched.page.goto("/figure")
        watched.page.locator(".chart-plot .main-svg").first.wait_for()
        return watched

    return make


PLOT = "document.querySelector('.chart-plot')"


def chart(page):
    return page.locator("figure.chart")


def test_a_figure_is_drawn_by_itself_and_exposes_its_trace(drawn):
    watched = drawn()
    assert chart(watched.page).evaluate("f => Array.from(f.data[0].y)") == [2.0, 1.5, 1.25, 1.0]
    assert "Loss nats" in chart(watched.page).locator("figcaption").inner_text()
    assert watched.faults() == []


@pytest.mark.parametrize(
    "trace",
    [
        {"type": "bar", "x": ["a", "b"], "y": [1, 2]},
        {"type": "heatmap", "z": [[1, 2], [3, 4]]},
        {"type": "histogram", "x": [1, 2, 2, 3]},
        {"type": "box", "y": [1, 2, 3]},
        {
            "type": "sankey",
            "node": {"label": ["kept", "cut"]},
            "link": {"source": [0], "target": [1], "value": [3]},
        },
    ],
    ids=lambda trace: trace["type"],
)
def test_svg_traces_keep_the_policy(drawn, trace):
    watched = drawn({"title": "T", "data": [trace], "layout": {}})
    assert watched.faults() == []


def test_the_table_has_the_numbers_of_all_series_by_step(drawn):
    page = drawn().page
    page.get_by_role("button", name="Table").click()
    rows = page.locator(".chart-table tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [
        ["step", "train", "<b>=val</b>"],
        ["0", "2", "2.1"],
        ["1", "1.5", "1.6"],
        ["2", "1.25", "–"],
        ["3", "1", "–"],
    ]


def test_the_csv_marks_what_a_spreadsheet_could_run(drawn):
    figure = {"title": "T", "data": [{"x": ["=1+1", "b"], "y": [1, 2]}], "layout": {}}
    page = drawn(figure).page
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "t.csv"
    assert download.value.path().read_bytes().decode() == "x,y\n'=1+1,1\nb,2\n".replace(
        "\n", "\r\n"
    )


@pytest.mark.parametrize(("word", "head"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_pictures_are_saved(drawn, word, head):
    watched = drawn()
    with watched.page.expect_download() as download:
        watched.page.get_by_role("button", name=word).click()
    assert download.value.path().read_bytes().startswith(head)
    assert watched.faults() == []


def test_the_keyboard_steps_zooms_and_shows_the_table(drawn):
    page = drawn().page
    plot = page.locator(".chart-plot")
    plot.focus()
    plot.press("ArrowRight")
    plot.press("ArrowRight")
    assert page.get_by_role("status").inner_text() == "train, 1: 1.5"
    before = plot.evaluate("p => p.layout.xaxis.range[1] - p.layout.xaxis.range[0]")
    plot.press("+")
    after = plot.evaluate("p => p.layout.xaxis.range[1] - p.layout.xaxis.range[0]")
    assert after == pytest.approx(before * 0.7)
    plot.press("t")
    assert page.locator(".chart-table").is_visible()


def test_the_theme_redraws_with_its_own_colours(drawn):
    page = drawn(theme="light").page
    read = "f => f.data[0].line.color"
    assert chart(page).evaluate(read) == "rgb(184, 122, 0)"
    page.get_by_role("button", name="dark").click()
    assert chart(page).evaluate(read) == "rgb(230, 159, 0)"


def test_names_are_shown_as_written(drawn):
    page = drawn().page
    assert page.locator(".legendtext").all_text_contents()[1] == "<b>=val</b>"


def test_a_curve_of_one_value_is_shown_close_by(drawn):
    data = [{"x": [0, 1, 2], "y": [0.5, None, 0.5], "mode": "lines"}]
    page = drawn({"title": "T", "data": data, "layout": {}}).page
    assert page.evaluate(f"{PLOT}._fullLayout.yaxis.range") == pytest.approx([0.45, 0.55])


def test_a_figure_is_as_high_as_it_asks_for(drawn):
    page = drawn(LOSS | {"layout": {"height": 432}}).page
    assert page.locator(".chart-plot").bounding_box()["height"] == 432
    assert page.evaluate(f"{PLOT}._fullLayout.height") == 432


def test_a_name_of_one_word_breaks_at_its_joints(drawn):
    watched = drawn(LOSS | {"title": "cell.metattack.rate20.gcn_jaccard.test_accuracy"}, width=320)
    title = watched.page.locator("figcaption")
    assert title.inner_text() == "cell.metattack.rate20.gcn_jaccard.test_accuracy nats"
    assert title.locator("wbr").count() == 6
    actions = watched.page.locator(".chart-actions")
    below = title.bounding_box()["y"] + title.bounding_box()["height"]
    assert actions.bounding_box()["y"] >= below - 1


def test_many_updates_make_few_drawings(drawn):
    page = drawn().page
    drawings = page.evaluate(
        """async () => {
          const { chart } = await import("/static/js/charts.js");
          const element = document.createElement("figure");
          document.body.append(element);
          const made = chart(element, { title: "Live", traces: [{ x: [0], y: [0] }] });
          const own = window.Plotly.react;
          let count = 0;
          window.Plotly.react = (...all) => { count += 1; return own(...all); };
          for (let at = 1; at <= 50; at++) {
            made.extend({ x: [[at]], y: [[at * at]] }, [0]);
            await new Promise((go) => setTimeout(go, 10));
          }
          await new Promise((go) => setTimeout(go, 600));
          return { count, length: element.data[0].x.length };
        }"""
    )
    assert drawings["length"] == 51
    assert 1 <= drawings["count"] <= 6


def test_a_jobs_colour_is_the_same_in_python_and_in_the_browser(drawn):
    from webapp.ids import new_id
    from webapp.templatetags.bench import slot

    ids = [new_id() for _ in range(20)]
    found = drawn().page.evaluate(
        """async (ids) => {
          const { ofJob } = await import("/static/js/palette.js");
          return ids.map((id) => ofJob(id) + 1);
        }""",
        ids,
    )
    assert found == [slot(one) for one in ids]


def test_jobs_that_share_a_colour_differ_by_their_dash(drawn):
    from webapp.ids import new_id
    from webapp.templatetags.bench import slot

    first = new_id()
    second = next(one for one in iter(new_id, None) if slot(one) == slot(first))
    trace = {"x": [0, 1], "y": [0, 1], "mode": "lines"}
    traces = [{**trace, "job": first}, {**trace, "job": second}, {**trace, "job": first}]
    page = drawn({"title": "T", "data": traces, "layout": {}}).page
    lines = chart(page).evaluate("f => f.data.map((trace) => [trace.line.color, trace.line.dash])")
    assert len({colour for colour, _ in lines}) == 1
    assert [dash for _, dash in lines] == ["solid", "dash", "solid"]
