"""Each layout of a table is read for what it says: cells as written, rows by their lines."""

from __future__ import annotations

import csv
import gzip
import io as streams
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.text import io
from engine.data.text.table import Texts
from tests.engine.data.making import folder_of, report_on, said, zip_of

ROWS = [("a fine film", "1"), ("dull , and long", "0"), ("a fine play", "1"), ("no good", "0")]
TEXTS = tuple(text for text, _ in ROWS)
LABELS = tuple(label for _, label in ROWS)


def load(tmp_path: Path, name: str, content: str | bytes) -> Texts:
    folder_of(tmp_path, {name: content})
    return io.load(tmp_path / name)


def parted(mark: str, *, header: str = "") -> str:
    return header + "".join(f"{text}{mark}{label}\n" for text, label in ROWS)


LAYOUTS = {
    "semicolon.csv": parted(";", header="text;label\n"),
    "bars.csv": parted("|", header="text|label\n"),
    "tabs.csv": parted("\t", header="text\tlabel\n"),
    "headed.tsv": parted("\t", header="text\tlabel\n"),
    "bare.tsv": parted("\t"),
    "bare.csv": parted(";"),
    "tabs.txt": parted("\t"),
    "headed.txt": parted(";", header="text;label\n"),
    "labelled.txt": "".join(f"{label} {text}\n" for text, label in ROWS),
    "lines.jsonl": "".join(json.dumps({"text": t, "label": x}) + "\n" for t, x in ROWS),
    "lines.txt": "".join(json.dumps({"text": t, "label": x}) + "\n" for t, x in ROWS),
    "array.json": json.dumps([{"text": t, "label": x} for t, x in ROWS], indent=1),
    "lines.json": "".join(json.dumps({"text": t, "label": x}) + "\n" for t, x in ROWS),
    "quoted.csv": "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in ROWS),
    "numbers.jsonl": "".join(f'{{"text": "{t}", "label": {x}}}\n' for t, x in ROWS),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("form", ["plain", "marked", "windows", "gzip"])
def test_every_layout_gives_the_same_table(tmp_path, name, form):
    content = LAYOUTS[name].encode()
    if form == "marked":
        content = b"\xef\xbb\xbf" + content
    if form == "windows":
        content = content.replace(b"\n", b"\r\n")
    if form == "gzip":
        name, content = f"{name}.gz", gzip.compress(content)
    found = load(tmp_path, name, content)
    assert (found.columns["text"], found.columns["label"]) == (TEXTS, LABELS)
    assert (found.roles.text, found.roles.label) == ("text", "label")
    assert found.rows == 4
    assert {part: rows.tolist() for part, rows in found.parts.items()} == {"train": [0, 1, 2, 3]}


def test_classes_of_another_look_are_labels_of_lines_too(tmp_path):
    trec = "DESC:manner How did it end ?\nENTY:cremat What film ?\n" * 2
    assert load(tmp_path, "trec.txt", trec).columns["label"][:2] == ("DESC:manner", "ENTY:cremat")
    fast = "__label__good so fine\n__label__bad so bad\n" * 2
    assert load(tmp_path, "fast.txt", fast).columns["text"][0] == "so fine"


@pytest.mark.parametrize(
    "text",
    [
        "Once upon a time there was a cat.\nOnce more it rained.\nOnce it snowed.\n",
        "1 Call me Ishmael\n2 Some years ago\n3 Having little money\n",
        "one line alone",
        "1984\n1985\n1986\n1987\n",
        "A, B; C\nwhat is this\n",
        "{ an open brace\n\n[ROMEO] speaks\n",
    ],
)
def test_other_lines_are_plain_text_as_written(tmp_path, text):
    found = load(tmp_path, "story.txt", text)
    assert list(found.columns) == ["text"]
    assert found.columns["text"] == tuple(line for line in text.split("\n") if line)
    assert found.roles.named() == {"text": "text"}


def test_a_row_is_named_by_the_line_it_begins_in(tmp_path):
    content = 'text,label\n"one\ntwo, and more",x\n\nthree,y\n'
    found = load(tmp_path, "a.csv", content)
    assert found.columns["text"] == ("one\ntwo, and more", "three")
    assert [found.place(row) for row in range(2)] == ["a.csv row 2", "a.csv row 5"]
    found = load(tmp_path, "a.jsonl", '\n{"text": "a"}\n\n{"text": "b"}\n')
    assert [found.place(row) for row in range(2)] == ["a.jsonl row 2", "a.jsonl row 4"]
    found = load(tmp_path, "a.json", '[{"text": "a"},\n\n{"text": "b"}]')
    assert [found.place(row) for row in range(2)] == ["a.json row 1", "a.json row 2"]


def test_places_go_on_over_files(tmp_path):
    files = {"test.csv": "text,label\nc,1\n", "train.csv": "text,label\na,1\nb,0\n"}
    found = io.load(folder_of(tmp_path / "t", files))
    places = {found.columns["text"][row]: found.place(row) for row in range(3)}
    assert places == {"a": "train.csv row 2", "b": "train.csv row 3", "c": "test.csv row 2"}
    assert [found.columns["text"][row] for row in found.parts["test"]] == ["c"]


def test_words_that_other_readers_take_for_no_cell_stay_words(tmp_path):
    found = load(tmp_path, "a.csv", "text,label\nNA,null\nnan,None\n,NULL\n")
    assert found.columns == {"text": ("NA", "nan", ""), "label": ("null", "None", "NULL")}


def test_json_cells_are_texts(tmp_path):
    record = '{"a": null, "b": true, "c": 2, "d": 2.50, "e": "é\\n", "f": {"g": [1, "ü"]}}\n'
    found = load(tmp_path, "a.jsonl", record)
    assert found.columns == {
        "a": ("",),
        "b": ("true",),
        "c": ("2",),
        "d": ("2.5",),
        "e": ("é\n",),
        "f": ('{"g": [1, "ü"]}',),
    }


def test_a_field_that_some_rows_lack_is_empty_there(tmp_path):
    found = load(tmp_path, "a.jsonl", '{"text": "a"}\n{"text": "b", "note": "n"}\n')
    assert found.columns == {"text": ("a", "b"), "note": ("", "n")}


# Quotes


def test_quotes_that_do_not_pair_are_letters_where_every_row_has_its_cells_so(tmp_path):
    rows = 'Quality\t#1 String\t#2 String\n1\t"Yes," he said\tHe said "yes"\n0\t"No\tno\n'
    folder_of(tmp_path, {"m.txt": rows})
    report = report_on(io, tmp_path / "m.txt")
    assert "quotes are read as letters, since every row has 3 cells so (row 2: a quote is" in said(
        report, "ok"
    )
    found = io.load(tmp_path / "m.txt")
    assert found.columns["#1 String"] == ('"Yes," he said', '"No')
    assert found.columns["#2 String"] == ('He said "yes"', "no")


def test_a_quote_that_closes_rows_below_swallows_no_row(tmp_path):
    """Both readings have two cells in each row; a line with the right number of tabs is a row."""
    found = load(tmp_path, "m.tsv", 'text\tlabel\n"once\t1\nand\t0\nmore"\t1\nlast\t0\n')
    assert found.columns["text"] == ('"once', "and", 'more"', "last")


def test_quotes_part_where_they_are_needed(tmp_path):
    found = load(tmp_path, "m.csv", 'text,label\n"a ""b"", c",1\n"d\ne",0\nf,1\n')
    assert found.columns["text"] == ('a "b", c', "d\ne", "f")


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ('"so, good"\n"so; bad, too"\n', ("so, good", "so; bad, too")),
        ('text\n"so, good"\n', ("so, good",)),
        ("text\nso, good\nbad\n", ("so, good", "bad")),
        ('text\nso "good"\n"so" bad\n', ('so "good"', '"so" bad')),
    ],
)
def test_one_column_may_hold_separators(tmp_path, content, texts):
    assert load(tmp_path, "a.csv", content).columns == {"text": texts}


def test_a_cell_may_be_longer_than_the_csv_module_takes_by_itself(tmp_path):
    before = csv.field_size_limit()
    long = "word " * 60_000
    found = load(tmp_path, "a.csv", f'text,label\n"{long}",1\nshort,0\n')
    assert found.columns["text"][0] == long
    assert csv.field_size_limit() == before


cells = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t\"',;|"), max_size=12
).filter(lambda text: text.strip() and "\ufeff" not in text)
tables = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=6
    )
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(table=tables, mark=st.sampled_from(",;\t|"))
def test_what_the_csv_module_writes_with_all_quotes_is_read_back(tmp_path_factory, table, mark):
    names = ["text", "label", "one", "two"][: len(table[0])]
    written = streams.StringIO()
    csv.writer(written, delimiter=mark, quoting=csv.QUOTE_ALL).writerows([names, *table])
    path = tmp_path_factory.mktemp("t") / "a.csv"
    path.write_bytes(written.getvalue().encode())
    found = io.load(path)
    assert [list(row) for row in zip(*found.columns.values(), strict=True)] == table


@settings(max_examples=100, deadline=None)
@given(table=tables, escaped=st.booleans())
def test_what_the_json_module_writes_is_read_back(tmp_path_factory, table, escaped):
    names = ["text", "label", "one", "two"][: len(table[0])]
    lines = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=escaped) for row in table]
    path = tmp_path_factory.mktemp("t") / "a.jsonl"
    path.write_bytes("\n".join(lines).encode())
    found = io.load(path)
    assert [list(row) for row in zip(*found.columns.values(), strict=True)] == table


# Headers


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("toxic\tneutral\nyou fool\tyou\nbad man\tman\n", ["toxic", "neutral"]),
        ("phrase\tscore\nso good\t0.9\nso bad\t0.1\n", ["phrase", "score"]),
        ("\tphrase\nrow\tso good\nline\tso bad\n", ["column_1", "phrase"]),
        (" Text \tlabel\nso good\t1\n", ["Text", "label"]),
        ("label\ttext\n1\tlabel\n0\ttext\n", ["label", "text"]),
    ],
)
def test_a_first_row_that_looks_unlike_the_others_is_a_header(tmp_path, content, names):
    found = load(tmp_path, "a.tsv", content)
    assert list(found.columns) == names
    assert found.rows == content.count("\n") - 1


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("so good\t0.9\nso bad\t0.1\n", ["text", "column_2"]),
        ("yes\tso good\nno\tso bad\nyes\tit is\nno\tit may be\n", ["label", "text"]),
        ("so good\tso good\nso bad\tawful it is\n", ["text", "text2"]),
        ("it is a very fine day\tthere\nso bad\there\n", ["text", "column_2"]),
        ("a\t\tso good\nb\tc\tso bad\n", ["column_1", "column_2", "text"]),
    ],
)
def test_a_first_row_like_the_others_is_a_row(tmp_path, content, names):
    found = load(tmp_path, "a.tsv", content)
    assert list(found.columns) == names
    assert found.rows == content.count("\n")


# Parts


PARTS = {
    "train": "text,label\na,1\nb,0\nc,1\n",
    "dev": "text,label\nd,0\n",
    "test": "text,label\ne,1\n",
}


@pytest.mark.parametrize(
    "names",
    [
        ("train.csv", "dev.csv", "test.csv"),
        ("sst2/train.csv", "sst2/valid.csv", "sst2/test.csv"),
        ("mrpc_train.csv", "mrpc_val.csv", "mrpc-test.csv"),
        ("Train/data.csv", "Validation/data.csv", "Test/data.csv"),
        ("train-00000-of-00001.csv", "validation-00000-of-00001.csv", "test-00000-of-00001.csv"),
    ],
)
@pytest.mark.parametrize("make", [zip_of, folder_of])
def test_names_tell_parts(tmp_path, names, make):
    files = dict(zip(names, PARTS.values(), strict=True)) | {"README.md": "x", "README.txt": "y"}
    found = io.load(make(tmp_path / "t.zip", files))
    texts = {
        part: [found.columns["text"][row] for row in rows] for part, rows in found.parts.items()
    }
    assert texts == {"train": ["a", "b", "c"], "dev": ["d"], "test": ["e"]}
    assert list(found.parts) == ["train", "dev", "test"]
    assert all(rows.dtype == np.int64 for rows in found.parts.values())


def test_shards_of_a_part_are_joined(tmp_path):
    files = {f"train-{at}.jsonl": f'{{"text": "{at}"}}' for at in range(3)}
    found = io.load(folder_of(tmp_path / "t", files))
    assert found.columns["text"] == ("0", "1", "2")
    assert found.parts["train"].tolist() == [0, 1, 2]


def test_a_table_alone_is_train_whatever_it_is_called(tmp_path):
    assert list(load(tmp_path, "test.csv", PARTS["test"]).parts) == ["train"]


def test_tables_of_no_part_beside_some_of_parts_are_left_out_and_named(tmp_path):
    path = folder_of(
        tmp_path / "t", {"train.csv": PARTS["train"], "test.csv": PARTS["test"], "more.csv": "q\n"}
    )
    assert "more.csv" in said(report_on(io, path), "warning")
    assert io.load(path).rows == 4


# Labels


@pytest.mark.parametrize(
    ("written", "classes"),
    [
        (("10", "9", "-1"), ("-1", "9", "10")),
        (("b", "a", "10"), ("10", "a", "b")),
        ((" 1", "1 ", "0"), ("0", "1")),
        (("1", "", "0"), ("0", "1")),
    ],
)
def test_classes_are_ordered_as_people_count(tmp_path, written, classes):
    rows = "".join(f"some words,{label}\n" for label in written)
    labels = load(tmp_path, "a.csv", "text,label\n" + rows).labels("label")
    assert labels.classes == classes
    told = [classes[code] if code >= 0 else "" for code in labels.codes]
    assert told == [label.strip() for label in written]
