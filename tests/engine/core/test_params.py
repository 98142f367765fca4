"""Parameters as text, as JSON and as changes to a running job."""

from __future__ import annotations

from typing import Literal

import pytest

from engine.core import params as parameters
from engine.core.errors import UserError
from engine.core.params import Params, param


class Example(Params):
    rate: float = param(0.1, "Rate", "A rate.", gt=0, live=True)
    layers: list[int] = param([8], "Layers", "Widths.")
    stops: list[int] | None = param(None, "Stops", "Steps, or none.")
    mode: Literal["a", "b"] = param("a", "Mode", "One of two.")
    seed_of: int | None = param(None, "Seed of", "A number, or none.")


def from_text(**texts: str) -> Example:
    return parameters.parse(Example, parameters.from_text(Example, texts))


def test_texts_become_values():
    read = from_text(rate="1e-3", layers="4, 5", stops="7", mode="b", seed_of="3")
    assert read == Example(rate=0.001, layers=[4, 5], stops=[7], mode="b", seed_of=3)


def test_an_empty_text_is_none_where_none_may_be_and_an_empty_list_elsewhere():
    assert from_text(seed_of="", stops="", layers="") == Example(layers=[])


@pytest.mark.parametrize(
    ("name", "text"),
    [("rate", "0"), ("rate", "nan"), ("rate", "fast"), ("layers", "4,x"), ("mode", "c"),
     ("mode", ""), ("ratio", "1")],
)  # fmt: skip
def test_a_fault_names_its_parameter(name, text):
    with pytest.raises(UserError) as fault:
        from_text(**{name: text})
    assert fault.value.where.split(".")[0] == name


def test_only_live_parameters_change_and_only_within_their_bounds():
    assert parameters.changed(Example(), {"rate": 0.5}).rate == 0.5
    for values in ({"mode": "b"}, {"rate": -1}, {"ratio": 1}):
        with pytest.raises(UserError):
            parameters.changed(Example(), values)


def test_a_checkpoint_brings_back_live_values_alone():
    stored = {"rate": 0.7, "mode": "b"}
    back = parameters.overlaid(Example(), stored)
    assert (back.rate, back.mode) == (0.7, "a")
    assert parameters.differences(back, Example()) == {"rate": 0.7}
