"""A checkpoint is a safetensors file: arrays under their path, the rest as JSON beside them.

Nested dicts and lists of torch tensors, numpy arrays, numbers, strings, booleans and None
go in and come out the same, on the device of the CPU. Nothing is ever pickled, and the
file can be read with any safetensors reader.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np


def save(path: Path, state: Any) -> None:
    """Write `state` whole or not at all: to a neighbour first, then renamed into place."""
    arrays: dict[str, Any] = {}
    skeleton = _flatten(state, "", arrays)
    metadata = {"skeleton": json.dumps(skeleton)}
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    if "torch" in sys.modules:
        import torch
        from safetensors.torch import save_file

        arrays = {
            key: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
            for key, value in arrays.items()
        }
    else:
        from safetensors.numpy import save_file
    save_file(arrays, part, metadata=metadata)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def load(path: Path) -> Any:
    from safetensors import safe_open

    framework = "pt" if "torch" in sys.modules else "np"
    with safe_open(path, framework=framework) as file:
        skeleton = json.loads(file.metadata()["skeleton"])
        return _unflatten(skeleton, file)


def _flatten(value: Any, path: str, arrays: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"checkpoint{path}: keys of a dict are strings")
        return {"d": {key: _flatten(item, f"{path}/{key}", arrays) for key, item in value.items()}}
    if isinstance(value, list | tuple):
        items = [_flatten(item, f"{path}/{index}", arrays) for index, item in enumerate(value)]
        return {"l": items}
    if value is None or isinstance(value, bool | int | float | str):
        return {"v": value}
    if isinstance(value, np.generic):
        return {"v": value.item()}
    if isinstance(value, np.ndarray):
        arrays[path] = np.ascontiguousarray(value)
        return {"n": path}
    if type(value).__module__.startswith("torch"):
        arrays[path] = value.detach().cpu().contiguous().clone()
        return {"t": path}
    raise TypeError(f"checkpoint{path}: cannot store a {type(value).__name__}")


def _unflatten(node: dict[str, Any], file: Any) -> Any:
    (tag, value), *_ = node.items()
    if tag == "d":
        return {key: _unflatten(item, file) for key, item in value.items()}
    if tag == "l":
        return [_unflatten(item, file) for item in value]
    if tag == "v":
        return value
    array = file.get_tensor(value)
    if tag == "n" and not isinstance(array, np.ndarray):
        return array.numpy()
    if tag == "t" and isinstance(array, np.ndarray):
        import torch

        return torch.from_numpy(array)
    return array
