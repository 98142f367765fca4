"""Values as JSON can carry them: arrays become lists, NaN and infinity become null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """`value` out of dicts, lists, strings, finite numbers, booleans and None."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    if hasattr(value, "tolist"):  # numpy and torch, scalars too
        return plain(value.tolist())
    raise TypeError(f"JSON cannot hold a {type(value).__name__}")


def write_json(path: Path, value: Any) -> None:
    """Write whole or not at all."""
    part = path.with_name(f".part-{path.name}")
    part.write_text(json.dumps(plain(value), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)
