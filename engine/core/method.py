"""The card of a method: everything about it that can be known without running it.

A card is light: importing one must not import torch or any other heavy library, since
pages, workers and the API read cards in their own processes. `entry` and `whatif` name
the code by text, and only the door imports it, in the job's own process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from engine.core.params import Params

Facts = dict[str, Any]  # of a dataset version or artifact: as its kind's card names them


@dataclass(frozen=True)
class Paper:
    title: str
    authors: str
    year: int
    url: str


@dataclass(frozen=True)
class Need:
    """A fact that an input must have, and why: the form shows `why` beside what lacks it."""

    fact: str
    value: Any
    why: str


@dataclass(frozen=True)
class Input:
    """A named input: a dataset version of `kind`, or an artifact of another job of it."""

    name: str
    kind: str
    title: str
    description: str
    optional: bool = False
    needs: tuple[Need, ...] = ()

    def refusal(self, facts: Facts) -> str | None:
        """Why data with these facts cannot be used here; None where it can."""
        for need in self.needs:
            if facts.get(need.fact) != need.value:
                return need.why
        return None


@dataclass(frozen=True)
class Metric:
    """What one metric key means. A `*` in `key` stands for any part (`baseline.*.loss`)."""

    key: str
    title: str
    unit: str = ""
    better: Literal["higher", "lower", ""] = ""
    headline: bool = False


@dataclass(frozen=True)
class Baseline:
    name: str
    title: str
    description: str


@dataclass(frozen=True)
class Question:
    """A what-if that a job's directory can answer within a second."""

    name: str
    title: str
    params: type[Params]


@dataclass(frozen=True)
class Method:
    slug: str
    title: str
    paper: Paper
    summary: str
    inputs: tuple[Input, ...]
    params: type[Params]
    metrics: tuple[Metric, ...]
    entry: str  # "package.module:function", called with the Run
    baselines: tuple[Baseline, ...] = ()
    questions: tuple[Question, ...] = ()
    # (parameter or input, words) where these parameters and the facts of the given inputs do not
    # go together; an input comes without facts where nobody has looked into it yet
    conflict: Callable[[Any, Mapping[str, Facts]], tuple[str, str] | None] | None = None
    # (title, words) of what these parameters come to on these inputs, as far as it is known before
    foretold: Callable[[Any, Mapping[str, Facts]], list[tuple[str, str]]] | None = None
    whatif: str | None = None  # "package.module:Class", see engine.core.ask
    requires: Literal["", "gpu", "hdl"] = ""
    threads: int = 1
    folder: Path = field(default=Path(), compare=False)  # set by the registry
    package: str = ""  # the import path of that folder, set by the registry

    def input(self, name: str) -> Input | None:
        return next((entry for entry in self.inputs if entry.name == name), None)

    def question(self, name: str) -> Question | None:
        return next((entry for entry in self.questions if entry.name == name), None)

    def metric(self, key: str) -> Metric | None:
        """The declared metric that `key` belongs to: the exact one before a family."""
        for metric in self.metrics:
            if metric.key == key:
                return metric
        families = (metric for metric in self.metrics if "*" in metric.key)
        return next((one for one in families if fnmatchcase(key, one.key)), None)

    def defaults(self) -> dict[str, Any]:
        return self.params().model_dump(mode="json")

    def describe(self) -> dict[str, Any]:
        """The card as JSON: what `python -m engine describe` and the API answer."""
        return {
            "slug": self.slug,
            "title": self.title,
            "paper": vars(self.paper),
            "summary": self.summary,
            "inputs": [
                {**vars(entry), "needs": [vars(need) for need in entry.needs]}
                for entry in self.inputs
            ],
            "params": self.params.model_json_schema(),
            "defaults": self.defaults(),
            "metrics": [vars(metric) for metric in self.metrics],
            "baselines": [vars(baseline) for baseline in self.baselines],
            "questions": [
                {
                    "name": question.name,
                    "title": question.title,
                    "params": question.params.model_json_schema(),
                }
                for question in self.questions
            ],
            "requires": self.requires,
            "threads": self.threads,
        }


def resolve(path: str) -> Callable[..., Any]:
    """The object that "package.module:name" names; imports the module."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
