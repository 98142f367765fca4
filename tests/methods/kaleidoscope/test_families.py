"""Each family: its integer network equals its own forward in integers, step by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.methods.kaleidoscope.families import FAMILIES
from engine.methods.kaleidoscope.integer import Matrix, Score, golden, read_rows
from engine.methods.kaleidoscope.integer import memory_after as held
from engine.methods.kaleidoscope.proof import prove

CLASSES = tuple("abcdefghijk")


def drawn(inputs: int, n: int = 64, seed: int = 0) -> np.ndarray:
    """Payloads of all lengths: random bytes, then zero padding."""
    rng = np.random.default_rng(seed)
    data = rng.integers(256, size=(n, inputs)).astype(np.uint8)
    return np.where(np.arange(inputs) < rng.integers(1, inputs + 1, size=(n, 1)), data, 0)


def ready(name: str, **about):
    """A family with random weights and ranges that it has seen."""
    torch.manual_seed(0)
    family = FAMILIES[name](CLASSES, **about)
    family.eval().observe(True)
    family(torch.from_numpy(drawn(family.inputs)))
    return family


@pytest.mark.parametrize("name", FAMILIES)
def test_the_integer_network_is_the_forward_in_integers(name):
    family = ready(name).settled(integer=True)
    data = drawn(family.inputs, seed=1)
    network = family.network(name)
    trace = golden(network, data)
    with torch.no_grad():
        outcome = family.signal(torch.from_numpy(data)).values.numpy()
    if isinstance(network.outcome, Score):
        encoded = trace.payload.astype(np.int64)
        outcome = np.abs(encoded - outcome).sum(axis=1)
    assert np.array_equal(trace.outcome, outcome)
    assert np.ptp(trace.outcome) > 0

    places = {step.name: place for place, step in enumerate(network.steps)}
    layers = family.layers(torch.from_numpy(data))
    assert set(layers) <= set(places) | {"logits"}
    for layer, signal in layers.items():
        if layer == "logits":
            continue
        step, expected = network.steps[places[layer]], signal.values.numpy()
        if isinstance(step.target, Matrix):
            memory = held(network, trace, places[layer] + 1)
            found = read_rows(memory, step.target)
        else:
            found = trace.written[places[layer]][:, : expected[0].size]
        assert np.array_equal(found.reshape(expected.shape), expected), layer


@pytest.mark.parametrize("name", FAMILIES)
def test_it_fits_a_core(name):
    """256 tiles of 8 or 32 rows of 32 weights, 8 words of payload, 4 tables (brief, 1.4)."""
    network = ready(name).settled(integer=True).network(name)
    lanes = {"fpe": 8, "hpe": 32}[network.meta["core"]]
    tiles = set()
    for step in network.steps:
        if hasattr(step, "weight"):
            for row in range(0, len(step.weight), lanes):
                for column in range(0, step.weight.shape[1], 32):
                    tiles.add(step.weight[row : row + lanes, column : column + 32].tobytes())
        elif hasattr(step, "table") and not isinstance(step.table, str):
            tiles |= {(step.name, place) for place in range(256 // lanes)}
    assert len(tiles) <= 256
    assert network.inputs <= 256
    assert prove(network)


@pytest.mark.parametrize("encoding", ["half", "fix8", "centred"])
def test_every_encoding_reaches_the_integers(encoding):
    for name in ("mlp", "embedding", "autoencoder"):
        family = ready(name, encoding=encoding).settled(integer=True)
        data = drawn(family.inputs, seed=2)
        trace = golden(family.network(name), data)
        with torch.no_grad():
            values = family.signal(torch.from_numpy(data)).values.numpy()
        found = trace.outcome if name != "autoencoder" else trace.written[-1]
        assert np.array_equal(found, values)


def test_integers_stay_near_the_real_numbers():
    """After calibration on what it then sees: logits within a few per cent of their spread."""
    for name in FAMILIES:
        family = ready(name)
        data = torch.from_numpy(drawn(family.inputs))
        with torch.no_grad():
            exact = family.settled(integer=False)(data)
            rounded = family.settled(integer=True)(data)
        error = float((exact - rounded).pow(2).mean().sqrt() / exact.std())
        assert error < 0.15, (name, error)


def test_only_a_settled_family_gives_its_integers():
    with pytest.raises(ValueError, match="settled"):
        ready("mlp").network("mlp")
