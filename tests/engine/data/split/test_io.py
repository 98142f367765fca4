"""Splits in JSON: the keys that are read, and every way in which one may be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import UserError
from engine.data.kind import check, kind
from engine.data.split import io
from engine.data.split.split import PARTS, Split
from tests.engine.data.making import report_on, said, zip_of

WHOLE = {"idx_train": [4, 0], "idx_val": [1, 2], "idx_test": [3, 5, 6]}


def written(folder: Path, content: Any) -> Path:
    path = folder / "split.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def errors_of(folder: Path, content: Any) -> str:
    return said(report_on(io, written(folder, content)), "error")


def test_a_split_is_read_in_order(tmp_path):
    split = io.load(written(tmp_path, WHOLE))
    assert split.train.tolist() == [0, 4]
    assert split.val.tolist() == [1, 2]
    assert split.test.tolist() == [3, 5, 6]
    assert split.train.dtype == np.int64
    assert split.max_index == 6


def test_the_facts_count_the_parts(tmp_path):
    report = report_on(io, written(tmp_path, WHOLE))
    assert report.passed
    assert report.facts == {
        "train": 2,
        "val": 2,
        "test": 3,
        "max_index": 6,
        "keys": "idx_train, idx_val, idx_test",
    }
    assert "idx_train: 2 nodes from 0 to 4, not in order, sorted" in said(report, "ok")


def test_short_keys_and_other_keys_are_tolerated(tmp_path):
    path = written(tmp_path, {"train": [0], "val": [1], "test": [2], "targets": [1]})
    report = report_on(io, path)
    assert report.facts["keys"] == "train, val, test"
    assert "ignored: 'targets'" in said(report, "ok")


def test_a_byte_order_mark_is_tolerated(tmp_path):
    assert io.load(written(tmp_path, "\ufeff" + json.dumps(WHOLE))).train.size == 2


def test_a_zip_of_one_split_is_read(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"x/split.json": json.dumps(WHOLE), "x/README.md": "words"})
    assert io.sniff(path)
    assert io.load(path).test.size == 3
    two = zip_of(tmp_path / "b.zip", {"a.json": json.dumps(WHOLE), "b.json": json.dumps(WHOLE)})
    assert "2 .json files; expected exactly one" in said(report_on(io, two), "error")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "split.json: empty; expected a JSON object"),
        ("{", "split.json: not JSON: "),
        ("{'idx_train': [1]}", "(line 1, column 2)"),
        ([1, 2], "split.json: a list at the top; expected an object with idx_train"),
        ("7", "split.json: a number at the top"),
        ({"idx_train": [0], "idx_val": [1]}, "no idx_test (or test); expected a list of nodes"),
        ({**WHOLE, "train": [0]}, "both idx_train and train; expected one of them"),
        ({"train_mask": [True]}, "no idx_train (or train); expected a list of nodes; a mask is"),
        ({**WHOLE, "idx_val": 3}, "idx_val: a number; expected a list of node numbers"),
        ({**WHOLE, "idx_val": {"a": 1}}, "idx_val: an object; expected a list"),
        ({**WHOLE, "idx_val": None}, "idx_val: null; expected a list"),
        ({**WHOLE, "idx_val": []}, "idx_val: empty; expected at least one node"),
        ({**WHOLE, "idx_val": [1, 2.0]}, "idx_val[1]: 2.0; expected a node number from 0"),
        ({**WHOLE, "idx_val": [1, True]}, "idx_val[1]: true; expected a node number from 0"),
        ({**WHOLE, "idx_val": [True, False]}, "idx_val[0]: true"),
        ({**WHOLE, "idx_val": [1, "2"]}, 'idx_val[1]: "2"; expected a node number'),
        ({**WHOLE, "idx_val": [1, None]}, "idx_val[1]: null"),
        ({**WHOLE, "idx_val": [[1], [2]]}, "idx_val[0]: a list inside the list"),
        ({**WHOLE, "idx_val": [1, -2]}, "idx_val[1]: -2; expected a node number from 0"),
        ({**WHOLE, "idx_val": [1, 2**31]}, "idx_val[1]: 2147483648; expected a node number"),
        ({**WHOLE, "idx_val": [1, 2, 1]}, "idx_val: 1 repeated entry, node 1 the first"),
        ({**WHOLE, "idx_val": [1, 4]}, "idx_val: 1 node also in idx_train, node 4 the first"),
        ({**WHOLE, "idx_val": [1, 3]}, "idx_test: 1 node also in idx_val, node 3 the first"),
        ({**WHOLE, "idx_test": [0, 4]}, "idx_test: 2 nodes also in idx_train, node 0 the first"),
    ],
)
def test_a_broken_split_is_told_by_field_and_entry(tmp_path, content, message):
    assert message in errors_of(tmp_path, content)


def test_text_of_another_encoding_is_told(tmp_path):
    path = tmp_path / "split.json"
    path.write_bytes(json.dumps(WHOLE).encode("utf-16"))
    assert "split.json: not UTF-8 at byte 0" in said(report_on(io, path), "error")


def test_many_wrong_entries_are_counted_after_twenty(tmp_path):
    lines = errors_of(tmp_path, {**WHOLE, "idx_val": ["x"] * 30}).splitlines()
    assert len(lines) == 21
    assert lines[20] == "idx_val: 10 more entries that are no node numbers"


def test_loading_raises_the_first_fault(tmp_path):
    with pytest.raises(UserError, match=r"idx_val\[1\]: true"):
        io.load(written(tmp_path, {**WHOLE, "idx_val": [1, True]}))


@pytest.mark.parametrize("content", ["0 1\n1 2\n", "[1, 2]", '{"a": 1}', ""])
def test_other_files_are_not_taken_for_splits(tmp_path, content):
    assert not io.sniff(written(tmp_path, content))


def test_a_split_of_a_larger_graph_is_refused():
    split = Split(*(np.array([at]) for at in (0, 1, 9)))
    split.require_within(10)
    with pytest.raises(UserError, match="names node 9, but the graph has 9 nodes"):
        split.require_within(9)


def test_the_preview_counts_every_node_once(tmp_path):
    preview = check(kind("split"), written(tmp_path, WHOLE))["preview"]
    bars, strip = (entry["figure"] for entry in preview["figures"])
    assert bars["data"][0]["y"] == [2, 2, 3]
    widths = [trace["width"] for trace in strip["data"]]
    heights = [sum(trace["y"]) for trace in strip["data"]]
    assert [round(h * w) for h, w in zip(heights, widths, strict=True)] == [2, 2, 3]
    assert preview["tables"][0]["rows"][0] == ["train", 2, round(2 / 7, 4), 0, 4]


def test_the_preview_of_a_large_split_stays_small(tmp_path):
    parts = np.array_split(np.random.default_rng(0).permutation(100_000), 3)
    content = {part: nodes.tolist() for part, nodes in zip(PARTS, parts, strict=True)}
    assert len(json.dumps(io.preview(written(tmp_path, content)))) < 100_000


@settings(max_examples=30, deadline=None)
@given(nodes=st.lists(st.integers(0, 10**6), min_size=3, max_size=60, unique=True))
def test_a_split_written_and_read_is_the_same(tmp_path_factory, nodes):
    thirds = nodes[0::3], nodes[1::3], nodes[2::3]
    content = dict(zip(PARTS, thirds, strict=True))
    split = io.load(written(tmp_path_factory.mktemp("split"), content))
    assert [part.tolist() for part in split.parts().values()] == [sorted(part) for part in thirds]
