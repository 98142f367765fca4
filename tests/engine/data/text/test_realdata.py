"""The real tables, in place. Counts are those that come with the files."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import pytest

from engine.data.text import io
from engine.data.text.repeats import overlap
from tests.engine.data.making import report_on, said

pytestmark = pytest.mark.realdata

# file: rows, roles, rows of each class
TASKS = {
    "cola_train.tsv": (8551, {"text": "text", "label": "label"}, {"1": 6023, "0": 2528}),
    "cola_dev.tsv": (516, {"text": "text", "label": "label"}, {"1": 354, "0": 162}),
    "mrpc_train.txt": (
        4076,
        {"text": "#1 String", "text2": "#2 String", "label": "Quality"},
        {"1": 2753, "0": 1323},
    ),
    "mrpc_test.txt": (
        1725,
        {"text": "#1 String", "text2": "#2 String", "label": "Quality"},
        {"1": 1147, "0": 578},
    ),
    "sst2_train.txt": (6920, {"text": "text", "label": "label"}, {"1": 3610, "0": 3310}),
    "sst2_dev.txt": (872, {"text": "text", "label": "label"}, {"1": 444, "0": 428}),
    "sst2_test.txt": (1821, {"text": "text", "label": "label"}, {"1": 909, "0": 912}),
    "trec_test.txt": (
        500,
        {"text": "text", "label": "label"},
        {"0": 138, "1": 94, "2": 9, "3": 65, "4": 81, "5": 113},
    ),
    "davidson_tweets.csv": (
        24_783,
        {"text": "tweet", "label": "class"},
        {"0": 1430, "1": 19_190, "2": 4163},
    ),
}


@pytest.mark.parametrize("name", TASKS)
def test_tasks_are_read_whole_with_their_columns_and_classes(shared_data, name):
    rows, roles, classes = TASKS[name]
    found = io.load(shared_data / "text" / name)
    assert (found.rows, found.roles.named()) == (rows, roles)
    assert Counter(found.columns[found.roles.label]) == classes


def test_every_line_of_mrpc_is_a_row_with_its_quotes(shared_data):
    path = shared_data / "text/mrpc_train.txt"
    found = io.load(path)
    lines = path.read_bytes().decode("utf-8-sig").split("\r\n")[1:-1]
    columns = found.columns.values()
    assert ["\t".join(row) for row in zip(*columns, strict=True)] == lines
    assert found.columns["#1 String"][0].startswith('Amrozi accused his brother, whom he called "')
    assert found.place(0) == "mrpc_train.txt row 2"


def test_the_line_of_trec_that_is_latin_1_is_counted(shared_data):
    path = shared_data / "text/trec_train.txt"
    assert "1 line not in UTF-8, read as Latin-1 (Windows-1252): row 66" in said(
        report_on(io, path), "warning"
    )
    found = io.load(path)
    assert (found.rows, len(found.labels("label").classes)) == (5452, 6)
    assert "sisterðcity" in found.columns["text"][65]


def test_paradetox_has_cells_of_several_lines(shared_data):
    """Without quoting it would be 11,934 rows, of which 14 are pieces of 7 others."""
    found = io.load(shared_data / "text/paradetox.tsv")
    assert found.rows == 11_927
    filled = {name: sum(map(bool, cells)) for name, cells in found.columns.items()}
    assert list(filled) == ["toxic", "neutral1", "neutral2", "neutral3"]
    assert filled["toxic"] == filled["neutral1"] == 11_927
    found = io.load(shared_data / "text/paradetox_cannot_rewrite.tsv")
    assert (found.rows, found.roles.text) == (12_059, "INPUT:toxic_comment")
    reasons = list(map(json.loads, found.columns["OUTPUT:reasons"]))
    assert all(isinstance(one, dict) for one in reasons)


def test_jigsaw_leaves_the_class_open(shared_data):
    path = shared_data / "text/jigsaw_toxic.csv"
    report = report_on(io, path)
    assert "which column is the class? severe_toxic, obscene, threat," in said(report, "warning")
    found = io.load(path)
    assert (found.rows, found.roles.text) == (14_869, "comment_text")
    names = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
    sums = [found.columns[name].count("1") for name in names]
    assert sums == [14_869, 1460, 7694, 434, 7148, 1257]


def test_two_sentences_of_sst_2_are_in_test_and_in_three_rows_of_train(shared_data, tmp_path):
    for part in ("train", "dev", "test"):
        shutil.copy(shared_data / f"text/sst2_{part}.txt", tmp_path)
    found = io.load(tmp_path)
    assert {part: rows.size for part, rows in found.parts.items()} == {
        "train": 6920,
        "dev": 872,
        "test": 1821,
    }
    texts = found.columns["text"]
    told = [texts[row] for row in overlap(found, inside="test", of="train")]
    assert told == ["no. .", "what 's next ?"]
    in_train = [texts[row] for row in overlap(found, inside="train", of="test")]
    assert in_train == ["no. .", "what 's next ?", "what 's next ?"]
    assert report_on(io, tmp_path).facts["overlap"] == 2


PROMPTS = {
    "pool_alpaca_9k.jsonl.gz": (9229, ("instruction", "input", "output")),
    "pool_dolly_9k.jsonl.gz": (9000, ("instruction", "input", "output")),
    "pool_t0_labelled.jsonl.gz": (9561, ("prompt", None, "completion")),
    "pool_planted_duplicates_3k.jsonl.gz": (3000, ("instruction", "input", "output")),
    "gsm8k_train.jsonl.gz": (7473, ("question", None, "answer")),
    "gsm8k_test.jsonl.gz": (1319, ("question", None, "answer")),
    "target_bbh_24tasks.jsonl.gz": (5865, ("input", None, "target")),
    "target_xquad_9langs.jsonl.gz": (2700, ("question", "context", "answer")),
    "seed_tasks_175.jsonl": (175, ("instruction", None, None)),
    "eval_sinstruct_test_set.jsonl": (252, ("instruction", None, None)),
    "eval_koala_test_set.jsonl": (180, ("prompt", None, None)),
    "eval_vicuna_test_set.jsonl": (80, (None, None, None)),
    "eval_wizardlm_test_set.jsonl": (218, ("Instruction", None, None)),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_prompts_and_completions_are_found(shared_data, name):
    rows, roles = PROMPTS[name]
    found = io.load(shared_data / "instruct" / name)
    told = found.roles
    assert (found.rows, (told.prompt, told.context, told.completion)) == (rows, roles)


def test_planted_duplicates_are_counted(shared_data):
    """100 groups of 5 exact copies beside their originals, of which rows repeat 5 each; near copies
    are the same in no cell but for some whose texts differ in case alone."""
    path = shared_data / "instruct/pool_planted_duplicates_3k.jsonl.gz"
    found = io.load(path)
    exact = [row for row, kind in enumerate(found.columns["dup_kind"]) if kind == "exact"]
    assert len(exact) == 500
    assert report_on(io, path).facts["duplicates"] >= 500


MALFORMED = {
    "all_identical.jsonl": ("warning", "earlier row of its part: 39 rows"),
    "array_not_lines.json": ("ok", "a JSON array, read as 15 rows"),
    "bad_utf8.jsonl": ("error", "row 1: not UTF-8 at byte 28"),
    "blank_lines_and_comments.jsonl": ("warning", "1 comment skipped: row 1"),
    "bom_crlf.jsonl": ("ok", "10 rows of JSON"),
    "empty.jsonl": ("error", "empty; expected at least one row"),
    "empty_output.jsonl": ("warning", "output: empty in 3 rows (empty_output.jsonl row 3, "),
    "missing_output.jsonl": ("warning", "output: empty in 3 rows (missing_output.jsonl row 4, "),
    "mixed_schema.jsonl": ("error", "row 11: fields messages; expected instruction, input, output"),
    "nan_literal.jsonl": ("error", "row 1: NaN is no number"),
    "not_json_really.jsonl": ("error", "File is not a zip file"),
    "one_huge_record.jsonl": ("warning", "over 32,768 characters in 1 row (one_huge_record.jsonl"),
    "semicolon.csv": ("ok", "15 rows parted by semicolons"),
    "truncated.jsonl.gz": ("error", "truncated or damaged (Compressed file ended before"),
    "truncated_line.jsonl": ("error", "row 10: not JSON: Unterminated string starting at (line 10"),
    "wrong_types.jsonl": ("error", "output: a list in 1 row: row 4; expected a text"),
}


def test_every_malformed_file_is_known(shared_data):
    assert {path.name for path in (shared_data / "instruct/malformed").iterdir()} == {*MALFORMED}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_answered_in_words(shared_data, name):
    level, told = MALFORMED[name]
    report = report_on(io, shared_data / "instruct/malformed" / name)
    assert told in said(report, level)
    assert report.failed == (level == "error")
