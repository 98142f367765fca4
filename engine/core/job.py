"""A job's directory: what was asked, where its inputs lie, and how they are loaded.

`job.json` records the request, so that a resume and a what-if work from the directory alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from engine.core import params as parameters
from engine.core import registry
from engine.core.artifacts import checked
from engine.core.errors import UserError
from engine.core.method import Input, Method
from engine.core.params import Params
from engine.core.plain import write_json
from engine.core.seeds import LARGEST
from engine.data import kind as kinds

REQUEST = "job.json"
RESULT = "result.json"
EVENTS = "events.jsonl"
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Request:
    """One execution request. `device` is as asked ("auto"), `params` are complete."""

    method: Method
    params: Params
    inputs: Mapping[str, Path]
    seed: int
    device: str
    threads: int

    def __post_init__(self) -> None:
        conflict = self.method.conflict
        if conflict and (found := conflict(self.params, {name: {} for name in self.inputs})):
            raise UserError(*found)

    def record(self) -> dict[str, Any]:
        return {
            "method": self.method.slug,
            "params": self.params.model_dump(mode="json"),
            "inputs": dict(self.inputs),
            "seed": self.seed,
            "device": self.device,
            "threads": self.threads,
        }

    def write(self, folder: Path) -> None:
        write_json(folder / REQUEST, self.record())

    @classmethod
    def read(cls, path: Path) -> Request:
        """The request that a file recorded; a fault names the file and the field."""
        stored = read_json(path)
        try:
            record = parameters.parse(Record, stored)
            method = registry.method(record.method)
            params = parameters.parse(method.params, record.params)
        except UserError as fault:
            raise UserError(f"{path}: {fault.where}", fault.expected) from None
        return cls(
            method=method,
            params=params,
            inputs=record.inputs,
            seed=record.seed,
            device=record.device,
            threads=record.threads,
        )


class Record(BaseModel):
    """What the file of a request must hold."""

    method: str
    params: dict[str, Any]
    inputs: dict[str, Path]
    seed: int = Field(ge=0, le=LARGEST)
    device: str
    threads: int = Field(ge=1)


def read_json(path: Path) -> Any:
    if not path.is_file():
        raise UserError(str(path), "no such file: this folder holds no job of ours")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise UserError(str(path), f"expected JSON ({fault})") from None
    except RecursionError:
        raise UserError(str(path), "expected JSON that is nested less deeply") from None
    except ValueError:  # all that is left: Python reads no number of over 4,300 digits
        raise UserError(str(path), "expected JSON without numbers of thousands of digits") from None


def locate(method: Method, given: Mapping[str, str | Path]) -> dict[str, Path]:
    """The inputs of a request as absolute paths; refuses unknown, absent and missing ones."""
    known = ", ".join(entry.name for entry in method.inputs) or "none"
    found = {}
    for name, path in given.items():
        if method.input(name) is None:
            raise UserError(f"input {name}", f"{method.slug} has no such input; it has: {known}")
        found[name] = Path(path).absolute()
        if not found[name].exists():
            raise UserError(f"input {name}", f"no file or folder at {path}")
    for entry in method.inputs:
        if entry.name not in found and not entry.optional:
            raise UserError(
                f"input {entry.name}",
                f"{method.slug} needs it ({entry.title}, kind {entry.kind}): "
                f"--input {entry.name}=PATH",
            )
    return found


class Inputs(Mapping[str, Any]):
    """The typed values of a job's inputs, each read once, when it is first asked for."""

    def __init__(self, method: Method, paths: Mapping[str, Path]):
        self._method = method
        self.paths = dict(paths)
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        entry = self._method.input(name)
        if entry is None:
            raise KeyError(name)
        if name not in self.paths:
            return None
        if name not in self._values:
            self._values[name] = _load(entry, self.paths[name])
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return (entry.name for entry in self._method.inputs)

    def __len__(self) -> int:
        return len(self._method.inputs)


def _load(entry: Input, path: Path) -> Any:
    reader = kinds.kind(entry.kind).io()
    try:
        value = reader.load(path)
    except UserError as fault:
        raise UserError(f"input {entry.name}: {fault.where}", fault.expected) from None
    if entry.needs:
        refusal = entry.refusal(_facts(reader, path, value))
        if refusal is not None:
            raise UserError(f"input {entry.name}", refusal)
    return value


def _facts(reader: Any, path: Path, value: Any) -> dict[str, Any]:
    if hasattr(reader, "facts"):
        return reader.facts(value)
    report = kinds.Report()
    reader.check(path, report)
    return report.facts


class Job:
    """A job's directory as a what-if sees it: the request, the inputs, the files so far."""

    def __init__(self, folder: Path):
        self.folder = folder
        request = Request.read(folder / REQUEST)
        self.method = request.method
        self.params = request.params
        self.seed = request.seed
        self.threads = request.threads
        self.inputs = Inputs(request.method, request.inputs)

    def path(self, name: str) -> Path:
        """Where an artifact lies; refuses one that the job has not written."""
        path = self.folder / checked(name)
        if not path.is_file():
            raise UserError(name, "this job has not written that file")
        return path

    @cached_property
    def result(self) -> dict[str, Any]:
        return read_json(self.folder / RESULT)
