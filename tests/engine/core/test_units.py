"""Sizes, times and counts in the words that pages and messages use."""

from __future__ import annotations

import pytest

from engine.core.units import counted


@pytest.mark.parametrize(
    ("count", "one", "told"),
    [
        (0, "node", "0 nodes"),
        (1, "node", "1 node"),
        (2708, "node", "2,708 nodes"),
        (1, "repeated entry", "1 repeated entry"),
        (3, "repeated entry", "3 repeated entries"),
        (7, "class", "7 classes"),
    ],
)
def test_one_is_told_as_one(count, one, told):
    assert counted(count, one) == told
