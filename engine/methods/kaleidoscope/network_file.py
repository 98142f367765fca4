"""Integer networks on disk: one npz without pickle, JSON for what is no array."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import UserError
from engine.methods.kaleidoscope import integer
from engine.methods.kaleidoscope.integer import Matrix, Network, Step, View
from engine.methods.kaleidoscope.proof import prove

FORMAT = 1
STEPS = {
    kind.__name__: kind
    for kind in (
        integer.Dense,
        integer.Logits,
        integer.Elementwise,
        integer.Lookup,
        integer.Rotate,
        integer.Gather,
        integer.Product,
        integer.Score,
    )
}
PLACES = {kind.__name__: kind for kind in (View, Matrix)}


def save(network: Network, path: Path) -> None:
    """Arrays are `step/field` and `table/name`; the rest lies in `network`, as JSON."""
    arrays: dict[str, np.ndarray] = {f"table/{k}": v for k, v in network.tables.items()}
    steps = []
    for number, step in enumerate(network.steps):
        fields: dict[str, Any] = {}
        for field in dataclasses.fields(step):
            value = getattr(step, field.name)
            if isinstance(value, np.ndarray):
                arrays[f"{number}/{field.name}"] = value
            else:
                fields[field.name] = _plain(value)
        steps.append([type(step).__name__, fields])
    about = {
        "format": FORMAT,
        "name": network.name,
        "inputs": network.inputs,
        "encoding": network.encoding,
        "buffers": dict(network.buffers),
        "steps": steps,
        "classes": list(network.classes),
        "meta": dict(network.meta),
    }
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez_compressed(file, network=text, **arrays)


def load(path: Path) -> Network:
    """Raises UserError for what is no such file; the network is proved again."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        about = json.loads(arrays.pop("network").tobytes())
        tables = {k.removeprefix("table/"): v for k, v in arrays.items() if k[:6] == "table/"}
        network = Network(
            about["name"],
            about["inputs"],
            about["encoding"],
            about["buffers"],
            tuple(
                _step(number, kind, fields, arrays)
                for number, (kind, fields) in enumerate(about["steps"])
            ),
            tables,
            tuple(about["classes"]),
            about["meta"],
        )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as fault:
        raise UserError(path.name, f"expected a saved integer network ({fault})") from fault
    prove(network)
    return network


def _step(number: int, kind: str, fields: dict[str, Any], arrays: dict[str, np.ndarray]) -> Step:
    known = {name: _restored(value) for name, value in fields.items()}
    prefix = f"{number}/"
    known |= {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    return STEPS[kind](**known)


def _plain(value: Any) -> Any:
    if isinstance(value, View | Matrix):
        return {"kind": type(value).__name__, **dataclasses.asdict(value)}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        return PLACES[value["kind"]](**{k: v for k, v in value.items() if k != "kind"})
    return tuple(_restored(one) for one in value) if isinstance(value, list) else value
