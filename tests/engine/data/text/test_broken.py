"""What is wrong with a table is told with its row; what is only odd is counted, with first rows."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

import pytest

from engine.core.errors import UserError
from engine.data.archive import Limits
from engine.data.text import delimited, files, io, sheet
from tests.engine.data.making import folder_of, report_on, said, zip_of

GOOD = '{"text": "a b", "label": "x"}\n{"text": "c d", "label": "y"}\n'


def reported(tmp_path: Path, name: str, content: str | bytes, level: str) -> str:
    folder_of(tmp_path, {name: content})
    report = report_on(io, tmp_path / name)
    assert report.failed == (level == "error")
    return said(report, level)


ERRORS = [
    ("a.csv", b"", "a.csv: empty; expected at least one row of text"),
    ("a.txt", b"\n \r\n\n", "a.txt: empty; expected at least one row of text"),
    ("a.csv", b"text,label\n", "row 1: a header and nothing below"),
    ("a.csv", b"\n\ntext,label\n\n", "row 3: a header and nothing below"),
    ("a.csv", b",\n,\n", "no cell with anything in it; expected a row of text"),
    ("a.csv", b"text,label\na,1\nb\n", "row 3: 1 cell; expected 2 as in row 1"),
    ("a.csv", b"text,label\na,1\nb,2,3\n", "row 3: 3 cells; expected 2 as in row 1"),
    ("a.csv", b'text,label\n"a, b",1\n"c, d,2\n', "row 3: a quote is opened and never closed"),
    ("a.csv", b'text,label\n"a, b",1\n"c, d"e,2\n', "row 3: a quote is closed inside of a cell"),
    ("a.csv", b"text,text\na,b\n", "column text is there twice"),
    ("a.csv", b"text,label\na\0,1\n", "row 2: a NUL byte"),
    ("a.csv", "text,label\na,1\n".encode("utf-16"), "UTF-16; expected UTF-8"),
    ("a.csv", b"text,label\ra,1\rb,2", "lines that end in CR alone"),
    ("a.csv", b"text,label\na,1\nb\x81,2\n", "row 3: byte 2 of the line is neither UTF-8 nor"),
    ("a.csv", b"text,label\n" + b"a" * (4 << 20) + b",1\n", "row 2: over 4,194,304 bytes"),
    ("a.tsv", f"text\t{'n' * 201}\na\tb\n".encode(), "a column's name of 201 characters"),
    ("a.jsonl", b'{"text": "a"}\n{"text": \n', "row 2: not JSON: Expecting value (line 2, column"),
    ("a.jsonl", b'{"text": "a"}\n["b"]\n', "row 2: a list; expected an object of fields"),
    ("a.jsonl", b'{"text": "a"}\n"b"\n', "row 2: text; expected an object of fields"),
    ("a.jsonl", b'{"text": "a"}\n{}\n', "row 2: an empty object; expected an object of fields"),
    ("a.jsonl", b'{"text": "a"}\n{"t": 1}\n', "row 2: fields t; expected text, as in row 1"),
    ("a.jsonl", b'{"text": "a", "text": "b"}\n', "row 1: key 'text' is there twice"),
    ("a.jsonl", b'{"text": NaN}\n', "row 1: NaN is no number"),
    ("a.jsonl", b'{"text": "a"}\n{"text": ["b"]}\n', "text: a list in 1 row: row 2; expected"),
    ("a.jsonl", b'{"text": "\\ud800"}\n', "row 1: half of a surrogate pair"),
    ("a.jsonl", b'{"text": "\xe9"}\n', "row 1: not UTF-8 at byte 11; expected JSON in UTF-8"),
    ("a.jsonl", b"# a\n# b\n", "no row; expected an object of fields"),
    ("a.json", b'{"text": [', "row 1: not JSON"),
    ("a.json", b"[1, {}]", "row 2: an empty object"),
    ("a.json", b"[[]]", "row 1: a list; expected an object"),
    ("a.json", b"[]", "no row; expected an object of fields"),
    ("a.json", b"[{}", "not JSON: Expecting"),
    ("a.csv.gz", gzip.compress(b"text,label\na,1\n", mtime=0)[:-9], "truncated or damaged"),
    ("a.csv", b"\x80\x04K\x01.", "a Python pickle"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "told"), ERRORS)
def test_what_cannot_be_read_is_refused_with_its_row(tmp_path, name, content, told):
    assert told in reported(tmp_path, name, content, "error")
    with pytest.raises(UserError):
        io.load(tmp_path / name)


def test_every_broken_row_is_told(tmp_path):
    told = reported(tmp_path, "a.jsonl", GOOD + "{\n[]\n" + GOOD + "x\n", "error")
    rows = sorted(line.split(": ")[1] for line in told.splitlines())
    assert rows == ["row 3", "row 4", "row 7"]


THREE = "text,label\na b,1\nc d,1\ne f,{}\n"
WORDS = "text,label\na b,NA\nNULL,1\n"
TWO = "id,remark,a,b\n1,so be it,x,y\n2,it is so,y,x\n3,not at all,x,x\n4,never again,y,y\n"
WARNINGS = [
    (THREE.format(1), "label: one class alone"),
    (THREE.format(2), "label: 1 class of one row, which cannot be in train and test both"),
    (THREE.format(2), "1 row (a.csv row 4)"),
    (THREE.format("1.0"), "label: classes that differ in writing alone: 1, 1.0"),
    ("text,label\na b,Yes\nc d,yes\n", "label: classes that differ in writing alone: Yes, yes"),
    (
        THREE.format("good"),
        "label: numbers and words are mixed, the rarer kind in 1 row (a.csv",
    ),
    (WORDS, "label: the word NA in 1 row (a.csv row 2); taken as written"),
    (WORDS, "text: the word NULL in 1 row (a.csv row 3); taken as written"),
    ("text,label\n ,1\nc d,2\n", "text: empty in 1 row (a.csv row 2)"),
    ("text,label\na b,\nc d,2\n", "label: empty in 1 row (a.csv row 2)"),
    ("sentence1,sentence2,label\na b,,1\nc d,e,2\n", "sentence2: empty in 1 row (a.csv row 2)"),
    ("text,label\na b,1\na b,2\n", "earlier row of its part: 1 row (a.csv row 3)"),
    ("a b,1\nc d,2\ne f,1\ng h,2\n", "row 1 is no header but a row like the others (a b, 1)"),
    ("text,label\n" + "a " * 20_000 + ",1\nb,2\n", "over 32,768 characters in 1 row (a.csv row 2)"),
    (TWO, "which column is the class? a, b may be"),
    ("n,m\n1,2\n3,4\n", "no column is called as texts or classes are, or looks so"),
]


@pytest.mark.parametrize(("content", "told"), WARNINGS)
def test_what_is_odd_is_counted_with_its_rows(tmp_path, content, told):
    assert told in reported(tmp_path, "a.csv", content, "warning")


def test_lines_of_latin_1_are_read_and_counted(tmp_path):
    content = "text,label\ncaf\xe9 noir,1\nna\xefve \u201ctext\u201d,2\nplain,1\n".encode("cp1252")
    told = reported(tmp_path, "a.csv", content, "warning")
    assert "2 lines not in UTF-8, read as Latin-1 (Windows-1252): rows 2, 3" in told
    found = io.load(tmp_path / "a.csv")
    assert found.columns["text"] == ("café noir", "naïve “text”", "plain")


def test_utf_8_stays_utf_8_beside_a_line_that_is_not(tmp_path):
    folder_of(tmp_path, {"a.txt": "schön\n".encode() + b"caf\xe9\n"})
    assert io.load(tmp_path / "a.txt").columns["text"] == ("schön", "café")


def test_rows_that_test_shares_with_train_are_counted_whatever_their_class(tmp_path):
    parts = {
        "train.csv": "text,label\na,1\nb,0\nc,1\nc,1\n",
        "dev.csv": "text,label\nx,1\n",
        "test.csv": "text,label\nb,1\nz,0\nc,1\n",
    }
    path = folder_of(tmp_path / "t", parts)
    report = report_on(io, path)
    assert "test has texts that train has too, so that it judges what was learned: 2 rows" in said(
        report, "warning"
    )
    assert "(test.csv row 2, test.csv row 4)" in said(report, "warning")
    assert (report.facts["overlap"], report.facts["duplicates"]) == (2, 1)
    assert "dev has texts" not in said(report, "warning")


def test_rows_that_dev_shares_with_test_are_counted(tmp_path):
    dev, test = "text,label\nb,0\nx,1\n", "text,label\nx,1\n"
    parts = {"train.csv": "text,label\na,1\nc,0\n", "dev.csv": dev, "test.csv": test}
    told = said(report_on(io, folder_of(tmp_path / "t", parts)), "warning")
    assert (
        "dev has texts that test has too, so that what is chosen on dev is chosen on test: 1 row "
        "(dev.csv row 3)"
    ) in told


def test_classes_that_train_lacks_are_told(tmp_path):
    parts = {"train.csv": "text,label\na,1\nb,0\n", "test.csv": "text,label\nc,1\nd,2\n"}
    told = said(report_on(io, folder_of(tmp_path / "t", parts)), "warning")
    assert "label: test has classes that train has not, in 1 row (test.csv row 3)" in told


def test_parts_without_train_are_told(tmp_path):
    parts = {"dev.csv": "text,label\na,1\nb,0\n", "test.csv": "text,label\nc,1\nd,0\n"}
    report = report_on(io, folder_of(tmp_path / "t", parts))
    assert "no table of train" in said(report, "warning")
    assert report.facts["overlap"] == 0


def test_parts_of_other_columns_are_refused_by_name(tmp_path):
    parts = {"train.csv": "text,label\na,1\n", "test.csv": "text,class\nb,1\n"}
    told = said(report_on(io, folder_of(tmp_path / "t", parts)), "error")
    assert told == "test.csv: columns text, class; expected columns text, label, as in train.csv"
    parts = {"train.csv": "text,label\na b,1\n", "test.csv": "c d,1\nb c,1\nd e,0\n"}
    told = said(report_on(io, folder_of(tmp_path / "u", parts)), "error")
    assert told.startswith("test.csv: 2 columns without a header; expected columns text, label")


def test_an_archive_without_tables_is_refused(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"picture.png": b"\x89PNG", "README.md": "text"})
    assert "a.zip: no table among its files" in said(report_on(io, path), "error")
    assert not io.sniff(path)
    assert not io.sniff(folder_of(tmp_path / "f", {"a.csv": b"\x00\x01"}))


def test_broken_rows_of_one_file_do_not_hide_those_of_another(tmp_path):
    parts = {"train.jsonl": "{\n", "test.jsonl": GOOD + "]\n"}
    told = said(report_on(io, folder_of(tmp_path / "t", parts)), "error")
    assert "train.jsonl: row 1:" in told
    assert "test.jsonl: row 3:" in told


def test_bounds_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MAX_ROWS", 3)
    assert "over 3 rows" in reported(tmp_path, "a.txt", "a\nb\nc\nd\n", "error")
    monkeypatch.setattr(sheet, "MAX_COLUMNS", 3)
    wide = json.dumps({str(at): "x" for at in range(4)})
    assert "4 columns; expected at most 3" in reported(tmp_path, "a.jsonl", wide, "error")
    monkeypatch.setattr("engine.data.text.read.LIMITS", Limits(unpacked=100, gunzip=True))
    assert "expected at most 100" in reported(tmp_path, "b.txt", "a" * 101, "error")


def test_lines_of_a_report_are_printable_whatever_the_file_holds(tmp_path):
    name, cell = "te\u202ext", "a\x1b[31mb\u2028c"
    rows = "".join(json.dumps({name: cell, "label": f"{cell}{at}"}) + "\n" for at in (1, 1, 2))
    folder_of(tmp_path, {"a.jsonl": rows + "{"})
    report = report_on(io, tmp_path / "a.jsonl")
    assert all(line.text.isprintable() for line in report.lines)
    folder_of(tmp_path, {"b.jsonl": rows})
    report = report_on(io, tmp_path / "b.jsonl")
    assert report.passed
    assert all(line.text.isprintable() for line in report.lines)


def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    folder_of(tmp_path, {"a.jsonl": GOOD})
    with pytest.raises(UserError, match=r"^label_column: a\.jsonl has no column 'lable'; expected"):
        io.load(tmp_path / "a.jsonl").column("lable", "label_column")


def test_the_reader_of_cells_has_bounds_that_match():
    assert delimited.MAX_LINE == files.MAX_LINE


@pytest.mark.parametrize(("suffix", "letters"), [("csv", b'"\n,a '), ("jsonl", b'"\n{}:')])
def test_every_file_of_up_to_four_bytes_is_answered(tmp_path, suffix, letters):
    path = tmp_path / f"a.{suffix}"
    for length in range(5):
        for content in itertools.product(letters, repeat=length):
            path.write_bytes(bytes(content))
            report = report_on(io, path)
            assert report.lines
            assert all(line.text not in ("", "None") for line in report.lines)
            if report.passed:
                assert io.load(path).rows == report.facts["rows"] > 0
