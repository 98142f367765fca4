"""What goes into a checkpoint comes out the same."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from engine.core import checkpoint


def through(path, state):
    checkpoint.save(path, state)
    return checkpoint.load(path)


def test_nested_values_come_back_with_their_types(tmp_path):
    state = {
        "": None,
        "a/b": [1, 2.5, "text", True, (1, [2])],
        "counts": {0: {"step": 3}, 1: {}},
        "large": 2**127 + 1,
        "nan": math.nan,
    }
    back = through(tmp_path / "c.safetensors", state)
    assert math.isnan(back.pop("nan"))
    state.pop("nan")
    assert back == state
    assert type(back["a/b"][4]) is tuple


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int64).reshape(2, 3).T,
        np.array(2.5),
        np.zeros((0, 4), dtype=np.float32),
        np.array([True, False]),
        np.arange(3, dtype=">f8"),
        np.arange(5, dtype=np.uint8)[::-1],
    ],
)
def test_arrays_keep_shape_type_and_order(tmp_path, array):
    back = through(tmp_path / "c.safetensors", {"array": array})["array"]
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)


def test_a_changed_bit_is_seen(tmp_path):
    """Without a checksum training went on from it, to other numbers or to none."""
    import torch

    path = tmp_path / "c.safetensors"
    state = {"finished": 3, "tensor": torch.ones(5, dtype=torch.bfloat16), "array": np.arange(7.0)}
    assert through(path, state)["finished"] == 3
    whole = path.read_bytes()
    for place in (whole.index(b"finished"), -3, -60):  # a name, and in both arrays
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="bytes of it have changed"):
            checkpoint.load(path)


def test_a_file_of_before_there_were_checksums_is_read(tmp_path):
    from safetensors import safe_open
    from safetensors.numpy import save_file

    path = tmp_path / "c.safetensors"
    checkpoint.save(path, {"array": np.arange(3.0)})
    with safe_open(path, "np") as file:
        arrays, told = {"/'array'": file.get_tensor("/'array'")}, file.metadata()
    del told["crc32"]
    save_file(arrays, path, metadata=told)
    assert checkpoint.load(path)["array"].tolist() == [0, 1, 2]


def test_an_optimizer_goes_on_from_its_state(tmp_path):
    import torch

    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.ones(1, 3)).sum().backward()
            optimizer.step()

    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    train(model, optimizer, 3)
    state = {"model": dict(model.state_dict()), "optimizer": optimizer.state_dict()}
    back = through(tmp_path / "c.safetensors", state)
    twin = torch.nn.Linear(3, 2)
    twin.load_state_dict(back["model"])
    again = torch.optim.Adam(twin.parameters(), lr=0.5)
    again.load_state_dict(back["optimizer"])
    train(model, optimizer, 2)
    train(twin, again, 2)
    assert torch.equal(model.weight, twin.weight)


def test_tensors_that_share_memory_are_stored_each(tmp_path):
    import torch

    whole = torch.arange(4.0)
    back = through(tmp_path / "c.safetensors", {"a": whole, "b": whole[:2], "t": whole.bool()})
    assert torch.equal(back["b"], whole[:2])
    assert back["t"].dtype == torch.bool


def test_a_numpy_checkpoint_needs_no_torch(tmp_path):
    code = (
        "import sys, numpy as np; from pathlib import Path; from engine.core import checkpoint; "
        f"path = Path({str(tmp_path)!r}) / 'c.safetensors'; "
        "checkpoint.save(path, {'a': np.arange(3)}); "
        "print(checkpoint.load(path)['a'].tolist(), 'torch' in sys.modules)"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.stdout.strip() == "[0, 1, 2] False"


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"model": {"f": open}}, "checkpoint/'model'/'f': cannot store a"),
        ({"names": np.array(["a"])}, "array of <U1"),
        ({1.5: 1}, "strings or integers"),
        ({"x": {1, 2}}, "cannot store a set"),
    ],
)
def test_what_cannot_be_stored_is_named(tmp_path, state, named):
    with pytest.raises(TypeError, match=named):
        checkpoint.save(tmp_path / "c.safetensors", state)
    assert not (tmp_path / "c.safetensors").exists()
