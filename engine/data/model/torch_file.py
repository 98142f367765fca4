"""Weights that `torch.save` wrote: a dict of tensors by name, alone or within a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from engine.core.errors import UserError
from engine.data.archive import Source
from engine.data.kind import Report
from engine.data.model.safetensors_file import refuse_names
from engine.data.model.weights import Weights
from engine.data.torch_files import TYPES, dense, load

FLOATS_OF_8 = ("float8_e4m3fn", "float8_e5m2")
CONTAINERS = ("state_dict", "model_state_dict", "model", "module")
MAX_DEPTH = 3  # containers within each other
FEW = 8
EXPECTED = "expected tensors alone, as of torch.save(model.state_dict(), path)"


def read(path: Path, source: Source, report: Report) -> Weights:
    """`source` is the path, opened and found within the limits of archives."""
    mapped = not any(member.deflated for member in source)
    content = _opened(load(path, expected=EXPECTED, mapped=mapped), source.name, report)
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    left = [key for key in content if key not in tensors]
    refuse_names(tensors, source.name)
    if left:
        report.ok(source.name, f"no tensors, left out: {_listed(left)}")
    dense_ones = {
        key: dense(value, ascii(key[:80]), TYPES + FLOATS_OF_8) for key, value in tensors.items()
    }
    return Weights(source.name, "PyTorch", dense_ones)


def _opened(content: Any, where: str, report: Report) -> dict[str, Any]:
    """The dict that has the tensors, out of what training scripts put around it."""
    for _ in range(MAX_DEPTH):
        if not isinstance(content, dict):
            raise UserError(where, f"holds a {type(content).__name__}; {EXPECTED}")
        if not all(isinstance(key, str) for key in content):
            raise UserError(where, f"names tensors by other things than texts; {EXPECTED}")
        if any(isinstance(value, Tensor) for value in content.values()):
            return content
        inner = next((key for key in CONTAINERS if isinstance(content.get(key), dict)), None)
        if inner is None:
            raise UserError(
                where, f"holds {_listed(list(content)) or 'nothing'}, and no tensor; {EXPECTED}"
            )
        others = [key for key in content if key != inner]
        beside = f"; left out beside it: {_listed(others)}" if others else ""
        report.ok(where, f"a checkpoint: its {inner!r} is what is read{beside}")
        content = content[inner]
    raise UserError(where, f"a checkpoint within {MAX_DEPTH} others; {EXPECTED}")


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - FEW:,} more" if len(keys) > FEW else ""
    return ", ".join(ascii(key[:40]) for key in keys[:FEW]) + more
