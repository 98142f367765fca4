"""Each step of an integer network against a loop written by hand, in Python's own integers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.methods.kaleidoscope import arithmetic
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
    golden,
    memory_after,
)

CASES = 40
EDGES = np.array([-128, -127, -1, 0, 1, 127], dtype=np.int8)


def int8(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random, a third of it at the edges."""
    values = rng.integers(-128, 128, size=shape).astype(np.int8)
    return np.where(rng.random(shape) < 0.3, rng.choice(EDGES, size=shape), values)


def run(steps, payload, *, tables=None, classes=("a",), **buffers):
    """The trace of steps over payload bytes whose encoding is byte - 128, and its network."""
    size = payload.shape[1]
    end = Logits("end", (View("payload", 0, 1),), np.ones((1, 1), np.int8), np.zeros(1, np.int32))
    if not isinstance(steps[-1], Logits | Score):
        steps = (*steps, end)
    held = {"payload": size, **buffers}
    network = Network("t", size, "centred", held, tuple(steps), tables or {}, classes)
    return golden(network, payload), network


def payload_of(values: np.ndarray) -> np.ndarray:
    return (values.astype(np.int64) + 128).astype(np.uint8)


def requantised(acc: int, m: int, s: int, lowest: int = -128) -> int:
    """(acc · m) / 2^s rounded half up, by an exact fraction, then clipped."""
    return min(127, max(lowest, math.floor(acc * m / 2**s + 0.5)))


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(("m", "s"), [(1, 1), (1, 8), (32767, 31), (20000, 22), (32767, 1)])
def test_a_dense_layer_is_the_loop(m, s, relu):
    rng = np.random.default_rng(m + s)
    x, w = int8(rng, CASES, 64), int8(rng, 16, 40)
    bias = rng.integers(-(2**20), 2**20, size=16).astype(np.int32)
    table = int8(rng, 256)
    sources = (View("payload", 32, 32), View("payload", 3, 8))
    plain = Dense("d", sources, View("h", 0, 16), w, bias, m, s, relu)
    mapped = Dense("e", sources, View("h", 32, 16), w, bias, m, s, relu, "f")
    trace, _ = run([plain, mapped], payload_of(x), tables={"f": table}, h=64)
    taken = np.concatenate([x[:, 32:], x[:, 3:11]], axis=1)
    for n in range(CASES):
        for row in range(16):
            acc = int(bias[row])
            for column in range(40):
                acc += int(w[row, column]) * int(taken[n, column])
            expected = requantised(acc, m, s, 0 if relu else -128)
            assert trace.written[0][n, row] == expected
            assert trace.written[1][n, row] == table[expected + 128]


def test_identity_weights_return_the_input_and_zeros_the_requantised_bias():
    rng = np.random.default_rng(0)
    x, bias = int8(rng, CASES, 32), np.arange(-16, 16, dtype=np.int32) * 50
    source, none = (View("payload", 0, 32),), np.zeros(32, np.int32)
    same = Dense("d", source, View("h", 0, 32), np.eye(32, dtype=np.int8), none, 2, 1)
    zeros = Dense("e", source, View("h", 32, 32), np.zeros((32, 32), np.int8), bias, 1, 3)
    trace, _ = run([same, zeros], payload_of(x), h=64)
    np.testing.assert_array_equal(trace.written[0], x)
    expected = [requantised(int(b), 1, 3) for b in bias]
    np.testing.assert_array_equal(trace.written[1], [expected] * CASES)


def test_logits_are_raw_and_the_first_largest_wins():
    x = np.array([[-128, 127], [5, 5]], np.int8)
    w = np.array([[1, 0], [0, 1], [0, 1]], np.int8) * np.int8(127)
    bias = np.array([0, 1_000_000, 1_000_000], np.int32)
    outcome = Logits("o", (View("payload", 0, 2),), w, bias)
    trace, _ = run([outcome], payload_of(x), classes=("a", "b", "c"))
    assert trace.outcome.dtype == np.int32
    assert trace.outcome.tolist() == [
        [-128 * 127, 1_000_000 + 127 * 127, 1_000_000 + 127 * 127],
        [635, 1_000_635, 1_000_635],
    ]
    assert trace.answers.tolist() == [1, 1]


@pytest.mark.parametrize("kind", ["add", "sub", "mul", "max", "absdiff"])
@pytest.mark.parametrize("shift", [0, 1, 7, 15])
def test_lanes_are_the_loop(kind, shift):
    rng = np.random.default_rng(shift)
    x = int8(rng, CASES, 64)
    step = Elementwise(
        "e", kind, View("payload", 0, 32), View("payload", 32, 32), View("h", 0, 32), shift
    )
    trace, _ = run([step], payload_of(x), h=32)
    for n in range(CASES):
        for lane in range(32):
            a, b = int(x[n, lane]), int(x[n, 32 + lane])
            if kind == "max":
                expected = a if a > b else b
            elif kind == "absdiff":
                expected = min(127, abs(a - b))
            else:
                exact = {"add": a + b, "sub": a - b, "mul": a * b}[kind] / 2**shift
                expected = min(127, max(-128, math.floor(exact + 0.5)))
            assert trace.written[0][n, lane] == expected


def test_a_table_a_rotation_and_an_embedding_are_the_loop():
    rng = np.random.default_rng(1)
    x, table, rows = int8(rng, CASES, 32), int8(rng, 256), int8(rng, 256, 8)
    word = View("payload", 0, 32)
    steps = [
        Lookup("l", word, View("a", 0, 32), "f"),
        Rotate("r", word, View("b", 0, 32), 5),
        Gather("g", View("payload", 7, 4), View("c", 0, 32), rows),
    ]
    trace, _ = run(steps, payload_of(x), tables={"f": table}, a=32, b=32, c=32)
    for n in range(CASES):
        for place in range(32):
            assert trace.written[0][n, place] == table[int(x[n, place]) + 128]
            assert trace.written[1][n, place] == x[n, (place + 5) % 32]
            byte, part = divmod(place, 8)
            assert trace.written[2][n, place] == rows[int(x[n, 7 + byte]) + 128, part]


@pytest.mark.parametrize("relu", [False, True])
def test_a_product_of_activations_is_the_loop(relu):
    rng = np.random.default_rng(2)
    x = int8(rng, CASES, 6 * 32)
    a, b = Matrix("payload", 0, 4, 20), Matrix("payload", 128, 2, 20)
    step = Product("p", a, b, Matrix("h", 32, 4, 2), 300, 17, relu, transposed=True)
    trace, network = run([step], payload_of(x), h=160)
    held = memory_after(network, trace, 1)["h"]
    rows = x.reshape(CASES, 6, 32)
    for n in range(CASES):
        for t in range(4):
            for s in range(2):
                acc = sum(int(rows[n, t, d]) * int(rows[n, 4 + s, d]) for d in range(20))
                expected = requantised(acc, 300, 17, 0 if relu else -128)
                assert trace.written[0][n, t * 2 + s] == expected
                assert held[n, 32 + t * 32 + s] == expected
    assert not held[:, :32].any()


def test_a_product_that_is_not_transposed_is_the_loop():
    x = int8(np.random.default_rng(5), CASES, 6 * 32)
    a, b = Matrix("payload", 0, 4, 2), Matrix("payload", 128, 2, 20)
    trace, _ = run([Product("p", a, b, Matrix("h", 0, 4, 20), 300, 14)], payload_of(x), h=128)
    rows = x.reshape(CASES, 6, 32)
    for n in range(CASES):
        for t in range(4):
            for s in range(20):
                acc = sum(int(rows[n, t, d]) * int(rows[n, 4 + d, s]) for d in range(2))
                assert trace.written[0][n, t * 20 + s] == requantised(acc, 300, 14)


def test_a_score_is_the_sum_of_differences():
    x = int8(np.random.default_rng(3), CASES, 64)
    step = Score("s", View("payload", 0, 32), View("payload", 32, 32), 10)
    trace, _ = run([step], payload_of(x), classes=())
    expected = [sum(abs(int(row[k]) - int(row[32 + k])) for k in range(32)) for row in x]
    assert trace.outcome.tolist() == expected


def test_memory_after_a_step_has_what_was_written_so_far():
    x = int8(np.random.default_rng(4), 3, 32)
    word, h = View("payload", 0, 32), View("h", 0, 32)
    steps = [Rotate("r", word, h, 1), Elementwise("m", "max", word, h, h)]
    trace, network = run(steps, payload_of(x), h=32)
    assert not memory_after(network, trace, 0)["h"].any()
    np.testing.assert_array_equal(memory_after(network, trace, 1)["h"], np.roll(x, -1, axis=1))
    expected = np.maximum(x, np.roll(x, -1, axis=1))
    np.testing.assert_array_equal(memory_after(network, trace, 2)["h"], expected)


@pytest.mark.parametrize(
    ("encoding", "of"), [("half", lambda b: b // 2), ("fix8", lambda b: b // 8), ("centred", None)]
)
def test_every_byte_is_encoded(encoding, of):
    every = np.arange(256, dtype=np.uint8)
    expected = [(of or (lambda b: b - 128))(byte) for byte in range(256)]
    assert arithmetic.encode(every, encoding).tolist() == expected
    assert arithmetic.padding(encoding) == expected[0]


def test_tables_round_half_away_from_zero():
    table = arithmetic.make_table(lambda x: x / 2, scale_in=1.0, scale_out=1.0)
    assert table[128 + 1] == 1
    assert table[128 - 1] == -1
    assert table[128 + 3] == 2
    assert table[128 - 128] == -64


def test_an_accumulator_never_wraps_silently():
    with pytest.raises(OverflowError):
        arithmetic.requantise(np.array([2**31]), 1, 1, relu=False)
