"""Official checkpoints matched to the last tensor; the kind `model` has read them.

They carry the official keys; data-parallel and fine-tuned ones `module.` and `backbone.` before
each. A partial match is refused: a network of which a part kept its random weights still runs,
and nobody would know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from torch import Tensor

from engine.core.errors import UserError
from engine.data.model.families import stripped
from engine.data.model.weights import Weights
from engine.methods.cbramod.model import CBraMod

ASIDE = ("classifier.",)  # a head; it belongs to the task that it was trained for
OPTIONAL = ("proj_out.",)  # fine-tuned checkpoints have no reconstruction layer
LAYER = re.compile(r"encoder\.layers\.(\d+)\.")


@dataclass(frozen=True)
class Row:
    """One tensor in the report of a load."""

    key: str
    expected: tuple[int, ...] | None
    found: tuple[int, ...] | None
    state: str  # "matched", "missing", "other shape", "unknown", "left aside"


def official(found: Weights) -> dict[str, Tensor]:
    """The tensors by the official keys, float32."""
    tensors = stripped(found.tensors, found.name)
    for key, value in tensors.items():
        if not value.is_floating_point() and not key.startswith(ASIDE):
            raise UserError(found.name, f"{key} is of {str(value.dtype).removeprefix('torch.')}; "
                            "expected floating point")  # fmt: skip
    return {key: value.float() for key, value in tensors.items()}


def reconstructs(content: dict[str, Tensor]) -> bool:
    """Whether the reconstruction layer is among them."""
    return any(key.startswith(OPTIONAL) for key in content)


def layers_of(content: dict[str, Tensor], where: str) -> int:
    """How many blocks a checkpoint has."""
    numbers = {int(match[1]) for match in map(LAYER.match, content) if match}
    if not numbers:
        raise UserError(where, "has no key encoder.layers.0.…; expected weights of CBraMod")
    missing = set(range(len(numbers))) - numbers
    if missing:
        raise UserError(where, f"has no block encoder.layers.{min(missing)}, but later ones")
    return len(numbers)


def compare(model: CBraMod, content: dict[str, Tensor]) -> list[Row]:
    """Every tensor of either side, the model's first."""
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    rows = []
    for key, expected in wanted.items():
        given = content.get(key)
        shape = None if given is None else tuple(given.shape)
        state = "missing" if shape is None else "matched" if shape == expected else "other shape"
        rows.append(Row(key, expected, shape, state))
    for key in (key for key in content if key not in wanted):
        state = "left aside" if key.startswith(ASIDE) else "unknown"
        rows.append(Row(key, None, tuple(content[key].shape), state))
    return rows


def match(model: CBraMod, content: dict[str, Tensor], where: str) -> list[Row]:
    """The report of a load, all or nothing: refused with the first key that does not fit. The
    reconstruction layer may be absent as a whole."""
    rows = compare(model, content)
    headless = not reconstructs(content)
    for row in rows:
        if row.state == "missing" and not (headless and row.key.startswith(OPTIONAL)):
            raise UserError(where, f"{row.key} is missing; expected a tensor of {row.expected}")
        if row.state == "other shape":
            raise UserError(where, f"{row.key} is {row.found}; expected {row.expected}")
        if row.state == "unknown":
            raise UserError(where, f"{row.key} is no tensor of CBraMod; expected none besides")
        if row.state == "matched" and not content[row.key].isfinite().all():
            raise UserError(where, f"{row.key} has values NaN or infinite; expected numbers")
    return rows


def load(model: CBraMod, content: dict[str, Tensor], where: str) -> list[Row]:
    """Fill the model; a reconstruction layer that is absent stays as it was."""
    rows = match(model, content, where)
    kept = {row.key: content[row.key] for row in rows if row.state == "matched"}
    model.load_state_dict(kept, strict=reconstructs(content))
    return rows
