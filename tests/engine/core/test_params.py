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
    share: Literal[1, 2] = param(1, "Share", "One of two numbers.")
    seed_of: int | None = param(None, "Seed of", "A number, or none.")
    width: int = param(64, "Width", "Of heads of 32.", multiple_of=32)


def from_text(**texts: str) -> Example:
    return parameters.parse(Example, parameters.from_text(Example, texts))


def test_texts_become_values():
    read = from_text(rate="1e-3", layers="4, 5", stops="7", mode="b", share="2", seed_of="3")
    assert read == Example(rate=0.001, layers=[4, 5], stops=[7], mode="b", share=2, seed_of=3)


def test_an_empty_text_is_none_where_none_may_be_and_an_empty_list_elsewhere():
    assert from_text(seed_of="", stops="", layers="") == Example(layers=[])


@pytest.mark.parametrize(
    ("name", "text"),
    [("rate", "0"), ("rate", "1_0"), ("rate", "0x1"), ("layers", "5.0"), ("seed_of", "1_0"),
     ("seed_of", "5.0"), ("seed_of", "9" * 5000), ("rate", "٣"),
     ("rate", "nan"), ("rate", "fast"), ("layers", "4,x"), ("mode", "c"), ("share", "3"),
     ("mode", ""), ("ratio", "1")],
)  # fmt: skip
def test_a_fault_names_its_parameter(name, text):
    with pytest.raises(UserError) as fault:
        from_text(**{name: text})
    assert fault.value.where.split(".")[0] == name


def test_a_number_between_two_multiples_is_told_of_what():
    with pytest.raises(UserError, match="width: expected a multiple of 32, got 40"):
        from_text(width="40")


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


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rate": 0}, "rate: expected a number above 0, got 0"),
        ({"rate": True}, "rate: expected a number, got true"),
        ({"seed_of": False}, "seed_of: expected a whole number, got false"),
        ({"mode": "c"}, "mode: expected 'a' or 'b', got 'c'"),
        ({"layers": 3}, "layers: expected a list, got 3"),
        ({"layers": [1, 2, "x"]}, "layers: value 3: expected a whole number, got 'x'"),
        ({"rte": 1}, "rte: this method has no such parameter"),
    ],
)
def test_a_refusal_reads_as_one_sentence(values, said):
    with pytest.raises(UserError) as fault:
        parameters.parse(Example, values)
    assert str(fault.value) == said


@pytest.mark.parametrize("values", [{"seed_of": "3"}, {"layers": ["4"]}, {"layers": [True]}])
def test_json_is_not_read_as_text_is(values):
    with pytest.raises(UserError, match="expected a whole number"):
        parameters.parse(Example, values)


def test_a_text_that_means_no_value_is_shown_as_it_was_typed():
    with pytest.raises(UserError) as fault:
        from_text(layers="4, x")
    assert str(fault.value) == "layers: value 2: expected a whole number, got 'x'"
