"""The preview shows the rows, the classes and the lengths of the table that was loaded."""

from __future__ import annotations

import json
from collections import Counter

from engine.data.kind import check, kind
from engine.data.text import io, picture
from tests.engine.data.making import folder_of, zip_of


def test_bars_and_rows_are_those_of_the_parts(tmp_path):
    rows = [("one two", "b"), ("three", "a"), ("four", "b")] * 20
    table = "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)
    files = {"train.csv": table, "test.csv": "text,label\nfive,a\n"}
    answer = check(kind("text"), zip_of(tmp_path / "t.zip", files))
    assert {*answer["facts"]} == {fact.key for fact in kind("text").facts}
    json.dumps(answer, allow_nan=False)
    classes, lengths = (one["figure"] for one in answer["preview"]["figures"])
    assert [(one["name"], one["x"], one["y"]) for one in classes["data"]] == [
        ("train", ["a", "b"], [20, 40]),
        ("test", ["a", "b"], [1, 0]),
    ]
    counted: Counter[float] = Counter()
    for trace in lengths["data"]:
        counted.update({x: y for x, y in zip(trace["x"], trace["y"], strict=True) if y})
    assert counted == {7.5: 20, 5.5: 20, 4.5: 21}
    train, test = answer["preview"]["tables"]
    assert (train["title"], len(train["rows"])) == ("train, the first 12 of 60 rows", 12)
    assert test == {
        "title": "test, the first 1 of 1 rows",
        "columns": ["row", "text", "label"],
        "rows": [["test.csv row 2", "five", "a"]],
    }


def test_many_classes_many_columns_and_long_cells_are_cut(tmp_path):
    names = ["text", "label", *(f"c{at}" for at in range(30))]
    records = [
        dict.fromkeys(names, "x") | {"text": "word " * 99, "label": f"class {at % 50}"}
        for at in range(100)
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    shown = io.preview(folder_of(tmp_path, {"a.jsonl": lines}) / "a.jsonl")
    bars = shown["figures"][0]["figure"]["data"][0]
    assert (len(bars["x"]), bars["x"][-1], sum(bars["y"])) == (31, "20 other", 100)
    (table,) = shown["tables"]
    assert table["title"] == "train, the first 12 of 100 rows, 12 of 32 columns"
    assert len(table["columns"]) == len(table["rows"][0]) == 13
    assert len(table["rows"][0][1]) == picture.LONGEST


def test_one_long_text_does_not_flatten_the_lengths(tmp_path):
    lines = "a few words\n" * 4000 + "x" * 100_000 + "\n"
    figure = io.preview(folder_of(tmp_path, {"a.txt": lines}) / "a.txt")["figures"][0]["figure"]
    assert max(figure["data"][0]["x"]) < 100
    assert sum(figure["data"][0]["y"]) == 4001
    assert "up to 100,000" in figure["layout"]["xaxis"]["title"]["text"]
