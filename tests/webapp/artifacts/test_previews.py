"""What a page shows of an artifact, by its kind and within bounds."""

import json

import pytest

from webapp.artifacts import previews
from webapp.artifacts.previews import preview

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("media", "data", "kind"),
    [
        ("text/plain", "hello", "text"),
        ("text/plain; charset=utf-8", "hello", "text"),
        ("Text/CSV", "a,b\n1,2\n", "table"),
        ("application/json", "{}", "json"),
        ("application/vnd.plotly.v1+json", '{"data": []}', "figure"),
        ("application/vnd.plotly.v1+json", "[]", "none"),
        ("application/octet-stream", "\0", "none"),
        ("", "", "none"),
    ],
)
def test_the_media_type_chooses(make_artifact, media, data, kind):
    assert preview(make_artifact(data, media=media)).kind == kind


def test_a_table_tells_numbers_from_words(make_artifact):
    shown = preview(make_artifact("name,score\nmlp,0.5\n", media="text/csv")).content
    assert [cell["text"] for cell in shown["columns"]] == ["name", "score"]
    assert [cell["number"] for cell in shown["rows"][0]] == [False, True]


def test_a_wide_or_long_cell_is_cut(make_artifact):
    data = ",".join(f"c{at}" for at in range(100)) + "\n" + "x" * 1000 + "\n"
    shown = preview(make_artifact(data, media="text/csv"))
    assert "the first 60 of 100 columns" in shown.note
    assert len(shown.content["rows"][0][0]["text"]) == previews.CELL + 1


def test_a_field_without_end_is_no_table(make_artifact):
    shown = preview(make_artifact('a\n"' + "x" * 200_000, media="text/csv"))
    assert (shown.kind, "field" in shown.note) == ("none", True)


def test_bytes_that_are_no_text_do_no_harm(make_artifact):
    for media in ("text/plain", "text/csv", "application/json"):
        assert preview(make_artifact(bytes(range(256)) * 40, media=media)).kind in ("text", "table")


def test_a_long_text_is_cut_at_a_line(make_artifact):
    data = "".join(f"line {at}\n" for at in range(100_000))
    shown = preview(make_artifact(data))
    assert shown.content["text"].endswith("\n")
    assert len(shown.content["text"]) <= previews.TEXT
    assert "bytes are shown" in shown.note


def test_characters_that_turn_the_reading_are_seen(make_artifact):
    assert preview(make_artifact("a\u202eb\x1bc")).content["text"] == "a\ufffdb\ufffdc"


def test_json_folds_below_two_levels(make_artifact):
    data = json.dumps({"a": {"b": {"c": [1, None, "x"]}}})
    root = preview(make_artifact(data, media="application/json")).content["root"]
    first = root["items"][0]
    assert (root["size"], first["key"], first["open"]) == ("{1}", "a", True)
    assert first["items"][0]["open"] is False
    leaves = first["items"][0]["items"][0]["items"]
    assert [leaf["text"] for leaf in leaves] == ["1", "null", '"x"']


def test_json_of_many_or_deep_values_is_cut(make_artifact):
    wide = preview(make_artifact(json.dumps(list(range(10_000))), media="application/json"))
    assert len(wide.content["root"]["items"]) < previews.NODES
    assert "are shown" in wide.note
    deep = preview(make_artifact("[" * 50 + "]" * 50, media="application/json"))
    assert "are shown" in deep.note


@pytest.mark.parametrize("data", ["[" * 100_000, "{", '{"a": 1' + "0" * 5000 + "}", "nothing"])
def test_broken_json_is_shown_as_text(make_artifact, data):
    shown = preview(make_artifact(data, media="application/json"))
    assert shown.kind == "text"
    assert "Shown as text" in shown.note


def test_json_beyond_the_limit_is_shown_as_text(make_artifact, monkeypatch):
    monkeypatch.setattr(previews, "MOST", 100)
    shown = preview(make_artifact(json.dumps(["x" * 200]), media="application/json"))
    assert (shown.kind, "at most 100" in shown.note) == ("text", True)
