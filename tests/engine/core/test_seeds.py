"""Seeds as people write them, in the form and at the shell."""

from __future__ import annotations

import pytest

from engine.core import seeds
from engine.core.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", [0]),
        ("0-4", [0, 1, 2, 3, 4]),
        ("0,2,5", [0, 2, 5]),
        ("7, 1-2", [7, 1, 2]),
        ("0-99", list(range(100))),
        ("4294967295", [2**32 - 1]),
    ],
)
def test_they_are_read_as_written(text, expected):
    assert seeds.from_text(text) == expected


@pytest.mark.parametrize(
    "text", ["", "a", "1-", "-1", "3-1", "1,1", "0-100", "0-60,100-160", "1.5", "0--3", "²"]
)
def test_others_are_refused(text):
    with pytest.raises(UserError, match="seeds"):
        seeds.from_text(text)


@pytest.mark.parametrize("text", ["0-99999999999", "4294967296", "9" * 5000])
def test_too_many_or_too_large_ones_are_told_the_bounds(text):
    with pytest.raises(UserError, match="at most 100 whole numbers from 0 to 4294967295"):
        seeds.from_text(text)


@pytest.mark.parametrize("value", [None, "0", {}, [True], [1.0], [-1], [2**32], [], [1, 1]])
def test_a_recorded_list_is_checked_too(value):
    with pytest.raises(UserError, match="seeds"):
        seeds.checked(value)
