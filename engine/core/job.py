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

from engine.core import params as parameters
from engine.core import registry
from engine.core.artifacts import checked
from engine.core.errors import UserError
from engine.core.method import Input, Method
from engine.core.params import Params
from engine.core.plain import write_json
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

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(
            folder / REQUEST,
            {
                "method": self.method.slug,
                "params": self.params.model_dump(mode="json"),
                "inputs": dict(self.inputs),
                "seed": self.seed,
                "device": self.device,
                "threads": self.threads,
            },
        )

    @classmethod
    def read(cls, folder: Path) -> Request:
        stored = read_json(folder / REQUEST)
        method = registry.method(stored["method"])
        return cls(
            method=method,
            params=parameters.parse(method.params, stored["params"]),
            inputs={name: Path(path) for name, path in stored["inputs"].items()},
            seed=stored["seed"],
            device=stored["device"],
            threads=stored["threads"],
        )


def read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(str(path), "no such file: this folder holds no job of ours")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise UserError(str(path), f"expected JSON ({fault})") from None


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
        request = Request.read(folder)
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
