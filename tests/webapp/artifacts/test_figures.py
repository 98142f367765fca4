"""What is left of a figure draws, and calls nobody."""

import json

import pytest

from webapp.artifacts.figures import Unsafe, clean


def test_an_honest_figure_stays_as_it_is():
    figure = {
        "data": [
            {"type": "scatter", "x": [1, 2], "y": [0.5, 0.25], "name": "loss <b>here</b>"},
            {"type": "sankey", "link": {"source": [0, 1], "target": [1, 2], "value": [3, 4]}},
            {"type": "heatmap", "z": [[1, None], [2, 3]], "hovertemplate": "%{z}<extra></extra>"},
        ],
        "layout": {"title": {"text": "ROC"}, "xaxis": {"title": "FPR"}},
    }
    assert clean(figure) == figure


def test_markup_but_emphasis_becomes_text():
    hostile = '<a href="https://evil.example">x</a><img src=x onerror=alert(1)><b onclick=x>y</b>'
    figure = clean({"data": [{"y": [1], "text": [hostile]}], "layout": {"title": hostile}})
    for text in (figure["data"][0]["text"][0], figure["layout"]["title"]):
        assert "<a" not in text
        assert "<img" not in text
        assert "<b " not in text


def test_what_would_call_another_host_is_left_out():
    address = "https://evil.example/x.png"
    figure = {
        "data": [{"type": "scatter", "y": [1], "geojson": address, "marker": {"source": address}}],
        "layout": {
            "images": [{"source": address}],
            "mapbox": {"style": address},
            "updatemenus": [{"buttons": [{"args": [{"images[0].source": address}]}]}],
            "sliders": [{"steps": [{"args": [{"images[0].source": address}]}]}],
            "images[0].source": address,
            "template": {"layout": {"images": [{"source": address}]}},
        },
        "frames": [{"layout": {"images": [{"source": address}]}}],
        "config": {"plotlyServerURL": address},
    }
    assert "evil" not in json.dumps(clean(figure))


def test_no_key_reaches_a_prototype():
    figure = json.loads('{"data": [{"y": [1], "__proto__": {"x": 1}, "constructor": {"a": 1}}]}')
    assert clean(figure)["data"] == [{"y": [1], "type": "scatter"}]


def test_traces_that_need_webgl_and_eval_are_drawn_as_svg():
    assert clean({"data": [{"type": "scattergl", "y": [1]}]})["data"][0]["type"] == "scatter"


@pytest.mark.parametrize(
    ("figure", "why"),
    [
        ([], "list `data`"),
        ({"data": {}}, "list `data`"),
        ({"data": [], "layout": []}, "`layout`"),
        ({"data": [5]}, "trace 0"),
        ({"data": [{"type": "scattermapbox"}]}, "scattermapbox"),
        ({"data": [{"type": "choropleth"}]}, "choropleth"),
        ({"data": [{"type": "splom"}]}, "splom"),
        ({"data": [{"type": ["scatter"]}]}, "trace 0"),
        ({"data": [{"type": "scatter"}] * 501}, "500"),
    ],
)
def test_what_is_no_figure_is_refused_by_name(figure, why):
    with pytest.raises(Unsafe, match=why):
        clean(figure)


def test_a_nest_without_end_is_refused():
    value: list = []
    for _ in range(50):
        value = [value]
    with pytest.raises(Unsafe, match="20 levels"):
        clean({"data": [{"y": value}]})


def test_numbers_that_json_cannot_hold_become_none():
    figure = clean(json.loads('{"data": [{"y": [NaN, Infinity, 1.5]}]}'))
    assert figure["data"][0]["y"] == [None, None, 1.5]
