"""What `torch.save` wrote, out of untrusted bytes: tensors and plain containers, nothing else.

Read by `torch.load(weights_only=True)` alone, which builds tensors and plain containers and
refuses every other class by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from struct import error as StructError
from typing import TYPE_CHECKING, Any

from engine.core.errors import UserError
from engine.data.archive import Source

if TYPE_CHECKING:
    from torch import Tensor

TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64")
TYPES += ("float16", "bfloat16", "float32", "float64")
# What torch raises on files that are damaged on purpose; MemoryError is not among them.
_BROKEN = (
    UnpicklingError,
    StructError,
    RuntimeError,
    EOFError,
    LookupError,
    AttributeError,
    TypeError,
    ValueError,
    AssertionError,
    OverflowError,
    OSError,
)


def holds_tensors(source: Source) -> bool:
    """A zip as `torch.save` has written it since PyTorch 1.6."""
    return source.packed and any(name.rsplit("/", 1)[-1] == "data.pkl" for name in source.members)


def load(
    path: Path, *, expected: str, classes: Sequence[tuple[type, str]] = (), mapped: bool = False
) -> Any:
    """The content of a file that was opened as a source and found within its limits.

    `classes` stand for those of these names; no others are built. `mapped`, where no member is
    packed: tensors lie in the file until they are looked at.
    """
    import torch

    try:
        with _alone_allowed(list(classes)):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except _BROKEN as fault:
        text = str(fault)
        if "allocate memory" in text:
            raise MemoryError(text) from fault
        named = re.search(r"GLOBAL ([\w.]+)", text)
        if named:
            raise UserError(
                path.name, f"holds {named[1][:80]}, which is never opened; {expected}"
            ) from fault
        raise UserError(path.name, f"damaged ({_reason(text)}); {expected}") from fault


def dense(value: Any, where: str, types: Sequence[str] = TYPES) -> Tensor:
    """A tensor of numbers in memory. Its shape may not claim more of them than are stored."""
    import torch

    if not isinstance(value, torch.Tensor):
        raise UserError(where, f"a {type(value).__name__}; expected a tensor")
    if value.layout != torch.strided or value.device.type != "cpu":
        raise UserError(where, f"a tensor of {value.layout}; expected a dense one")
    if str(value.dtype).removeprefix("torch.") not in types:
        raise UserError(where, f"a tensor of {value.dtype}; expected {', '.join(types)}")
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        shape = tuple(value.shape)
        raise UserError(where, f"shape {shape} of fewer stored numbers; save {where}.clone()")
    return value.detach().resolve_neg()


@contextmanager
def _alone_allowed(classes: list[Any]) -> Iterator[None]:
    """These and no others: torch_geometric, once imported, has its own classes let in."""
    from torch import serialization

    before = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    serialization.add_safe_globals(classes)
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(before)


def _reason(text: str) -> str:
    """Of torch's advice on how to load it nevertheless, only what is wrong."""
    inner = re.search(r"WeightsUnpickler error:\s*([^\n]+)", text)
    return ascii((inner[1] if inner else text).strip().split("\n")[0][:100])
