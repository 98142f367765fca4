"""The weights that methods work with: tensors by name, and what came with them.

Reading files into it is `io.py`'s work; this module is only the value and what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from engine.data.model import families, tokenizer_file


@dataclass(frozen=True, eq=False)
class Weights:
    name: str  # of the file or folder
    format: str
    tensors: dict[str, Tensor]  # may lie in the file until looked at: to be read, never written
    config: dict[str, Any] | None = None  # config.json
    metadata: dict[str, str] | None = None  # texts that a safetensors file brings
    files: dict[str, bytes] = field(default_factory=dict)  # of its tokenizer, by their names

    @property
    def architecture(self) -> str:
        return families.architecture(self.tensors, self.config)

    @property
    def family(self) -> str:
        return families.family_of(self.config)

    @property
    def has_tokenizer(self) -> bool:
        return tokenizer_file.there(self.files)

    @property
    def parameters(self) -> int:
        return sum(tensor.numel() for tensor in self.tensors.values())

    @property
    def bytes(self) -> int:
        return sum(size_of(tensor) for tensor in self.tensors.values())

    @property
    def dtypes(self) -> tuple[str, ...]:
        return tuple(sorted({type_of(tensor) for tensor in self.tensors.values()}))


def size_of(tensor: Tensor) -> int:
    """Bytes."""
    return tensor.numel() * tensor.element_size()


def type_of(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
