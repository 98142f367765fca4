"""Small weights for these tests, whole and broken."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor

Tensors = dict[str, Tensor]


def cbramod(blocks: int = 2, prefix: str = "") -> Tensors:
    """A few tensors with the names of CBraMod's, none of its size."""
    torch.manual_seed(3)
    found = {
        "patch_embedding.mask_encoding": torch.randn(4),
        "patch_embedding.spectral_proj.0.weight": torch.randn(4, 3),
    }
    for block in range(blocks):
        for half in "st":
            key = f"encoder.layers.{block}.self_attn_{half}.in_proj_weight"
            found[key] = torch.randn(6, 2) * (block + 1)
    return {f"{prefix}{key}": value for key, value in found.items()}


def tokenizer() -> bytes:
    """tokenizer.json of three words."""
    made = Tokenizer(WordLevel({"[UNK]": 0, "yes": 1, "no": 2}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    return made.to_str().encode()


def saved(path: Path, content: Any) -> Path:
    """As safetensors or by torch.save, by the suffix."""
    if path.suffix == ".safetensors":
        save_file(content, path)
    else:
        torch.save(content, path)
    return path


def raw(path: Path, header: Any, body: bytes = b"") -> Path:
    """A safetensors file whose header says what it likes: an object, or text."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def entry(*shape: int, at: int = 0, dtype: str = "F32", each: int = 4) -> dict[str, Any]:
    size = each
    for side in shape:
        size *= side
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
