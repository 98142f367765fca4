"""Reads the weights of a network out of a file, a folder or a zip: the doorway of this kind."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from engine.core.errors import UserError
from engine.core.units import counted
from engine.core.units import size as size_in_words
from engine.data.archive import open_source
from engine.data.kind import Report
from engine.data.model import families, folder, llama2c, tokenizer_file, torch_file
from engine.data.model.foreign import refuse_old
from engine.data.model.safetensors_file import begins
from engine.data.model.spread import Spread, measure
from engine.data.model.weights import Weights, size_of
from engine.data.torch_files import holds_tensors

FEW = 8  # names of a list that a line shows

__all__ = ["check", "facts", "load", "preview", "sniff"]


def sniff(path: Path) -> bool:
    try:
        with open_source(path, folder.LIMITS) as source:
            if source.single:
                return begins(next(iter(source))) or llama2c.holds_one(source)
            held = holds_tensors(source) or llama2c.holds_one(source)
            return held or bool(folder.files_of(source))
    except UserError:
        return False


def check(path: Path, report: Report) -> None:
    found = _read(path, report)
    _tell(found, report)
    _look_at({key: measure(tensor) for key, tensor in found.tensors.items()}, found.name, report)
    report.facts = facts(found)
    if Path(path).is_file():
        report.facts["sha256"] = digest = _digest(Path(path))
        known = families.KNOWN.get((digest, Path(path).stat().st_size))
        if known:
            report.ok(found.name, known)


def load(path: Path) -> Weights:
    """Without a look at the numbers, which may lie in the file until they are asked for."""
    return _read(path, Report())


def facts(found: Weights) -> dict[str, Any]:
    keys = found.tensors
    return {
        "format": found.format,
        "architecture": found.architecture,
        "family": found.family,
        "tokenizer": found.has_tokenizer,
        "layers": families.blocks(keys),
        "head": families.has_head(keys),
        "tensors": len(keys),
        "parameters": found.parameters,
        "bytes": found.bytes,
        "dtypes": ", ".join(found.dtypes),
        "linear": families.linear(
            {key: tuple(tensor.shape) for key, tensor in keys.items()}, found.config
        ),
    }


def preview(path: Path) -> dict[str, Any]:
    """{"figures": [{"title", "figure"}], "tables": [{"title", "columns", "rows"}]}."""
    from engine.data.model.picture import picture

    return picture(load(path))


def _read(path: Path, report: Report) -> Weights:
    path = Path(path)
    refuse_old(path)
    with open_source(path, folder.LIMITS) as source:
        if holds_tensors(source):
            found = torch_file.read(path, source, report)
        elif llama2c.holds_one(source):
            found = llama2c.read(source, report)
        else:
            found = folder.read(path, source, report)
    total = sum(map(size_of, found.tensors.values()))
    if total > folder.LIMITS.unpacked:  # tensors of a .pth may share what is stored
        raise UserError(found.name, f"tensors of {total:,} bytes; expected at most "
                        f"{folder.LIMITS.unpacked:,}")  # fmt: skip
    if found.architecture in families.MARKS:
        families.stripped(found.tensors, found.name)
    return found


def _tell(found: Weights, report: Report) -> None:
    report.ok(
        found.name,
        f"{found.format}: {counted(len(found.tensors), 'tensor')}, {found.parameters:,} parameters "
        f"({', '.join(found.dtypes)}), {size_in_words(found.bytes)}",
    )
    if found.has_tokenizer:
        count = tokenizer_file.pieces(found.files, found.name)
        report.ok(found.name, f"a tokenizer of {counted(count, 'piece')} beside them")
    told = facts(found)
    if not told["architecture"]:
        report.warn(
            found.name,
            "of a network that is not known here by its tensors' names, and no config.json says "
            "what it is: no method may take it",
        )
        return
    head = ", with a head of a task" if told["head"] else ""
    report.ok(found.name, f"{told['architecture']}, {counted(told['layers'], 'block')}{head}")


def _look_at(spreads: dict[str, Spread], where: str, report: Report) -> None:
    broken = {key: spread.broken for key, spread in spreads.items() if spread.broken}
    if broken:
        shown = ", ".join(f"{key[:80]!a} ({n:,})" for key, n in list(broken.items())[:FEW])
        more = f" and {len(broken) - FEW:,} more" if len(broken) > FEW else ""
        report.warn(where, f"NaN or infinite values in {shown}{more}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
