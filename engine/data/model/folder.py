"""Weights as safetensors: one file, or a folder or zip as transformers writes it, with config.json
and perhaps several files and their index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from engine.core.errors import UserError
from engine.data import strict_json
from engine.data.archive import Limits, Member, Source, on_disk
from engine.data.kind import Report
from engine.data.model import tokenizer_file
from engine.data.model.foreign import EXPECTED, refuse_stand_in
from engine.data.model.safetensors_file import Header, begins, read_header
from engine.data.model.weights import Weights

# Uploads end at 1 GiB, and numbers of 16 bits hardly pack; a folder on the machine may be larger.
LIMITS = Limits(unpacked=4 << 30)
MAX_JSON = 16 << 20  # bytes of an index or a configuration
SUFFIX = ".safetensors"
INDEX = ".safetensors.index.json"
FEW = 8


def files_of(source: Source) -> list[Member]:
    return [member for member in source if member.name.lower().endswith(SUFFIX)]


def read(path: Path, source: Source, report: Report) -> Weights:
    """`source` is the path, opened and found within the limits of archives."""
    if source.single:
        (member,) = source
        refuse_stand_in(member)
        if not begins(member):
            raise UserError(source.name, f"not weights by its first bytes; {EXPECTED}")
        return _weights(path, source, [member], None)
    index = _one(source, INDEX)
    files = _indexed(source, index) if index else files_of(source)
    if not files:
        there = ", ".join(ascii(name[-60:]) for name in list(source.members)[:FEW]) or "nothing"
        raise UserError(source.name, f"no {SUFFIX} file among {there}; expected one beside a "
                        "config.json, or a file of weights by itself")  # fmt: skip
    if len(files) > 1 and not index:
        names = ", ".join(member.name for member in files[:FEW])
        raise UserError(source.name, f"{len(files)} {SUFFIX} files ({names}) and no index of them; "
                        f"expected one file, or model{INDEX}")  # fmt: skip
    for member in files:
        refuse_stand_in(member)
    used = {member.name for member in files} | ({index.name} if index else set())
    config = source.members.get(_beside(files[0], "config.json"))
    beside = {name: source.members.get(_beside(files[0], name)) for name in tokenizer_file.NAMES}
    words = {name: member for name, member in beside.items() if member is not None}
    used |= {member.name for member in (config, *words.values()) if member is not None}
    others = sorted(set(source.members) - used)
    if others:
        more = f" and {len(others) - FEW:,} more" if len(others) > FEW else ""
        report.ok(source.name, f"not needed and left out: {', '.join(others[:FEW])}{more}")
    if config is None:
        report.warn(source.name, "no config.json beside the weights")
    found = _weights(path, source, files, None if config is None else _object(config))
    read = {name: member.read(tokenizer_file.MAX_BYTES) for name, member in words.items()}
    return replace(found, files=read)


def _weights(
    path: Path, source: Source, files: list[Member], config: dict[str, Any] | None
) -> Weights:
    headers = {member.name: read_header(member) for member in files}
    tensors: dict[str, Any] = {}
    with _on_disk(path, source, files) as places:
        for name, header in headers.items():
            twice = next((key for key in header.names if key in tensors), None)
            if twice is not None:
                raise UserError(name, f"{twice[:80]!a} is in another file too")
            tensors |= _mapped(places[name], header, name)
    metadata = {key: text for one in headers.values() for key, text in one.metadata.items()}
    return Weights(source.name, "safetensors", tensors, config, metadata)


def _mapped(place: Path, header: Header, where: str) -> dict[str, Any]:
    """Tensors that lie in the file until they are looked at; a file removed meanwhile stays."""
    try:
        with safe_open(place, framework="pt") as file:
            return {name: file.get_tensor(name) for name in header.names}
    except SafetensorError as fault:
        raise UserError(where, f"damaged ({str(fault)[:100]!a}); {EXPECTED}") from fault


@contextmanager
def _on_disk(path: Path, source: Source, files: list[Member]) -> Iterator[dict[str, Path]]:
    """Where each file lies: in its place, or, out of a zip, as a private copy."""
    if source.packed:
        with on_disk(files) as folder:
            yield {member.name: folder / member.name.rpartition("/")[2] for member in files}
    else:
        yield {member.name: path if source.single else path / member.name for member in files}


def _one(source: Source, suffix: str) -> Member | None:
    found = [member for member in source if member.name.lower().endswith(suffix)]
    if len(found) > 1:
        names = ", ".join(member.name for member in found[:FEW])
        raise UserError(source.name, f"{len(found)} models ({names}); expected one")
    return found[0] if found else None


def _indexed(source: Source, index: Member) -> list[Member]:
    """The files that the index names, which must have exactly the tensors that it says."""
    listed = _object(index).get("weight_map")
    if not isinstance(listed, dict) or not all(isinstance(one, str) for one in listed.values()):
        raise UserError(index.name, "no weight_map; expected files by the names of tensors")
    files = []
    for name in sorted(set(listed.values())):
        member = None if "/" in name else source.members.get(_beside(index, name))
        if member is None:
            raise UserError(index.name, f"names {name[:80]!a}, which is not beside it")
        refuse_stand_in(member)
        wanted = {key for key, file in listed.items() if file == name}
        missing = sorted(wanted - set(read_header(member).names))
        if missing:
            raise UserError(member.name, f"no tensor {missing[0][:80]!a}, as the index says")
        files.append(member)
    return files


def _beside(member: Member, name: str) -> str:
    folder = member.name.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name


def _object(member: Member) -> dict[str, Any]:
    found = strict_json.read(member.read(MAX_JSON), member.name, expected="a JSON object")
    if not isinstance(found, dict):
        raise UserError(member.name, f"a {type(found).__name__} at the top; expected an object")
    return found
