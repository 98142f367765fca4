"""A saved network is the same network."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.kaleidoscope.integer import golden
from engine.methods.kaleidoscope.network_file import load, save
from tests.methods.kaleidoscope.test_families import drawn, ready


@pytest.mark.parametrize("name", ["mlp", "gru", "textcnn", "attention", "autoencoder"])
def test_a_loaded_network_gives_the_same_bits(name, tmp_path):
    network = ready(name).settled(integer=True).network(name, seed=3)
    save(network, tmp_path / "network.npz")
    found = load(tmp_path / "network.npz")
    assert (found.name, found.classes, found.meta) == (name, network.classes, network.meta)
    assert dict(found.buffers) == network.buffers
    data = drawn(network.inputs, seed=5)
    one, two = golden(network, data), golden(found, data)
    assert np.array_equal(one.outcome, two.outcome)
    assert all(map(np.array_equal, one.written, two.written))


def test_what_is_no_network_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    for name in ("text.npz", "other.npz", "absent.npz"):
        with pytest.raises(UserError, match=f"^{name}: expected a saved integer network"):
            load(tmp_path / name)


def test_a_network_changed_on_disk_is_proved_again(tmp_path):
    network = ready("mlp").settled(integer=True).network("mlp")
    network.steps[0].bias[:] = 2**31 - 1
    save(network, tmp_path / "network.npz")
    with pytest.raises(UserError, match=r"^hidden1: its accumulator"):
        load(tmp_path / "network.npz")
