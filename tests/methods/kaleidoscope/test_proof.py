"""The overflow proof: exact at the bound, and a refusal that names the layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.kaleidoscope.integer import (
    Dense,
    Elementwise,
    Gather,
    Logits,
    Lookup,
    Matrix,
    Network,
    Product,
    Rotate,
    Score,
    View,
)
from engine.methods.kaleidoscope.proof import prove

WORD = View("payload", 0, 32)


def dense(**changes):
    weight, bias = np.full((8, 32), -128, np.int8), np.zeros(8, np.int32)
    return replace(Dense("first", (WORD,), View("h", 0, 8), weight, bias, 1, 8), **changes)


END = Logits("end", (View("h", 0, 8),), np.ones((2, 8), np.int8), np.zeros(2, np.int32))


def network(*steps, **changes):
    found = Network("net", 32, "half", {"payload": 64, "h": 64}, steps, {}, ("a", "b"))
    return replace(found, **changes)


def test_bounds_are_reached_by_the_worst_input():
    bounds = prove(network(dense(bias=np.full(8, -7, np.int32)), END))
    assert bounds == {"first": 32 * 128 * 128 + 7, "end": 8 * 128}


def test_a_bias_that_overflows_is_refused_by_the_layer_name():
    room = 2**31 - 1 - 32 * 128 * 128
    assert prove(network(dense(bias=np.full(8, room, np.int32)), END))["first"] == 2**31 - 1
    with pytest.raises(UserError, match=r"^first: its accumulator can reach 2,147,483,648"):
        prove(network(dense(bias=np.full(8, room + 1, np.int32)), END))
    lowest = np.full(8, -(2**31), np.int32)  # whose magnitude no int32 holds
    with pytest.raises(UserError, match=r"^first: "):
        prove(network(dense(bias=lowest), END))


def test_the_last_layer_is_proved_too():
    end = replace(END, bias=np.array([0, 2**31 - 1], np.int32))
    with pytest.raises(UserError, match=r"^end: its accumulator"):
        prove(network(dense(), end))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (dense(multiplier=0), "multiplier"),
        (dense(multiplier=32768), "multiplier"),
        (dense(shift=0), "shift"),
        (dense(shift=32), "shift"),
        (dense(weight=np.zeros((8, 31), np.int8)), "int8 weights of 8 × 32"),
        (dense(weight=np.zeros((8, 32), np.int16)), "int8 weights"),
        (dense(bias=np.zeros(8, np.int64)), "8 int32 biases"),
        (dense(target=View("h", 4, 8)), "multiple of 8"),
        (dense(target=View("h", 64, 8)), "inside the buffer 'h'"),
        (dense(table="tanh"), "a table of the network"),
        (Elementwise("first", "add", WORD, View("h", 0, 16), WORD), "whole words"),
        (Elementwise("first", "mul", WORD, WORD, WORD, 16), "shift of 0 to 15"),
        (Lookup("first", WORD, WORD, "tanh"), "table of the network"),
        (Rotate("first", WORD, WORD, 32), "0 to 31"),
        (Gather("first", View("payload", 0, 4), WORD, np.zeros((256, 12), np.int8)), "8, 16 or 32"),
        (Gather("first", View("payload", 0, 3), WORD, np.zeros((256, 8), np.int8)), "one row per"),
        (
            Product(
                "first", Matrix("h", 0, 1, 8), Matrix("h", 0, 1, 9), Matrix("h", 0, 1, 1), 1, 1
            ),
            r"\(T, D\)",
        ),
    ],
)
def test_what_is_not_well_formed_is_refused_by_name(step, expected):
    with pytest.raises(UserError, match=f"^first: .*{expected}"):
        prove(network(step, END))


def test_a_network_has_one_outcome_at_its_end():
    score = Score("score", WORD, WORD, 5)
    assert prove(network(score, classes=())) == {"score": 32 * 255}
    for steps in [(END, score), (dense(),)]:
        with pytest.raises(UserError, match="one outcome"):
            prove(network(*steps))


def test_names_of_steps_are_their_own():
    with pytest.raises(UserError, match="a name of its own"):
        prove(network(dense(), dense(), END))
