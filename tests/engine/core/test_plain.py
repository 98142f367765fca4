"""Values for JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from engine.core.plain import plain, write_json


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (np.float32(0.5), 0.5),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([math.inf, 1.0]), [None, 1.0]),
        ({"a": (1, {2})}, {"a": [1, [2]]}),
        ({3: True}, {"3": True}),
        (Path("/a/b"), "/a/b"),
        (np.bool_(True), True),
    ],
)
def test_values_become_what_json_can_carry(value, expected):
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False)


def test_tensors_become_lists():
    import torch

    assert plain({"t": torch.tensor([1.5, math.nan])}) == {"t": [1.5, None]}


def test_what_json_cannot_carry_is_refused():
    with pytest.raises(TypeError, match="JSON cannot hold a function"):
        plain({"f": plain})


def test_a_file_is_written_whole(tmp_path):
    write_json(tmp_path / "a.json", {"x": math.nan})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": None}
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"x": object()})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
