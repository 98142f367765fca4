"""A checkpoint is a safetensors file: arrays under their path, the rest as JSON beside them, and a
checksum over both.

Nested dicts, lists and tuples of torch tensors, numpy arrays, numbers, strings, booleans and
None go in and come out the same, tensors on the CPU. Keys of a dict are strings or integers,
as in an optimizer's state. Nothing is ever pickled, and any safetensors reader can read it.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

SUFFIX = ".safetensors"


def save(path: Path, state: Any) -> None:
    """Write `state` whole or not at all: to a neighbour first, then renamed into place."""
    write(path.with_suffix(".part"), state)
    publish(path.with_suffix(".part"), path)


def write(part: Path, state: Any) -> None:
    """Write `state` to a file that is not a checkpoint yet, down to the disk."""
    arrays: dict[str, Any] = {}
    skeleton = json.dumps(_flatten(state, "", arrays))
    metadata = {"skeleton": skeleton, "crc32": _checksum(skeleton, arrays)}
    part.parent.mkdir(parents=True, exist_ok=True)
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
    _sync(part)


def publish(part: Path, path: Path) -> None:
    """Give a written file its name; the name is on the disk when this returns."""
    part.replace(path)
    _sync(path.parent)


def load(path: Path) -> Any:
    """Raises ValueError where the bytes are not those that were written."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        told = file.metadata()
    skeleton = told["skeleton"]
    framework = "pt" if '{"t": ' in skeleton else "np"  # numpy knows no bfloat16
    with safe_open(path, framework=framework) as file:
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
    if "crc32" in told and told["crc32"] != _checksum(skeleton, arrays):  # older files have none
        raise ValueError("its checksum is another: bytes of it have changed")
    return _unflatten(json.loads(skeleton), arrays)


def numbered(folder: Path) -> dict[int, Path]:
    """The checkpoints in a folder by the `n` in their names, oldest first."""
    found = {int(path.stem): path for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit()}
    return dict(sorted(found.items()))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flatten(value: Any, path: str, arrays: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return _flatten_dict(value, path, arrays)
    if isinstance(value, list | tuple):
        items = [_flatten(item, f"{path}/{index}", arrays) for index, item in enumerate(value)]
        return {"u" if isinstance(value, tuple) else "l": items}
    if value is None or isinstance(value, bool | int | float | str):
        return {"v": value}
    if isinstance(value, np.generic):
        return {"v": value.item()}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        arrays[path or "/"] = np.array(value, order="C", dtype=value.dtype.newbyteorder("="))
        return {"n": path or "/"}
    if type(value).__module__.startswith("torch") and hasattr(value, "detach"):
        arrays[path or "/"] = value.detach().cpu().contiguous().clone()
        return {"t": path or "/"}
    kind = f"array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    raise TypeError(f"checkpoint{path}: cannot store a {kind}")


def _flatten_dict(value: dict[Any, Any], path: str, arrays: dict[str, Any]) -> Any:
    for key in value:
        if not isinstance(key, str | int) or isinstance(key, bool):
            raise TypeError(f"checkpoint{path}: keys of a dict are strings or integers")
    items = {key: _flatten(item, f"{path}/{key!r}", arrays) for key, item in value.items()}
    if all(isinstance(key, str) for key in value):
        return {"d": items}
    return {"m": [[key, item] for key, item in items.items()]}


def _checksum(skeleton: str, arrays: dict[str, Any]) -> str:
    """Of values, types, shapes and names, the same for an array and a tensor."""
    found = zlib.crc32(skeleton.encode())
    for key in sorted(arrays):
        array = arrays[key]
        kind = str(array.dtype).removeprefix("torch.")
        found = zlib.crc32(f"{key} {kind} {tuple(array.shape)}".encode(), found)
        if not isinstance(array, np.ndarray):
            import torch

            array = array.reshape(-1).view(torch.uint8).numpy()  # numpy has no bfloat16
        found = zlib.crc32(np.ascontiguousarray(array).data, found)
    return f"{found:08x}"


def _unflatten(node: dict[str, Any], arrays: dict[str, Any]) -> Any:
    ((tag, value),) = node.items()
    if tag == "d":
        return {key: _unflatten(item, arrays) for key, item in value.items()}
    if tag == "m":
        return {key: _unflatten(item, arrays) for key, item in value}
    if tag in ("l", "u"):
        items = [_unflatten(item, arrays) for item in value]
        return items if tag == "l" else tuple(items)
    if tag == "v":
        return value
    array = arrays[value]
    return array.numpy() if tag == "n" and not isinstance(array, np.ndarray) else array
