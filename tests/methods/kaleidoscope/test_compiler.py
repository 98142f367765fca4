"""Compiled networks run as their golden model does, legally, in the cycles that were predicted."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from engine.methods.kaleidoscope import timing
from engine.methods.kaleidoscope.compiler.program import compile_network, link
from engine.methods.kaleidoscope.families import FAMILIES
from engine.methods.kaleidoscope.integer import (
    Dense,
    Elementwise,
    Logits,
    Lookup,
    Network,
    Step,
    View,
)
from engine.methods.kaleidoscope.isa import DEPENDENT, FIRST_ISSUE, verdict_latency
from tests.methods.kaleidoscope.legality import assert_legal, issued
from tests.methods.kaleidoscope.networks import family_network, mlp, random_network
from tests.methods.kaleidoscope.running import assert_golden

FRONT = 6  # cycles from the beat of the last payload byte to the job, and from verdict to table
TARGETS = {"mlp": 52, "mlp64": 88, "cnn": 88, "autoencoder": 88, "two_path": 88, "rnn": 88}
SEEDS = range(60)


@pytest.mark.parametrize("lanes", [8, 32])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_are_their_golden_model(seed, lanes):
    network = random_network(seed)
    compiled = compile_network(network, lanes=lanes)
    words = compiled.entry.words
    assert_legal(compiled.image.instructions(), words=words, lanes=lanes)
    assert_golden(network, compiled)


def test_the_random_networks_have_every_kind_of_step():
    kinds = {type(step) for seed in SEEDS for step in random_network(seed).steps}
    assert kinds == set(get_args(Step))


@pytest.mark.parametrize("lanes", [8, 32])
@pytest.mark.parametrize("name", FAMILIES)
def test_families_are_their_golden_model_within_their_cycles(name, lanes):
    network = family_network(name)
    compiled = compile_network(network, lanes=lanes)
    assert_legal(compiled.image.instructions(), words=compiled.entry.words, lanes=lanes)
    assert_golden(network, compiled)
    assert compiled.cycles + FRONT <= TARGETS.get(name, 1000)


@pytest.mark.parametrize(("k", "j"), [(1, 1), (2, 1), (4, 1), (1, 4), (4, 8), (3, 2)])
def test_a_dense_layer_takes_an_issue_for_each_tile_and_one_latency(k, j):
    compiled = compile_network(mlp(32 * j, 8 * k, 8), lanes=8)
    assert len(compiled.listing) == k * j + 1
    last_tile = max(FIRST_ISSUE + k * j - 1, j - 1)
    assert compiled.cycles == last_tile + DEPENDENT + verdict_latency(8)


def test_a_layer_begins_with_the_first_word_that_is_ready():
    compiled = compile_network(mlp(32, 64, 32, 11), lanes=8)
    first, second, _ = compiled.layers
    assert (first.first, first.last) == (2, 9)
    assert second.first == 5 + DEPENDENT  # the word of the first four tiles
    assert second.last - second.first == 7
    assert compiled.cycles == 32


def test_the_wait_for_a_hidden_state_is_filled_with_products_of_inputs():
    compiled = compile_network(family_network("rnn"), lanes=8)
    before, cell = compiled.layers[0], compiled.layers[1]
    assert cell.issues == 8
    assert cell.first == before.last + 1
    assert cell.last == before.last + DEPENDENT + 3


def test_equal_tiles_and_rows_are_kept_once():
    compiled = compile_network(family_network("rnn"), lanes=8)
    assert sum(layer.tiles for layer in compiled.layers) == 30
    assert len(compiled.image.weights) == 4 + 4 + 2
    # The first step knows that its hidden state is zero, and scales its bias by other numbers.
    assert len(compiled.image.bias) <= 4 + 4 + 2


def one_layer(weight: np.ndarray, bias: np.ndarray, **changes) -> Network:
    """Dense from a payload of whole words, and logits of its first byte."""
    rows, columns = weight.shape
    dense = Dense("dense", (View("payload", 0, columns),), View("h", 0, rows), weight, bias, 2, 1)
    first = np.eye(1, rows, dtype=np.int8)
    end = Logits("logits", (View("h", 0, rows),), first, np.zeros(1, np.int32))
    buffers = {"payload": columns, "h": -(-rows // 32) * 32}
    return Network("one", columns, "centred", buffers, (dense, end), classes=("a",), **changes)


@pytest.mark.parametrize("lanes", [8, 32])
def test_identity_skips_what_is_zero(lanes):
    network = one_layer(np.eye(64, dtype=np.int8), np.zeros(64, np.int32))
    compiled = compile_network(network, lanes=lanes)
    assert_golden(network, compiled)
    dense = compiled.layers[0]
    assert (dense.tiles, dense.skipped) == (64 // lanes, 64 // lanes)
    assert len(compiled.image.weights) == 32 // lanes + 1
    assert compiled.useful == 64 + 1


@pytest.mark.parametrize("lanes", [8, 32])
def test_zeros_leave_the_requantised_bias_in_one_issue_a_tile(lanes):
    network = one_layer(np.zeros((64, 96), np.int8), np.arange(64, dtype=np.int32))
    compiled = compile_network(network, lanes=lanes)
    assert_golden(network, compiled)
    assert compiled.layers[0].tiles == 64 // lanes


def test_several_networks_share_an_image():
    networks = [mlp(32, 16, 3, seed=1), family_network("rnn"), random_network(7)]
    models = [compile_network(network, lanes=8) for network in networks]
    image = link(models)
    assert [entry.name for entry in image.entries] == ["mlp", "rnn", "random7"]
    for model, (network, compiled) in enumerate(zip(networks, models, strict=True)):
        assert_golden(network, compiled, image=image, model=model)


def test_one_bit_of_a_weight_is_noticed():
    network = mlp(32, 64, 32, 11)
    compiled = compile_network(network, lanes=8)
    weights = compiled.image.weights.copy()
    weights[-1, 2, 5] ^= 1
    image = replace(compiled.image, weights=weights)
    with pytest.raises(AssertionError, match="Mismatched elements"):
        assert_golden(network, compiled, image=image)


def test_the_listing_is_the_program():
    compiled = compile_network(mlp(32, 64, 32, 11), lanes=8)
    program = compiled.image.instructions()
    assert [row.at for row in compiled.listing] == issued(program)
    assert [row.gap for row in compiled.listing] == [i.gap for i in program]
    assert [row.pc for row in compiled.listing] == list(range(len(program)))
    first, last = compiled.listing[0], compiled.listing[-1]
    assert (first.text, first.layer) == (
        "mvm acc0 = w0·a0 + bias0 -> rq0 relu -> a1.0001",
        "hidden0",
    )
    assert last.layer == "logits"
    assert last.text.endswith("end")
    assert compiled.cycles == timing.latency(program, lanes=8)


def test_shares_are_of_all_cycles():
    compiled = compile_network(mlp(32, 64, 32, 11), lanes=8)
    assert compiled.issue_share == 18 / 32
    assert compiled.multiplier_share == (32 * 64 + 64 * 32 + 32 * 11) / (32 * 256)


def running_maximum(count: int) -> Network:
    """The largest of `count` words, each from a table, found one after the other."""
    word, table = View("payload", 0, 32), np.arange(-128, 128).astype(np.int8)
    buffers, steps = {"payload": 32, "largest": 32}, []
    for n in range(count):
        buffers[f"word{n}"] = 32
        one, largest = View(f"word{n}", 0, 32), View("largest", 0, 32)
        steps.append(Lookup(f"lookup{n}", word, one, "t"))
        steps.append(Elementwise(f"max{n}", "max", largest if n else word, one, largest))
    end = Logits("logits", (largest,), np.ones((2, 32), np.int8), np.zeros(2, np.int32))
    return Network("many", 32, "half", buffers, (*steps, end), {"t": table}, classes=("a", "b"))


@pytest.mark.parametrize("lanes", [8, 32])
def test_the_largest_family_compiles_within_two_seconds(lanes):
    network = family_network("textcnn")
    began = time.process_time()
    compile_network(network, lanes=lanes)
    assert time.process_time() - began < 2


def test_where_words_are_few_the_steps_keep_their_order():
    network = running_maximum(200)
    compiled = compile_network(network, lanes=8)
    assert_golden(network, compiled)
    begins = [layer.first for layer in compiled.layers]
    assert begins == sorted(begins)


def test_where_words_suffice_the_steps_overlap():
    begins = [layer.first for layer in compile_network(running_maximum(20), lanes=8).layers]
    assert begins != sorted(begins)
