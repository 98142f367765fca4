"""Official checkpoints in and out: read without running anything, matched to the last tensor.

A file is a flat state dict, as `.pth` (read weights-only) or `.safetensors`; data-parallel and
fine-tuned ones carry `module.` and `backbone.` before each key. A partial match is refused: a
network of which a part kept its random weights still runs, and nobody would know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.core.errors import UserError
from engine.methods.cbramod.model import CBraMod

PREFIXES = ("module.", "backbone.")
ASIDE = ("classifier.",)  # a head; it belongs to the task that it was trained for
OPTIONAL = ("proj_out.",)  # fine-tuned checkpoints have no reconstruction layer
LAYER = re.compile(r"encoder\.layers\.(\d+)\.")
_BROKEN = (UnpicklingError, SafetensorError, RuntimeError, EOFError, ValueError, KeyError,
           TypeError, AttributeError)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One tensor in the report of a load."""

    key: str
    expected: tuple[int, ...] | None
    found: tuple[int, ...] | None
    state: str  # "matched", "missing", "other shape", "unknown", "left aside"


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by the official keys, without prefixes, float32."""
    try:
        if path.suffix == ".safetensors":
            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except _BROKEN as fault:
        raise UserError(
            path.name, "cannot be read as weights; expected a state dict saved by torch.save, or "
            f"safetensors ({type(fault).__name__})"
        ) from fault  # fmt: skip
    if not isinstance(content, dict) or not content:
        raise UserError(path.name, f"holds {type(content).__name__}; expected a flat state dict")
    found = {}
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise UserError(path.name, f"{key!r} is no tensor; expected a flat state dict")
        name = key
        while any(name.startswith(prefix) for prefix in PREFIXES):
            name = name.split(".", 1)[1]
        found[name] = value.float()
    return found


def layers_of(content: dict[str, Tensor], where: str) -> int:
    """How many blocks a checkpoint has."""
    numbers = {int(match[1]) for match in map(LAYER.match, content) if match}
    if not numbers:
        raise UserError(where, "has no key encoder.layers.0.…; expected weights of CBraMod")
    return max(numbers) + 1


def compare(model: CBraMod, content: dict[str, Tensor]) -> list[Row]:
    """Every tensor of either side, the model's first."""
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    rows = []
    for key, expected in wanted.items():
        given = content.get(key)
        shape = None if given is None else tuple(given.shape)
        state = "missing" if shape is None else "matched" if shape == expected else "other shape"
        rows.append(Row(key, expected, shape, state))
    for key in content.keys() - wanted.keys():
        state = "left aside" if key.startswith(ASIDE) else "unknown"
        rows.append(Row(key, None, tuple(content[key].shape), state))
    return rows


def load(model: CBraMod, content: dict[str, Tensor], where: str) -> list[Row]:
    """Fill the model, all or nothing; the report. Refused with the first key that does not fit.

    The reconstruction layer may be absent as a whole: then it stays as it was.
    """
    rows = compare(model, content)
    absent = [row for row in rows if row.state == "missing"]
    headless = {row.key for row in absent} == {
        key for key in model.state_dict() if key.startswith(OPTIONAL)
    }
    for row in rows:
        if row.state == "missing" and not headless:
            raise UserError(where, f"{row.key} is missing; expected a tensor of {row.expected}")
        if row.state == "other shape":
            raise UserError(where, f"{row.key} is {row.found}; expected {row.expected}")
        if row.state == "unknown":
            raise UserError(where, f"{row.key} is no tensor of CBraMod; expected none besides")
    kept = {row.key: content[row.key] for row in rows if row.state == "matched"}
    model.load_state_dict(kept, strict=not headless)
    return rows
