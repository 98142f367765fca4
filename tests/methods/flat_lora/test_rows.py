"""Which rows train, validate and test: as asked for, or with words."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.flat_lora.rows import stratified
from tests.methods.flat_lora.conftest import BRIEF, HEAD, sentences, table


@pytest.fixture
def packed(tmp_path):
    """A zip of tables, each by its name with so many rows."""

    def make(**rows: int):
        path = tmp_path / "packed.zip"
        with zipfile.ZipFile(path, "w") as file:
            for seed, (name, count) in enumerate(rows.items()):
                made = table(tmp_path / f"{name}.csv", sentences(count, seed + 5), HEAD)
                file.write(made, made.name)
        return path

    return make


def told(events) -> list[str]:
    return [line["text"] for line in events("job") if line["t"] == "log"]


def test_a_table_that_was_given_is_never_left_out_by_rows(attempt, encoder, tmp_path):
    """It would have tested on rows of the training table, in silence."""
    head = (*HEAD, "part")
    inputs = {
        name: table(tmp_path / f"{name}.csv", [(*row, part) for row in sentences(40, seed)], head)
        for seed, (name, part) in enumerate([("data", "p"), ("test", "z")])
    }
    with pytest.raises(UserError) as fault:
        attempt("job", inputs={**inputs, "model": encoder}, rows="part=p", **BRIEF)
    assert fault.value.where == "rows"
    assert fault.value.expected == "no test row of input test has part=p; expected one of z"


def test_a_part_of_the_data_that_a_table_replaces_is_told(
    attempt, events, encoder, tmp_path, packed
):
    data, test = packed(train=40, test=18), table(tmp_path / "t.csv", sentences(22, 9), HEAD)
    attempt("job", inputs={"data": data, "test": test, "model": encoder}, **BRIEF)
    assert "18 rows of data's own test part left out: input test is given" in told(events)
    assert any("22 test" in line for line in told(events))


def test_a_table_of_parts_gives_the_one_that_it_is_given_as(
    attempt, events, encoder, texts, packed
):
    inputs = {"data": texts, "test": packed(train=40, test=18), "model": encoder}
    attempt("job", inputs=inputs, **BRIEF)
    assert any("18 test" in line for line in told(events))


def test_a_table_of_other_parts_is_refused(attempt, encoder, texts, packed):
    inputs = {"data": texts, "dev": packed(train=40, test=18), "model": encoder}
    with pytest.raises(UserError) as fault:
        attempt("job", inputs=inputs, **BRIEF)
    assert fault.value.where == "input dev"
    assert "has train and test rows; expected dev rows" in fault.value.expected


@pytest.mark.parametrize(
    ("sizes", "count", "found"),
    [
        ([30, 10], 8, [6, 2]),
        ([3, 3, 3], 4, [2, 1, 1]),
        ([1] * 10 + [21], 5, [0] * 10 + [5]),  # what rare classes cannot give the large one does
        ([1] * 10 + [21], 20, [0] * 10 + [20]),
        ([2] * 30, 40, [1] * 30),
        ([2, 40], 41, [1, 39]),
    ],
)
def test_as_many_rows_are_held_out_as_leave_each_class_one(sizes, count, found):
    labels = [str(place) for place, size in enumerate(sizes) for _ in range(size)]
    chosen = stratified(labels, count, np.random.default_rng(0))
    held = np.array(labels)[chosen]
    assert [int((held == str(place)).sum()) for place in range(len(sizes))] == found
