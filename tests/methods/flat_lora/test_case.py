"""What a job is made of: parts that are empty, classes of one row, images that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.flat_lora.pictures import _levels
from tests.methods.flat_lora.conftest import BRIEF, HEAD, sentences, table
from tests.models import making


@pytest.fixture
def pack(tmp_path):
    def make(side: int, channels: int = 3):
        path = tmp_path / f"{side}.npz"
        x = np.random.default_rng(0).integers(0, 256, (40, side, side, channels), np.uint8)
        np.savez(path, images=x, labels=np.arange(40) % 2)
        return path

    return make


@pytest.mark.parametrize(
    ("test", "where", "words"),
    [
        ([("a cat", "")] * 3, "input test", "its test part has no row with sentence and label"),
        (sentences(40), "input data", "training rows are in dev or test too"),
    ],
)
def test_a_part_without_rows_is_refused(attempt, encoder, tmp_path, test, where, words):
    inputs = {
        "data": table(tmp_path / "t.csv", sentences(40), HEAD),
        "test": table(tmp_path / "test.csv", test, HEAD),
        "model": encoder,
    }
    with pytest.raises(UserError) as fault:
        attempt("job", inputs=inputs, **BRIEF)
    assert (fault.value.where, words in fault.value.expected) == (where, True)


def test_a_class_of_one_row_is_told_with_its_row(attempt, events, encoder, tmp_path):
    path = table(tmp_path / "t.csv", [*sentences(40), ("a cat", "rare")], HEAD)
    attempt("job", inputs={"data": path, "model": encoder}, **BRIEF)
    told = [line["text"] for line in events("job") if line.get("level") == "warning"]
    assert "1 class with one training row: 'rare' (t.csv row 42)" in told


def warnings(events) -> list[str]:
    return [line["text"] for line in events("job") if line.get("level") == "warning"]


def test_rows_that_differ_in_white_space_alone_do_not_leak(attempt, events, encoder, tmp_path):
    rows = sentences(60)
    spaced = [(f" {text.replace(' ', '  ')} ", label) for text, label in rows]
    path = table(tmp_path / "t.csv", [*rows, *spaced], HEAD)
    attempt("job", inputs={"data": path, "model": encoder}, **BRIEF)
    (told,) = [line for line in warnings(events) if "in dev or test too" in line]
    assert int(told.split()[0]) > 5


def test_validation_rows_that_test_too_are_told(attempt, events, encoder, tmp_path):
    found = {name: table(tmp_path / f"{name}.csv", sentences(20, seed), HEAD)
             for name, seed in (("data", 0), ("dev", 1), ("test", 1))}  # fmt: skip
    attempt("job", inputs={**found, "model": encoder}, **BRIEF)
    told = [line for line in warnings(events) if "validation row" in line]
    assert told == [
        "20 validation rows of 20 in test too, so that what is chosen on them is chosen on test; "
        "the first is dev.csv row 2"
    ]


def test_a_job_repeats_what_checks_warn_of(attempt, events, encoder, tmp_path):
    """Of the columns that it reads, in each table: who runs it by hand has seen no check."""
    rows = [(f"{text} caf\xe9", label) for text, label in sentences(30)]
    data = table(tmp_path / "t.csv", [*rows, ("null", "cat"), ("a cat", "Cat")] * 2, HEAD)
    data.write_bytes(data.read_text("utf-8").encode("latin-1"))
    test = table(tmp_path / "test.csv", [("None", "cat"), ("a dog", "none")], HEAD)
    attempt("job", inputs={"data": data, "test": test, "model": encoder}, **BRIEF)
    told = warnings(events)
    for words in (
        "t.csv: sentence: the word null in 2 rows (t.csv row 32, t.csv row 64)",
        "t.csv: label: classes that differ in writing alone: Cat, cat",
        "test.csv: sentence: the word None in 1 row (test.csv row 2)",
        "Windows-1252",
    ):
        assert len([line for line in told if words in line]) == 1, (words, told)


@pytest.mark.parametrize(("asked", "warned"), [("auto", True), ("causal", False)])
def test_a_table_without_a_label_is_learnt_as_text_and_says_so(
    attempt, events, decoder, tmp_path, asked, warned
):
    data = table(tmp_path / "t.csv", [(text,) for text, _ in sentences(40)], ("text",))
    causal = {**BRIEF, "variants": ["lora"], "save_model": False, "task": asked}
    attempt("job", inputs={"data": data, "model": decoder}, **causal)
    told = [line for line in warnings(events) if "no column is taken for a label" in line]
    assert len(told) == warned


def test_a_model_that_reads_next_to_nothing_is_refused(attempt, texts, tmp_path):
    found = making.folder(tmp_path / "bert", making.weights("bert"))
    (found / "tokenizer_config.json").write_text('{"model_max_length": 1}')
    with pytest.raises(UserError, match="model: reads 1 tokens at most") as fault:
        attempt("job", inputs={"data": texts, "model": found}, **BRIEF)
    assert fault.value.where == "model"


def test_rows_of_one_instruction_are_told_apart_by_their_input(attempt, events, decoder, tmp_path):
    """As in Alpaca's tables: few instructions and answers, and the text as `input`."""
    seen = dict(sentences(200))
    rows = [("is there a cat", text, label) for text, label in seen.items()]
    path = table(tmp_path / "t.csv", rows, ("instruction", "input", "output"))
    causal = {**BRIEF, "variants": ["lora"], "save_model": False}
    attempt("job", inputs={"data": path, "model": decoder}, **causal)
    assert not [line for line in warnings(events) if "in dev or test too" in line]


@pytest.mark.parametrize(
    ("asked", "where", "words"),
    [
        ({"text": "label"}, "text", "column 'label' is the label too; expected another"),
        ({"label": "sentence"}, "label", "column 'sentence' is the text too; expected another"),
        ({"text2": "sentence"}, "text2", "column 'sentence' is the text too; expected another"),
    ],
)
def test_a_column_of_two_uses_is_refused(attempt, encoder, tmp_path, asked, where, words):
    path = table(tmp_path / "t.csv", sentences(40), HEAD)
    with pytest.raises(UserError) as fault:
        attempt("job", inputs={"data": path, "model": encoder}, **BRIEF, **asked)
    assert (fault.value.where, fault.value.expected) == (where, words)


def test_too_few_rows_for_their_classes_are_told(attempt, encoder, tmp_path):
    path = table(tmp_path / "t.csv", [("a cat", "x"), ("a dog", "y"), ("a man", "z")], HEAD)
    with pytest.raises(UserError, match="expected two rows of a class or more"):
        attempt("job", inputs={"data": path, "model": encoder}, **BRIEF)


def test_the_merged_network_of_a_classifier_on_a_decoder_is_taken_again(attempt, tmp_path):
    """Its output layer is not in the export: no classifier has a use for it."""
    found = making.weights("llama", causal=True, tie_word_embeddings=False)
    first = making.folder(tmp_path / "llama", found)
    data = table(tmp_path / "t.csv", sentences(60), HEAD)
    learn = {**BRIEF, "variants": ["lora"], "save_model": True}
    attempt("job", inputs={"data": data, "model": first}, **learn)
    merged = tmp_path / "job/export/lora-model.zip"
    summary = attempt("next", inputs={"data": data, "model": merged}, **learn)
    assert summary["lora.accuracy"] is not None


def test_the_fresh_transformer_cuts_large_images_into_few_patches(attempt, events, pack):
    attempt("job", inputs={"images": pack(60)}, **BRIEF)
    told = [line["text"] for line in events("job") if line.get("level") == "warning"]
    assert any("random weights" in line for line in told)


def test_sizes_that_no_patches_divide_are_refused(attempt, pack):
    with pytest.raises(UserError, match="31 x 31 pixels, which no patches"):
        attempt("job", inputs={"images": pack(31)}, **BRIEF)


def test_images_of_another_size_than_the_model_reads_are_refused(attempt, pack, tmp_path):
    model = making.folder(tmp_path / "vit", making.weights("vit"))
    with pytest.raises(UserError, match="16 x 16 pixels of 1 channels; the model reads 8 x 8 of 3"):
        attempt("job", inputs={"images": pack(16, 1), "model": model}, **BRIEF)


def test_levels_are_the_mean_and_deviation_of_each_channel():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2500, 4, 4, 3), np.uint8)
    rows = np.flatnonzero(rng.random(2500) < 0.9)
    mean, spread = _levels(pixels, rows)
    np.testing.assert_allclose(mean, pixels[rows].mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(spread, pixels[rows].std((0, 1, 2)), rtol=1e-6)
