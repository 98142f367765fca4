"""What the options of `run` ask for: a request, alone or against what a folder recorded."""

from __future__ import annotations

import argparse
import math
from argparse import ArgumentTypeError
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from engine.core import params as parameters
from engine.core import registry
from engine.core.errors import UserError
from engine.core.job import CHECKPOINTS, EVENTS, REQUEST, RESULT, Request, locate, read_json
from engine.core.method import Method

MOST_THREADS = 256


def whole(low: int, high: int) -> Callable[[str], int]:
    """The type of an option: a whole number of these bounds."""

    def read(text: str) -> int:
        if parameters.SPELLED[int].fullmatch(text) and len(text) < 20 and low <= int(text) <= high:
            return int(text)
        raise ArgumentTypeError(f"expected a whole number from {low} to {high}, got {text!r:.40}")

    return read


def one_of(words: Sequence[str]) -> Callable[[str], str]:
    """The type of an option: one of these words."""

    def read(text: str) -> str:
        if text in words:
            return text
        raise ArgumentTypeError(f"expected one of {', '.join(words)}, got {text!r:.40}")

    return read


def seconds(text: str) -> float:
    """The type of an option: a time above 0."""
    if parameters.SPELLED[float].fullmatch(text) and 0 < float(text) < math.inf:
        return float(text)
    raise ArgumentTypeError(f"expected a number of seconds above 0, got {text!r:.40}")


def requested(options: argparse.Namespace) -> Request:
    """The job that the options ask for; with --resume, what the directory recorded."""
    folder = options.out
    if not options.resume:
        if any((folder / name).exists() for name in (REQUEST, EVENTS, RESULT)):
            raise UserError("out", f"{folder} already holds a job; --resume goes on with it")
        return asked(options)
    if (folder / REQUEST).exists():
        stored = Request.read(folder / REQUEST)
        # The checkpoint knows the value of a live parameter, and the log will say so.
        return agreed(stored, options, free=parameters.live(stored.method.params))
    if (folder / CHECKPOINTS).is_dir():
        return asked(options)  # a worker rebuilt the directory from what it had stored
    raise UserError("out", f"{folder} holds no job to resume: there is no {REQUEST}")


def asked(options: argparse.Namespace) -> Request:
    """What the options say, by themselves."""
    method = registry.method(options.method)
    return Request(
        method=method,
        params=parameters.parse(method.params, settings(method, options)),
        inputs=locate(method, pairs(options.input, "--input")),
        seed=options.seed or 0,
        device=options.device or "auto",
        threads=options.threads or method.threads,
    )


def agreed(stored: Request, options: argparse.Namespace, *, free: Collection[str] = ()) -> Request:
    """The recorded request, where the options do not contradict it.

    Inputs may have moved and the device may be another; what decides the numbers may not.
    Parameters in `free` may differ.
    """
    method = registry.method(options.method)
    if stored.method.slug != method.slug:
        raise UserError("method", f"{options.out} holds a job of {stored.method.slug}")
    values = settings(method, options)
    changed = parameters.parse(method.params, {**stored.params.model_dump(mode="json"), **values})
    for name in values.keys() - set(free):
        if getattr(changed, name) != getattr(stored.params, name):
            raise UserError(name, f"this job has {getattr(stored.params, name)!r}: run a new one")
    for name in ("seed", "threads"):
        given = getattr(options, name)
        if given is not None and given != getattr(stored, name):
            raise UserError(name, f"this job has {getattr(stored, name)}: run a new one")
    return replace(
        stored,
        inputs=locate(method, {**stored.inputs, **pairs(options.input, "--input")}),
        device=options.device or stored.device,
    )


def settings(method: Method, options: argparse.Namespace) -> dict[str, Any]:
    """The parameters of --params FILE, and over them those of --set."""
    if options.params is not None and not options.params.is_file():
        raise UserError("--params", f"expected a file, there is none at {options.params}")
    values = {} if options.params is None else read_json(options.params)
    if not isinstance(values, dict):
        raise UserError("--params", f"expected a JSON object in {options.params}")
    return {**values, **parameters.from_text(method.params, pairs(options.set, "--set"))}


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """NAME=VALUE texts; a name may come once."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UserError(option, f"expected NAME=VALUE, got {text!r}")
        if name in found:
            raise UserError(f"{option} {name}", "expected once, given twice")
        found[name] = value
    return found
