"""What the core cannot run is refused in one line that names the layer or what is too much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.kaleidoscope.compiler.program import compile_network, link
from engine.methods.kaleidoscope.integer import (
    Dense,
    Elementwise,
    Logits,
    Lookup,
    Matrix,
    Network,
    Product,
    Rotate,
    Step,
    View,
)
from tests.methods.kaleidoscope.networks import mlp

WORD = View("payload", 0, 32)


def network(*steps: Step, inputs: int = 32, tables: int = 0, **buffers: int) -> Network:
    """The steps, and logits of the payload's first byte; table n is all n + 1."""
    end = Logits("end", (View("payload", 0, 1),), np.ones((2, 1), np.int8), np.zeros(2, np.int32))
    held = {"payload": -(-inputs // 32) * 32, **buffers}
    found = {f"table{n}": np.full(256, n + 1, np.int8) for n in range(tables)}
    return Network("net", inputs, "half", held, (*steps, end), found, ("a", "b"))


def dense(name: str, target: View, *, source: View = WORD, table: str | None = None) -> Dense:
    rng = np.random.default_rng(target.offset + target.length)
    weight = rng.integers(1, 128, (target.length, source.length), np.int8)
    bias = rng.integers(-99, 99, target.length, np.int32)
    return Dense(name, (source,), target, weight, bias, 1, 9, table=table)


def refused(says: str, found: Network, *, lanes: int = 8) -> None:
    with pytest.raises(UserError, match=says):
        compile_network(found, lanes=lanes)


def test_an_accumulator_that_may_overflow():
    found = mlp(32, 8, 2)
    layer = replace(found.steps[0], bias=np.full(8, 2**31 - 1, np.int32))
    refused(r"^hidden0: its accumulator can reach", replace(found, steps=(layer, *found.steps[1:])))


def test_too_many_tiles():
    refused(r"^mlp: it needs 322 weight tiles; the core holds 256$", mlp(256, 256, 64, 2))


def test_too_many_tile_rows():
    layers = [dense(f"layer{n}", View("h", 0, 8)) for n in range(300)]
    same = layers[0].weight
    biases = [np.full(8, n, np.int32) for n in range(300)]
    layers = [replace(d, weight=same, bias=b) for d, b in zip(layers, biases, strict=True)]
    refused(r"^net: it needs 301 tile rows; the core holds 256$", network(*layers, h=32))


def test_too_many_instructions():
    turns = [Rotate(f"turn{n}", WORD, View("h", 0, 32), n % 32) for n in range(1024)]
    refused(r"^net: it needs 1025 instructions; the core holds 1024$", network(*turns, h=32))


def test_too_many_payload_words():
    found = network(inputs=257)
    refused(r"^net: it needs 9 payload words; the core holds 8$", found)


def test_too_many_activation_words():
    turns = [Rotate(f"turn{n}", WORD, View("h", 32 * n, 32), n % 32) for n in range(65)]
    sums = [Elementwise(f"sum{n}", "add", View("h", 32 * n, 32), WORD, View("h", 32 * n, 32))
            for n in range(65)]  # fmt: skip
    refused(
        r"^net: it needs more activation words at once than the 64 of the core$",
        network(*turns, *sums, h=65 * 32),
    )


def test_bytes_beyond_the_input():
    step = Rotate("turn", WORD, View("h", 0, 32), 3)
    refused(
        r"^turn: it reads bytes of word 0 of 'payload' that hold no", network(step, inputs=20, h=32)
    )


def test_lanes_of_padding_that_a_table_made_something_of():
    narrow = dense("narrow", View("h", 0, 12), table="table0")
    step = Rotate("turn", View("h", 0, 32), View("h", 0, 32), 3)
    for lanes in (8, 32):
        refused(
            r"^turn: it reads bytes of word 0 of 'h' that hold no",
            network(narrow, step, tables=1, h=32),
            lanes=lanes,
        )


def test_a_target_that_would_overwrite_its_neighbour():
    steps = dense("both", View("h", 0, 16)), dense("part", View("h", 0, 4))
    refused(r"^part: it would overwrite bytes 4\.\.7 of word 0 of 'h'", network(*steps, h=32))


def test_products_of_more_than_the_matrices():
    row = View("payload", 0, 32)
    lookup = Lookup("full", row, View("h", 0, 32), "table0")
    a, target = Matrix("h", 0, 1, 20), Matrix("p", 0, 1, 1)
    product = Product("scores", a, a, target, 1, 9, transposed=True)
    refused(
        r"^scores: both matrices have bytes beyond their 20 columns",
        network(lookup, product, tables=1, h=32, p=32),
    )


def test_models_that_do_not_fit_together():
    one = compile_network(mlp(64, 64, 32, 11), lanes=8)
    with pytest.raises(UserError, match=r"mlp: it needs 260 weight tiles; the core holds 256$"):
        link([one] * 10)
    small = compile_network(mlp(32, 8, 2), lanes=8)
    with pytest.raises(UserError, match=r"it needs 17 models; the core holds 16$"):
        link([small] * 17)
    tabled = [
        compile_network(network(Lookup("l", WORD, View("h", 0, 32), "table0"), tables=4, h=32),
                        lanes=8),
        compile_network(
            replace(network(), tables={"other": np.zeros(256, np.int8)}), lanes=8
        ),
    ]  # fmt: skip
    with pytest.raises(UserError, match=r"^net \+ net: it needs 5 tables; the core holds 4$"):
        link(tabled)
