"""Writes weights as safetensors, which `io.py` reads back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from engine.data.kind import Report
from engine.data.model.io import check


def write_weights(path: Path, tensors: dict[str, Tensor], texts: dict[str, str]) -> dict[str, Any]:
    """The facts of the written file, as they are told of an upload."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    save_file(plain, path, metadata=texts)
    report = Report()
    check(path, report)
    if report.failed:
        raise report.fault()
    return report.facts
